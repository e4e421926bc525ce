//! The other commands.

use crate::support::{Cluster, Ran, root, subako};

#[test]
fn a_new_manifest_is_valid_and_can_be_rehearsed() {
    let dir = tempfile::tempdir().expect("a folder");
    let run = |args: &[&str]| Ran::of(subako().current_dir(dir.path()).args(args));
    run(&["new", "shop"]).expect(0);
    let file = "shop/cluster.toml";
    assert!(dir.path().join(file).exists());
    run(&["new", "shop"]).expect(1).says("cluster.toml");
}

#[test]
fn the_state_is_listed_shown_moved_and_forgotten() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let list = cluster.run(&["state", "list"]).expect(0).stdout;
    assert_eq!(list.lines().count(), 22, "{list}");
    cluster
        .run(&["state", "show", "instance.node-0"])
        .expect(0)
        .says("instance_id");
    cluster
        .run(&["state", "show", "instance.nod"])
        .expect(1)
        .says("instance.nod");
    let show = cluster.run(&["show", "--format", "json"]).expect(0).json();
    assert_eq!(show["format_version"], 1);
    assert_eq!(show["resources"].as_array().expect("resources").len(), 22);
    cluster.run(&["output"]).expect(0).says("http://");

    // Forgotten, then found again by its tags.
    cluster.run(&["state", "rm", "service.reply2", "--yes"]).expect(0);
    assert_eq!(cluster.resources().len(), 21);
    let plan = cluster.run(&["plan", "--format", "json"]).expect(0).json();
    assert_eq!(crate::support::steps(&plan), ["adopt service.reply2"]);
    cluster.apply().expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn a_cluster_that_was_renamed_is_recognised_and_the_way_to_keep_it_works() {
    let cluster = Cluster::sandbox();
    let warned = "cluster `sandbox` has the same instances";
    assert!(!cluster.run(&["plan"]).expect(0).said().contains(warned));
    cluster.apply().expect(0);
    cluster.edit("name = \"sandbox\"", "name = \"shop\"");
    let plan = cluster.run(&["plan"]).expect(0);
    plan.says(warned);
    plan.says("write name = \"sandbox\" again");
    cluster.edit("name = \"shop\"", "name = \"sandbox\"");
    let kept = cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    assert!(!kept.said().contains(warned));
}

#[test]
fn a_pool_that_was_renamed_is_recognised_and_the_way_to_keep_it_works() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster.edit("name = \"node\"", "name = \"worker\"");
    let plan = cluster.run(&["plan"]).expect(0);
    plan.says("note[renamed]: pool `worker` looks like the former `node`");
    let after = plan.stdout.split("add this to the manifest\n").nth(1);
    let block: String = after
        .expect("a block to paste")
        .lines()
        .take_while(|line| line.starts_with("    "))
        .map(|line| format!("{line}\n"))
        .collect();
    cluster.edit("[[network]]", &format!("{block}\n[[network]]"));
    let kept = cluster.run(&["plan"]).expect(0);
    for lost in ["to create", "to destroy", "to replace", "note[renamed]"] {
        assert!(!kept.stdout.contains(lost), "{lost}: {}", kept.said());
    }
    kept.says("pool.node → pool.worker  docker.node-0 as docker.worker-0, and 5 more");
    let json = cluster.run(&["plan", "--format", "json"]).expect(0).json();
    assert_eq!(json["moved"][0]["from"], "pool.node", "{json}");
    let markdown = cluster.run(&["plan", "--format", "markdown"]).expect(0);
    markdown.says("Renamed, nothing is recreated");
    cluster.apply().expect(0).says("1 renamed");
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    // Once it is done the block says nothing any more.
    cluster.edit(&block, "");
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn a_machine_that_is_moved_in_the_state_goes_by_its_new_name_in_the_world_too() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster.edit("name = \"node\"", "name = \"worker\"");
    for index in 0..2 {
        let (from, to) = (format!("node-{index}"), format!("worker-{index}"));
        cluster.run(&["state", "mv", &from, &to]).expect(0);
    }
    let kept = cluster.run(&["plan"]).expect(0);
    assert!(!kept.stdout.contains("to create"), "{}", kept.said());
    assert!(!kept.stdout.contains("note[renamed]"), "{}", kept.said());
}

#[test]
fn the_graph_is_drawn_offline() {
    let cluster = Cluster::sandbox();
    let dot = cluster.run(&["graph"]).expect(0).stdout;
    assert!(
        dot.starts_with("digraph") && dot.contains("\"instance.node-0\" -> \"docker.node-0\""),
        "{dot}"
    );
    let mermaid = cluster.run(&["graph", "--format", "mermaid"]).expect(0).stdout;
    assert!(mermaid.starts_with("flowchart"), "{mermaid}");
}

#[test]
fn schema_and_completions_are_printed() {
    let schema = Ran::of(subako().arg("schema")).expect(0).json();
    assert!(schema["properties"]["pool"].is_object() || schema["$defs"].is_object());
    let shipped = std::fs::read_to_string(root().join("examples/subako.schema.json")).expect("the schema");
    let shipped: serde_json::Value = serde_json::from_str(&shipped).expect("JSON");
    assert_eq!(schema, shipped, "examples/subako.schema.json is stale");
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            Ran::of(subako().args(["completions", shell]))
                .expect(0)
                .stdout
                .contains("subako")
        );
    }
}

#[test]
fn the_version_names_the_commit() {
    let version = Ran::of(subako().arg("--version")).expect(0).stdout;
    let head = std::process::Command::new("git")
        .args(["log", "-1", "--abbrev=9", "--format=%h %cs"])
        .current_dir(root())
        .output();
    match head.ok().filter(|output| output.status.success()) {
        Some(head) => {
            let head = String::from_utf8_lossy(&head.stdout).trim().to_owned();
            assert_eq!(
                version,
                format!("subako {} ({head})\n", env!("CARGO_PKG_VERSION"))
            );
        }
        // From a source archive.
        None => assert!(version.starts_with(&format!("subako {}", env!("CARGO_PKG_VERSION")))),
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let pages = folder.path().join("man1");
    Ran::of(subako().arg("man").arg(&pages)).expect(0);
    for (name, says) in [
        ("subako.1", "subako\\-recover(1)"),
        ("subako-plan.1", "detailed\\-exitcode"),
        ("subako-state-mv.1", "subako\\-state\\-mv"),
    ] {
        let page = std::fs::read_to_string(pages.join(name)).expect(name);
        assert!(page.starts_with(".ie") || page.contains(".TH"), "{page}");
        assert!(page.contains(says), "{name}: {page}");
    }
    assert!(
        Ran::of(subako().arg("man"))
            .expect(0)
            .stdout
            .contains(".TH subako 1")
    );
}

#[test]
fn a_broken_pipe_is_no_panic() {
    let mut child = subako()
        .arg("schema")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
}

#[test]
fn the_bastions_host_key_is_forgotten_when_that_is_agreed_to() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let pin = cluster.state_dir().join("bastion.key");
    std::fs::write(&pin, "bastion.example.com:22 ssh-ed25519 AAAA\n").expect("written");
    cluster.run(&["state", "unpin"]).expect(1);
    assert!(pin.exists(), "nobody agreed");
    let forgotten = cluster.run(&["state", "unpin", "--yes"]).expect(0);
    assert!(
        forgotten.stdout.contains("Forgot") && !pin.exists(),
        "{}",
        forgotten.said()
    );
    let none = cluster.run(&["state", "unpin", "--yes"]).expect(0);
    assert!(
        none.stdout.contains("No host key of a bastion is pinned"),
        "{}",
        none.said()
    );
    // The state is what it was.
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn what_other_tools_call_it_is_answered_with_a_command_that_works() {
    let cluster = Cluster::sandbox();
    for (typed, meant) in [
        ("up", "subako apply --sim"),
        ("plan cluster.toml", "subako plan -f cluster.toml --sim"),
        ("plan --json", "subako plan --format json --sim"),
    ] {
        let words: Vec<&str> = typed.split(' ').collect();
        cluster
            .run(&words)
            .expect(1)
            .says(&format!("help: run `{meant}`"));
    }
    let ran = cluster.run(&["plan", "--target", "reply"]);
    ran.expect(1).says("did you mean `service.reply`?");
}

#[test]
fn a_path_is_shown_with_what_stops_it() {
    let cluster = Cluster::sandbox();
    let open = cluster
        .run(&["reach", "internet", "service.reply", "--check"])
        .expect(0);
    open.says("the internet reaches service.reply");
    open.says("the security group lets in 80/tcp from 0.0.0.0/0");
    let shut = cluster.run(&["reach", "internet", "manager-0:2377"]).expect(0);
    shut.says("does not reach manager-0:2377/tcp");
    shut.says("help: leave it so");
    let shut = cluster.run(&["reach", "203.0.113.9", "manager-0:22"]).expect(0);
    shut.says("help: let it in");
    cluster
        .run(&["reach", "internet", "manager-0:2377", "--check"])
        .expect(2);
    let json = cluster
        .run(&["reach", "service.reply", "service.reply2", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(json["reaches"], true, "{json}");
    assert_eq!(json["hops"][0]["by"], "overlay", "{json}");
    cluster
        .run(&["reach", "internet", "manager-9:22"])
        .expect(1)
        .says("there is no node `manager-9`");
    cluster
        .run(&["reach", "internet", "manager-0"])
        .expect(1)
        .says("NODE:PORT");
}
