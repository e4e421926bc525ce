//! The main job: from nothing to answers, and back to nothing.

use std::time::Duration;

use super::bench::{Lab, containers};

/// What takes seconds in EC2.
const LAG: Duration = Duration::from_millis(500);

#[test]
fn the_articles_cluster_comes_up_answers_and_goes_without_a_trace() {
    let Some(mut lab) = Lab::turn("the article's cluster") else {
        return;
    };
    lab.be_strict(LAG);
    let applied = lab.apply().expect(0);
    applied
        .says("\n  hosts ")
        .says(", docker ")
        .says(", swarm ")
        .says(", services ");
    eprintln!("{}{}", applied.stdout, applied.stderr);

    let addresses = lab.addresses();
    for address in &addresses {
        let answering = containers(address);
        assert!(
            answering.len() >= 4,
            "{address} is answered by {answering:?} only"
        );
        assert!(
            answering.iter().all(|body| body.starts_with("I am ")),
            "{answering:?}"
        );
    }
    // A task of `reply`, wherever it is, reaches `reply2` by its name over the overlay.
    let script =
        "docker exec $(docker ps -q -f label=com.docker.swarm.service.name=reply | head -1) fetch reply2";
    let said = lab.on("manager-0", script);
    assert!(said.starts_with("I am "), "{said}");

    lab.run(&["plan", "--detailed-exitcode"]).expect(0);
    let status = lab.status();
    assert_eq!(
        lab.names(),
        ["manager-0", "manager-1", "manager-2", "node-0", "node-1"],
        "{status:#}"
    );
    let running: Vec<(&str, u64)> = status["services"]
        .as_array()
        .expect("services")
        .iter()
        .map(|service| {
            (
                service["name"].as_str().unwrap_or(""),
                service["running"].as_u64().unwrap_or(0),
            )
        })
        .collect();
    assert_eq!(
        running,
        [("helloworld", 1), ("reply", 8), ("reply2", 5)],
        "{status:#}"
    );

    lab.run(&["destroy", "--yes"]).expect(0);
    lab.assert_empty("after destroy");
}
