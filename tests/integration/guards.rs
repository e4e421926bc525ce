//! What is not to happen is refused, and the plan stays the one that it is.

use crate::support::{Cluster, settled};

fn applied() -> Cluster {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster
}

#[test]
fn no_more_is_destroyed_than_allowed() {
    let cluster = applied();
    cluster.edit("count = 2", "count = 1");
    // A machine is an instance, its engine and its membership.
    let digest = |args: &[&str], code| {
        let all = [&["plan", "--format", "json"], args].concat();
        cluster.run(&all).expect(code).json()["digest"].clone()
    };
    let plain = digest(&[], 0);
    assert_eq!(digest(&["--max-destroy", "3"], 0), plain);
    assert_eq!(digest(&["--max-destroy", "2"], 5), plain, "the plan is the same");
    let refused = cluster
        .run(&["plan", "--max-destroy", "0", "--out", "review.plan"])
        .expect(5);
    refused.says("error[max-destroy]: 3 resources would be deleted or replaced, and --max-destroy allows 0");
    assert!(!cluster.dir.path().join("review.plan").exists());
    let comment = cluster
        .run(&["plan", "--max-destroy", "0", "--format", "markdown"])
        .expect(5);
    comment.says("### REFUSED: ");
    assert!(!comment.stdout.contains("subako apply"), "{}", comment.stdout);
    let world = settled(cluster.world());
    cluster
        .run(&["apply", "--yes", "--max-destroy", "2"])
        .expect(5)
        .says("nothing was changed");
    cluster
        .run(&["destroy", "--yes", "--max-destroy", "20"])
        .expect(5);
    assert_eq!(settled(cluster.world()), world);
    cluster.run(&["apply", "--yes", "--max-destroy", "3"]).expect(0);
    // Nothing to do is held by nothing.
    cluster
        .run(&["apply", "--yes", "--max-destroy", "0", "--deny", "warnings"])
        .expect(0);
}

#[test]
fn findings_that_are_denied_refuse_the_plan() {
    let cluster = Cluster::sandbox();
    cluster
        .run(&["plan", "--deny", "quorum", "--deny", "warnings"])
        .expect(0);
    cluster
        .run(&["plan", "--deny", "zones"])
        .expect(5)
        .says("error[zones]: 3 of 3 managers are in ap-northeast-1a: if that zone fails, the swarm has no quorum (--deny zones)");
    cluster.edit("ssh_from = [\"", "ssh_from = [\"0.0.0.0/0\", \"");
    cluster.run(&["plan"]).expect(0).says("warning[exposure]");
    for denied in ["warnings", "exposure"] {
        cluster
            .run(&["plan", "--deny", denied])
            .expect(5)
            .says(&format!("(--deny {denied})"));
        cluster.run(&["apply", "--yes", "--deny", denied]).expect(5);
    }
    assert!(cluster.resources().is_empty());
    cluster
        .run(&["apply", "--yes", "--deny", "zonse"])
        .expect(1)
        .says("there is no check `zonse`");
}
