//! The history: who wrote each state, when, with which command and plan, and how that ended.

use serde_json::Value;

use crate::support::{Cluster, Ran, files};

/// The environment of a CI's job.
const CI: [(&str, &str); 4] = [
    ("GITHUB_RUN_ID", "17"),
    ("GITHUB_SERVER_URL", "https://forge.example"),
    ("GITHUB_REPOSITORY", "acme/infra"),
    ("GITHUB_ACTOR", "alice"),
];

fn as_alice(cluster: &Cluster, args: &[&str]) -> Ran {
    Ran::of(cluster.command(args).envs(CI))
}

fn as_bob(cluster: &Cluster, args: &[&str]) -> Ran {
    Ran::of(cluster.command(args).env("USER", "bob"))
}

fn history(cluster: &Cluster) -> Value {
    cluster
        .run(&["state", "history", "--format", "json"])
        .expect(0)
        .json()
}

#[test]
fn each_state_says_who_made_it_how_and_from_which_plan() {
    let cluster = Cluster::sandbox();
    let plan = cluster.run(&["plan", "--format", "json"]).expect(0).json();
    as_alice(&cluster, &["apply", "--yes"]).expect(0);
    as_bob(&cluster, &["state", "rm", "service.reply", "--yes"]).expect(0);
    as_bob(&cluster, &["state", "restore", "1", "--yes"]).expect(0);
    let told = history(&cluster);
    let first = &told["history"][0];
    assert_eq!(first["by"]["user"], "alice", "{told:#}");
    assert_eq!(
        first["by"]["run_url"],
        "https://forge.example/acme/infra/actions/runs/17"
    );
    let line = first["by"]["line"].as_str().expect("a line");
    assert!(line.starts_with("subako apply --yes"), "{line}");
    assert!(
        first["by"]["since"]
            .as_str()
            .is_some_and(|since| since.ends_with('Z')),
        "{told:#}"
    );
    assert_eq!(first["ran"]["plan"], plan["digest"], "{told:#}");
    assert_eq!(first["ran"]["outcome"], "applied");
    assert_eq!(first["restored_by"]["user"], "bob");
    let second = &told["history"][1];
    assert_eq!(second["by"]["command"], "state rm", "{told:#}");
    assert_eq!(
        (&second["by"]["user"], &second["ran"]),
        (&"bob".into(), &Value::Null)
    );
    assert_eq!(told["runs"], Value::Array(Vec::new()), "{told:#}");
    let text = cluster.run(&["state", "history"]).expect(0);
    for said in [
        "alice on",
        "subako state rm service.reply --yes",
        "restored by bob",
    ] {
        text.says(said);
    }
}

#[test]
fn a_run_that_was_rolled_back_is_in_the_history_too() {
    let cluster = Cluster::sandbox();
    cluster.faults("{ call = \"create_network\", nth = 1, error = \"InternalError\" }");
    as_alice(&cluster, &["apply", "--yes"]).expect(3);
    cluster.faults("");
    cluster.run(&["state", "history"]).expect(0).says("alice on");
    as_bob(&cluster, &["apply", "--yes"]).expect(0);
    let told = history(&cluster);
    let [run] = &told["runs"].as_array().expect("runs")[..] else {
        panic!("not one run: {told:#}");
    };
    assert_eq!(
        (&run["serial"], &run["outcome"]),
        (&0.into(), &"rolled_back".into()),
        "{told:#}"
    );
    assert_eq!(run["by"]["user"], "alice");
    assert_eq!(told["history"][0]["by"]["user"], "bob");
    cluster.run(&["state", "history"]).expect(0).says("rolled back");
}

#[test]
fn a_run_that_somebody_else_settled_is_told_with_both() {
    let cluster = Cluster::sandbox();
    let mut killed = cluster.command(&["apply", "--yes"]);
    killed.envs(CI).env("SUBAKO_CRASH_AFTER_ENTRY", "16");
    assert_eq!(Ran::of(&mut killed).code, None, "it was killed");
    as_bob(&cluster, &["apply", "--yes"]).expect(0);
    let told = history(&cluster);
    let states = told["history"].as_array().expect("states");
    let outcomes: Vec<_> = states.iter().map(|state| &state["ran"]["outcome"]).collect();
    assert_eq!(outcomes, ["remains", "applied"], "{told:#}");
    assert!(
        states.iter().all(|state| state["by"]["user"] == "bob"),
        "{told:#}"
    );
    let [run] = &told["runs"].as_array().expect("runs")[..] else {
        panic!("not one run: {told:#}");
    };
    assert_eq!(
        (&run["by"]["user"], &run["outcome"]),
        (&"alice".into(), &"remains".into()),
        "{told:#}"
    );
}

/// A value that was given on the command line is nowhere in what is kept, whatever it is called.
#[test]
fn no_value_of_a_variable_is_kept() {
    let cluster =
        Cluster::with(|text| text.replace("replicas = 8", "replicas = 8\nhostname = \"${var:host}\""));
    as_bob(&cluster, &["apply", "--yes", "--var", "host=hunter2"]).expect(0);
    for path in files(&cluster.state_dir()) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        // The simulated world has the service, and so do the state and the plan: it is wanted.
        if name.ends_with("origin.json") || name == "lock" {
            let text = std::fs::read_to_string(&path).expect("text");
            assert!(!text.contains("hunter2"), "{name}: {text}");
        }
    }
    let told = history(&cluster);
    let line = told["history"][0]["by"]["line"].as_str().expect("a line");
    assert!(line.contains("host=") && !line.contains("hunter2"), "{line}");
}
