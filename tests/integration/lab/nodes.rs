//! Hosts that die under a running swarm.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::bench::{Lab, containers, until};

/// Within this a dead host stands in `status` and `plan`.
const NOTICED: Duration = Duration::from_secs(20);
/// Within this a host has booted again and its engine is back.
const BACK: Duration = Duration::from_secs(90);

pub fn health(status: &Value, name: &str) -> String {
    let nodes = status["nodes"].as_array().expect("nodes");
    let node = nodes.iter().find(|node| node["name"] == name);
    node.and_then(|node| node["health"].as_str())
        .unwrap_or("")
        .to_owned()
}

fn leader(status: &Value) -> Option<String> {
    let nodes = status["nodes"].as_array().expect("nodes");
    let leader = nodes.iter().find(|node| node["leader"] == true)?;
    leader["name"].as_str().map(str::to_owned)
}

/// Whether a status says that a node is not well: as the swarm sees it, or, while the swarm has
/// nobody to lead it, because its host does not answer.
fn told(status: &Value, name: &str) -> bool {
    let trouble = status["trouble"].as_str().unwrap_or("");
    ["down", "unreachable", "unknown"].contains(&health(status, name).as_str()) || trouble.contains(name)
}

/// Kills a host, and waits until `status` and `plan` say so by its manifest name. Both are asked at
/// once, as by two people: each may wait some seconds for the host that does not answer.
fn kill_and_see(lab: &Lab, name: &str) {
    lab.tool(&["host", "kill", &lab.host(name)]);
    let killed = Instant::now();
    let seconds = || killed.elapsed().as_secs_f64();
    let (mut by_status, mut by_plan) = (false, false);
    until("status and plan tell of the dead host", NOTICED, || {
        let plan = lab.start(&["plan"]);
        let status = lab.run(&["status", "--format", "json"]);
        let plan = plan.end();
        by_status |= status.code == Some(0) && told(&status.json(), name);
        // A host that does not answer is no reason to recreate anything.
        assert!(!plan.stdout.contains("to replace"), "{}", plan.said());
        by_plan |= plan.stdout.contains(name) || plan.stderr.contains(name);
        by_status && by_plan
    });
    eprintln!(
        "         {name} is told of by `status` and `plan` after {:.1} s",
        seconds()
    );
    assert!(killed.elapsed() < NOTICED, "{:?}", killed.elapsed());
    until("the swarm sees it down", Duration::from_secs(90), || {
        health(&lab.status(), name) == "down"
    });
    eprintln!("         the swarm itself sees it down after {:.1} s", seconds());
    lab.run(&["plan"])
        .expect(0)
        .says(&format!("~ docker.{name}"))
        .says("running: true → false");
}

#[test]
fn a_dead_worker_and_a_dead_leader_are_seen_by_name_and_brought_back() {
    let Some(lab) = Lab::turn("hosts that die") else {
        return;
    };
    lab.apply().expect(0);

    kill_and_see(&lab, "node-1");
    let led_by = leader(&lab.status()).expect("a leader");
    kill_and_see(&lab, &led_by);
    let next = leader(&lab.status()).expect("another leader");
    assert_ne!(next, led_by);
    // Two managers of three go on, and so does the service.
    until("eight replicas elsewhere", Duration::from_secs(90), || {
        lab.status()["services"][1]["running"] == 8
    });

    for name in ["node-1", &led_by] {
        lab.tool(&["host", "start", &lab.host(name)]);
    }
    until("the hosts are back", BACK, || {
        let status = lab.status();
        health(&status, "node-1") == "ready" && health(&status, &led_by) == "ready"
    });
    lab.apply().expect(0);
    lab.run(&["plan", "--detailed-exitcode"]).expect(0);
    let status = lab.status();
    assert_eq!(status["managers"], serde_json::json!([3, 3]), "{status:#}");
    for address in lab.addresses() {
        let answering = containers(&address);
        assert!(answering.len() >= 4, "{address} is answered by {answering:?}");
    }
    lab.run(&["destroy", "--yes"]).expect(0);
    lab.assert_empty("after destroy");
}
