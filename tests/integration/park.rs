//! `park` and `resume`, from the command line.

use crate::support::{Cluster, steps};

#[test]
fn a_cluster_is_parked_and_resumed_and_every_command_says_what_it_is() {
    let cluster = Cluster::sandbox();
    cluster
        .run(&["park", "--yes"])
        .expect(1)
        .says("it was never applied");
    cluster.apply().expect(0);
    let before = cluster.run(&["status", "--format", "json"]).expect(0).json();
    assert!(before["parked"].is_null());

    let parked = cluster.run(&["park", "--yes"]).expect(0);
    parked.says("To park sandbox on the simulator");
    parked.says("stops the instance");
    parked.says("Rehearsed: ");
    parked.says("Resume it by ");
    parked.says("This saves $");
    cluster
        .run(&["park", "--yes"])
        .expect(0)
        .says("No changes: sandbox is parked.");

    let status = cluster.run(&["status"]).expect(0);
    status.says("sandbox: parked since ");
    status.says("subako resume");
    assert!(!status.said().contains("quorum"), "{}", status.said());
    cluster.run(&["status", "--check"]).expect(2);
    let json = cluster.run(&["status", "--format", "json"]).expect(0).json();
    assert_eq!(json["parked"]["instances"], 5);
    assert_eq!(json["parked"]["running"], serde_json::json!([]));
    assert!(json["parked"]["resume_by"].as_str() > json["parked"]["since"].as_str());
    for command in [&["plan"][..], &["apply", "--yes"], &["plan", "--refresh=false"]] {
        let refused = cluster.run(command).expect(5);
        refused.says("sandbox is parked: its 5 machines are stopped on request");
        refused.says("subako resume");
    }
    let output = cluster.run(&["output"]).expect(0);
    assert!(!output.stdout.contains("http"), "{}", output.said());

    cluster.run(&["sim", "start-instance", "node-0"]).expect(0);
    let status = cluster.run(&["status"]).expect(0);
    status.says("running all the same: node-0");

    let resumed = cluster.run(&["resume", "--yes"]).expect(0);
    resumed.says("To resume sandbox on the simulator");
    resumed.says("Rehearsed: ");
    resumed.says("assumed: every node is in the swarm as it is recorded");
    resumed.says("service.reply");
    resumed.says("http://");
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    cluster.run(&["status", "--check"]).expect(0);
    cluster.run(&["resume", "--yes"]).expect(0).says("No changes");
    cluster.run(&["park", "--yes", "--format", "json"]).expect(0);
    cluster
        .run(&["destroy", "--yes"])
        .expect(0)
        .says("Nothing is left");
}

#[test]
fn only_the_plan_that_was_seen_is_carried_out() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster
        .run(&["park", "--yes", "--expect", "0123456789ab"])
        .expect(5);
    let plan = cluster.run(&["plan", "--format", "json"]).expect(0).json();
    assert_eq!(steps(&plan), Vec::<String>::new());
}

#[test]
fn what_came_back_to_nothing_is_seen_and_spread_again() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster
        .run(&["rebalance", "--check"])
        .expect(0)
        .says("spread evenly");
    cluster
        .run(&["rebalance", "--yes"])
        .expect(0)
        .says("No changes: every service");
    cluster.run(&["park", "--yes"]).expect(0);
    cluster
        .run(&["rebalance", "--check"])
        .expect(5)
        .says("sandbox is parked");
    cluster.run(&["rebalance", "--yes"]).expect(5);
    let resumed = cluster.run(&["resume", "--yes"]).expect(0);
    resumed.says("subako rebalance");
    cluster.run(&["status"]).expect(0).says("spreads the tasks of");
    let check = cluster
        .run(&["rebalance", "--check", "--format", "json"])
        .expect(2)
        .json();
    let names: Vec<&str> = check["skewed"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["service"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["reply", "reply2"]);
    let done = cluster.run(&["rebalance", "--yes"]).expect(0);
    done.says("To rebalance sandbox on the simulator");
    done.says("restarts its tasks");
    done.says("Rehearsed: ");
    cluster.run(&["rebalance", "--check"]).expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    let status = cluster.run(&["status", "--check"]).expect(0);
    assert!(!status.said().contains("rebalance"), "{}", status.said());
}
