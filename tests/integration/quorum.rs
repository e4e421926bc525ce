//! `recover --quorum`, from the command line.

use crate::support::Cluster;

#[test]
fn a_swarm_that_lost_its_quorum_for_good_is_re_formed_and_whole_after_the_next_apply() {
    let cluster = Cluster::sandbox();
    cluster
        .run(&["recover", "--quorum", "--yes"])
        .expect(1)
        .says("it was never applied");
    cluster.apply().expect(0);
    let refused = cluster.run(&["recover", "--quorum", "--yes"]).expect(5);
    refused
        .says("the swarm of sandbox has its quorum (3 of 3 managers are alive): there is nothing to recover");
    for manager in ["manager-1", "manager-2"] {
        cluster.run(&["sim", "terminate-instance", manager]).expect(0);
    }
    let status = cluster.run(&["status"]).expect(0);
    status.says("the swarm has lost its quorum");
    status.says("subako recover --quorum");
    let plan = cluster.run(&["plan"]).expect(5);
    plan.says("recover the quorum from one that is left");
    plan.says("subako recover --quorum");
    // Nobody is there to be asked.
    cluster.run(&["recover", "--quorum"]).expect(1);
    cluster
        .run(&["recover", "--quorum", "--yes", "--expect", "0123456789ab"])
        .expect(5);
    cluster.run(&["status", "--check"]).expect(2);

    let recovered = cluster.run(&["recover", "--quorum", "--yes"]).expect(0);
    recovered.says("To recover the quorum of sandbox on the simulator");
    recovered.says("1 of its 3 managers are alive; re-formed with manager-0 as its only manager");
    recovered.says("what the other managers agreed on without it is lost");
    recovered.says("Rehearsed: ");
    cluster.run(&["recover", "--quorum", "--yes"]).expect(5);
    cluster.apply().expect(0);
    cluster.run(&["status", "--check"]).expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn time_passes_on_the_simulator_and_certificates_run_out() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster.run(&["park", "--yes"]).expect(0);
    cluster
        .run(&["sim", "pass", "2400h"])
        .expect(0)
        .says("2400 h 0 min have passed.");
    cluster.run(&["sim", "pass", "100 days"]).expect(1);
    let resumed = cluster.run(&["resume", "--yes", "--format", "json"]).expect(0);
    resumed.says("\"run_finished\"");
    let plan = cluster.run(&["plan"]).expect(0);
    plan.says("+ swarm.sandbox");
    cluster.apply().expect(0);
    cluster.run(&["status", "--check"]).expect(0);
}
