//! The main job: the example cluster up, seen, and gone again.

use std::time::{Duration, Instant};

use crate::support::{Cluster, files};

#[test]
fn the_example_is_up_and_spread_within_ten_seconds() {
    // On the time that a newcomer sees, not on instant time.
    let cluster = Cluster::with(|text| text.replace("time = \"instant\"", "time = \"fast\""));
    let began = Instant::now();
    cluster.apply().expect(0);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "it took {:?}",
        began.elapsed()
    );

    let status = cluster.status();
    let nodes = status["nodes"].as_array().expect("nodes");
    assert_eq!(nodes.len(), 5, "{status:#}");
    assert!(
        nodes
            .iter()
            .all(|node| node["health"] == "ready" && node["managed"] == true),
        "{status:#}"
    );
    assert_eq!(status["managers"], serde_json::json!([3, 3]));
    assert_eq!(nodes.iter().filter(|node| node["leader"] == true).count(), 1);
    let wanted = [("helloworld", 1), ("reply", 8), ("reply2", 5)];
    let services = status["services"].as_array().expect("services");
    assert_eq!(services.len(), wanted.len());
    for (service, (name, replicas)) in services.iter().zip(wanted) {
        assert_eq!(service["name"], name);
        assert_eq!(
            (service["running"].as_u64(), service["wanted"].as_u64()),
            (Some(replicas), Some(replicas))
        );
        let counts: Vec<u64> = service["tasks_by_node"]
            .as_object()
            .expect("tasks")
            .values()
            .filter_map(|v| v.as_u64())
            .collect();
        let most = counts.iter().max().copied().unwrap_or(0);
        let least = if counts.len() < 5 {
            0
        } else {
            counts.iter().min().copied().unwrap_or(0)
        };
        assert!(most - least <= 1, "{name} is spread unevenly: {counts:?}");
    }
    assert!(
        services[1]["urls"][0]
            .as_str()
            .expect("a URL")
            .starts_with("http://")
    );
}

#[test]
fn destroy_leaves_nothing_and_says_so() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let gone = cluster.run(&["destroy", "--yes"]).expect(0);
    gone.says("nothing");
    assert!(cluster.resources().is_empty());
    let world = cluster.world();
    for kind in ["key_pairs", "security_groups", "instances", "swarms"] {
        assert!(
            world[kind].as_object().expect("a map").is_empty(),
            "{kind}: {world:#}"
        );
    }
    cluster
        .run(&["plan", "--destroy", "--detailed-exitcode"])
        .expect(0);
    // And up again, with new tokens: nothing remembers the first life.
    cluster.apply().expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn an_apply_needs_a_yes_or_a_terminal() {
    let cluster = Cluster::sandbox();
    cluster.run(&["apply"]).expect(1).says("--yes");
    assert!(cluster.resources().is_empty());
    assert!(
        files(cluster.dir.path())
            .iter()
            .all(|path| !path.ends_with("journal.jsonl"))
    );
}

#[test]
fn events_are_one_json_object_a_line_and_count_to_the_end() {
    let cluster = Cluster::sandbox();
    let ran = cluster.run(&["apply", "--yes", "--format", "json"]).expect(0);
    let events: Vec<serde_json::Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert_eq!(events[0]["format_version"], 1);
    let done: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "step_done")
        .collect();
    let last = done.last().expect("steps were done");
    assert_eq!(last["done"], last["of"]);
    assert_eq!(done.len() as u64, last["of"].as_u64().expect("a count"));
    assert!(
        events
            .iter()
            .any(|event| event["event"] == "run_finished" && event["outcome"] == "applied")
    );
    // A dependent never starts before what it depends on is done.
    let at = |name: &str, address: &str| {
        events
            .iter()
            .position(|event| event["event"] == name && event["address"] == address)
            .expect(address)
    };
    assert!(at("step_done", "instance.node-0") < at("step_started", "docker.node-0"));
    assert!(at("step_done", "member.node-1") < at("step_started", "service.reply"));
}

#[test]
fn no_colour_goes_into_a_pipe() {
    let cluster = Cluster::sandbox();
    for args in [
        &["plan"][..],
        &["apply", "--yes"],
        &["status"],
        &["show"],
        &["destroy", "--yes"],
    ] {
        let ran = cluster.run(args);
        assert!(
            !ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'),
            "{args:?}: {}",
            ran.said()
        );
    }
    let coloured = cluster.run(&["plan", "--color", "always"]);
    assert!(coloured.stdout.contains('\u{1b}'), "{}", coloured.said());
}
