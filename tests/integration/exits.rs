//! The exit codes that README promises: one test each, over every command that gives it.

use crate::support::{Cluster, Ran};

/// The example, applied.
fn up() -> Cluster {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster
}

/// Runs a command that is killed after that many journal entries.
fn killed(cluster: &Cluster, command: &[&str], entries: u32) {
    let mut command = cluster.command(command);
    command.env("SUBAKO_CRASH_AFTER_ENTRY", entries.to_string());
    assert_eq!(Ran::of(&mut command).code, None, "it was killed");
}

/// The first apply, killed in the middle.
fn interrupted() -> Cluster {
    let cluster = Cluster::sandbox();
    killed(&cluster, &["apply", "--yes"], 16);
    cluster
}

/// A destroy, killed past the line of no return.
fn past_the_line() -> Cluster {
    let cluster = up();
    killed(&cluster, &["destroy", "--yes"], 12);
    cluster
}

#[test]
fn code_0_is_done_or_nothing_to_do() {
    let cluster = up();
    for command in [
        &["apply", "--yes"][..],
        &["plan"],
        &["plan", "--detailed-exitcode"],
        &["recover", "--forward", "--yes"],
        &["recover", "--back", "--yes"],
        &["status", "--check"],
        &["destroy", "--yes"],
        &["destroy", "--yes"],
    ] {
        cluster.run(command).expect(0);
    }
    for way in ["--forward", "--back"] {
        interrupted().run(&["recover", way, "--yes"]).expect(0);
    }
}

#[test]
fn code_1_is_an_error_before_anything_changed() {
    let (cluster, broken) = (up(), interrupted());
    let (world, resources) = (cluster.world(), cluster.resources());
    // Nobody can be asked, and nothing is what was asked for.
    for command in [&["apply", "--replace", "instance.node-0"][..], &["destroy"]] {
        cluster.run(command).expect(1);
    }
    for way in ["--forward", "--back"] {
        broken.run(&["recover", way]).expect(1);
    }
    cluster.run(&["plan", "--target", "service.nobody"]).expect(1);
    // The world cannot be read.
    cluster.faults("{ call = \"survey\", times = 1000, error = \"RequestExpired\" }");
    for command in [
        &["apply", "--yes"][..],
        &["destroy", "--yes"],
        &["plan"],
        &["status", "--check"],
    ] {
        cluster.run(command).expect(1);
    }
    assert_eq!((cluster.world(), cluster.resources()), (world, resources));
    // The manifest is none.
    cluster.edit("[cluster]", "[cluster");
    for command in [
        &["apply", "--yes"][..],
        &["destroy", "--yes"],
        &["plan"],
        &["recover", "--back", "--yes"],
        &["status", "--check"],
    ] {
        cluster.run(command).expect(1);
    }
}

#[test]
fn code_2_is_a_change_that_is_pending_or_a_cluster_that_is_degraded() {
    let cluster = Cluster::sandbox();
    cluster.run(&["plan", "--detailed-exitcode"]).expect(2);
    cluster.apply().expect(0);
    for manager in ["manager-1", "manager-2"] {
        cluster.run(&["sim", "kill-node", manager]).expect(0);
    }
    cluster.run(&["status", "--check"]).expect(2);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(2);
}

#[test]
fn code_3_is_a_failure_of_which_everything_was_undone() {
    let fault = "{ call = \"create_service:reply\", error = \"ServerError\" }";
    let first = Cluster::sandbox();
    first.faults(fault);
    first.apply().expect(3).says("remains: nothing");
    assert!(first.resources().is_empty());
    // Going forward turns back as well.
    let forward = interrupted();
    forward.faults(fault);
    let ran = forward.run(&["recover", "--forward", "--yes"]).expect(3);
    ran.says("remains: nothing").says("subako apply");
    assert!(forward.resources().is_empty());
    // A destroy is undone while it has not come to the line.
    let cluster = up();
    let resources = cluster.resources().len();
    cluster.faults("{ call = \"terminate_instance\", times = 99, error = \"ServerError\" }");
    cluster.run(&["destroy", "--yes"]).expect(3);
    assert_eq!(cluster.resources().len(), resources);
}

#[test]
fn code_4_is_something_that_remains_or_was_kept() {
    let stuck = "{ call = \"terminate_instance\", times = 99, error = \"ServerError\" }";
    // Kept on request.
    let kept = Cluster::sandbox();
    kept.faults("{ call = \"create_service:reply\", error = \"ServerError\" }");
    kept.run(&["apply", "--yes", "--on-failure", "keep"]).expect(4);
    // It cannot be undone.
    let first = Cluster::sandbox();
    first.faults(&format!(
        "{{ call = \"swarm_init\", error = \"ServerError\" }}, {stuck}"
    ));
    first.apply().expect(4).says("remains:");
    first
        .run(&["recover", "--back", "--yes"])
        .expect(4)
        .says("remains:");
    // Past the line nothing is undone.
    let cluster = up();
    cluster.faults("{ call = \"terminate_instance\", nth = 2, times = 99, error = \"ServerError\" }");
    cluster
        .run(&["destroy", "--yes"])
        .expect(4)
        .says("recover --forward");
    let crossed = past_the_line();
    crossed.faults(stuck);
    let ran = crossed.run(&["recover", "--forward", "--yes"]).expect(4);
    ran.says("recover --forward");
}

#[test]
fn code_5_is_a_refusal() {
    let cluster = up();
    let (world, resources) = (cluster.world(), cluster.resources());
    let other = ["--expect", "000000000000"];
    cluster
        .run(&[&["apply", "--yes", "--replace", "instance.node-0"][..], &other].concat())
        .expect(5);
    assert_eq!((cluster.world(), cluster.resources()), (world, resources));
    past_the_line().run(&["recover", "--back", "--yes"]).expect(5);
    // A state that cannot be trusted is no reason to begin from nothing.
    std::fs::write(cluster.state_file(), "{").expect("written");
    for command in [
        &["apply", "--yes"][..],
        &["destroy", "--yes"],
        &["plan"],
        &["recover", "--forward", "--yes"],
        &["status", "--check"],
    ] {
        cluster.run(command).expect(5);
    }
}
