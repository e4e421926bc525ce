//! What a plan says, and that it says the same every time.

use crate::support::{Cluster, root, steps};

#[test]
fn a_plan_after_an_apply_has_no_changes() {
    let cluster = Cluster::sandbox();
    cluster.run(&["plan", "--detailed-exitcode"]).expect(2);
    cluster.apply().expect(0);
    cluster
        .run(&["plan", "--detailed-exitcode"])
        .expect(0)
        .says("No changes");
    let plan = cluster.run(&["plan", "--format", "json"]).expect(0).json();
    assert_eq!(steps(&plan), [""; 0]);
    assert_eq!(plan["summary"]["unchanged"], 22);
}

#[test]
fn the_same_plan_has_the_same_digest_on_every_machine() {
    let digest = |cluster: &Cluster| {
        let plan = cluster.run(&["plan", "--format", "json"]).expect(0).json();
        plan["digest"].as_str().expect("a digest").to_owned()
    };
    let (one, other) = (Cluster::sandbox(), Cluster::sandbox());
    let first = digest(&one);
    assert_eq!(first, digest(&one), "twice on one machine");
    assert_eq!(first, digest(&other), "in another folder");
    // Written down once: another machine must come to the same.
    let golden = root().join("tests/integration/golden/sandbox.digest");
    if std::env::var_os("SUBAKO_BLESS").is_some() {
        std::fs::write(&golden, format!("{first}\n")).expect("written");
    }
    let written = std::fs::read_to_string(&golden).expect("the golden digest");
    assert_eq!(
        first,
        written.trim(),
        "the plan of the example changed: read it, then SUBAKO_BLESS=1"
    );
}

#[test]
fn the_plan_of_the_example_reads_as_it_was_read_by_its_authors() {
    let cluster = Cluster::sandbox();
    for (format, file) in [("text", "sandbox.plan.txt"), ("markdown", "sandbox.plan.md")] {
        let said = cluster.run(&["plan", "--format", format]).expect(0).stdout;
        let golden = root().join("tests/integration/golden").join(file);
        if std::env::var_os("SUBAKO_BLESS").is_some() {
            std::fs::write(&golden, &said).expect("written");
        }
        let written = std::fs::read_to_string(&golden).expect("the golden plan");
        assert_eq!(said, written, "read it, then SUBAKO_BLESS=1");
    }
}

#[test]
fn the_json_of_a_plan_keeps_its_shape() {
    let cluster = Cluster::sandbox();
    let plan = cluster.run(&["plan", "--format", "json"]).expect(0).json();
    assert_eq!(plan["format_version"], 1);
    for key in ["create", "update", "replace", "delete", "unchanged"] {
        assert!(
            plan["summary"][key].is_u64(),
            "summary.{key}: {}",
            plan["summary"]
        );
    }
    assert_eq!(plan["summary"]["create"], 22);
    assert!(plan["findings"].is_array());
    let first = &plan["steps"][0];
    assert_eq!(
        (first["address"].as_str(), first["action"].as_str()),
        (Some("key_pair.sandbox"), Some("create"))
    );
}

#[test]
fn targets_take_what_they_need_and_exclusions_what_needs_them() {
    let cluster = Cluster::sandbox();
    let plan = |args: &[&str]| {
        steps(
            &cluster
                .run(&[&["plan", "--format", "json"], args].concat())
                .expect(0)
                .json(),
        )
    };
    assert_eq!(
        plan(&["--target", "docker.node-0"]),
        [
            "create docker.node-0",
            "create instance.node-0",
            "create key_pair.sandbox",
            "create security_group.sandbox"
        ]
    );
    let without = plan(&["--exclude", "instance.node-1"]);
    for gone in [
        "instance.node-1",
        "docker.node-1",
        "member.node-1",
        "service.reply",
    ] {
        assert!(
            !without.contains(&format!("create {gone}")),
            "{gone} needs what is excluded: {without:?}"
        );
    }
    assert!(without.contains(&"create member.node-0".to_owned()));
    cluster
        .run(&["plan", "--target", "instance.nod-0"])
        .expect(1)
        .says("instance.nod-0");
}

#[test]
fn a_partial_apply_is_completed_by_the_next() {
    let cluster = Cluster::sandbox();
    cluster
        .run(&["apply", "--yes", "--target", "instance.*"])
        .expect(0);
    assert_eq!(cluster.resources().len(), 7);
    cluster.apply().expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn without_a_refresh_the_state_is_trusted() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster.run(&["sim", "terminate-instance", "node-1"]).expect(0);
    cluster
        .run(&["plan", "--refresh=false", "--detailed-exitcode"])
        .expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(2);
}

#[test]
fn every_example_can_be_planned() {
    let examples = root().join("examples");
    for entry in std::fs::read_dir(&examples).expect("examples") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let state = tempfile::tempdir().expect("a folder");
            let mut command = crate::support::subako();
            command.args(["plan", "--sim", "--state-dir"]);
            command.arg(state.path()).arg("-f").arg(&path);
            // In the environment a variable need not be for this manifest.
            command
                .env("SUBAKO_VAR_version", "1.0")
                .env("SUBAKO_VAR_web_replicas", "3");
            command.env("DATABASE_PASSWORD", "not-a-password");
            crate::support::Ran::of(&mut command).expect(0);
        }
    }
}

#[test]
fn invariants_refuse_a_plan() {
    let even = Cluster::with(|text| text.replacen("count = 3", "count = 4", 1));
    even.run(&["plan"]).expect(0).says("4 managers");
    let many = Cluster::with(|text| text.replacen("count = 3", "count = 9", 1));
    many.run(&["plan"]).expect(0).says("9 managers");
    let shrunk = Cluster::sandbox();
    shrunk.apply().expect(0);
    shrunk.edit("name = \"node\"", "name = \"node\"\nprotect = true");
    shrunk.apply().expect(0);
    shrunk.run(&["destroy", "--yes"]).expect(5).says("protected");
    assert_eq!(shrunk.status()["nodes"].as_array().expect("nodes").len(), 5);
}

#[test]
fn what_is_protected_is_neither_replaced_nor_deleted_however_it_would_go() {
    let cluster = Cluster::with(|text| {
        text.replacen("name = \"reply\"", "name = \"reply\"\nprotect = true", 1)
            .replacen(
                "name = \"my-overlay\"",
                "name = \"my-overlay\"\nprotect = true",
                1,
            )
    });
    cluster.apply().expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    let refused = |args: &[&str], of: &[&str]| {
        let said = cluster.run(args).expect(5).said();
        for address in of {
            assert!(
                said.contains(&format!("error[protect] {address}: ")),
                "{address}: {said}"
            );
        }
    };
    // With its machines, where no call deletes it.
    refused(&["destroy", "--yes"], &["service.reply", "network.my-overlay"]);
    // Its block is gone.
    cluster.edit("name = \"reply\"\nprotect = true", "name = \"answer\"");
    refused(&["apply", "--yes"], &["service.reply"]);
    cluster.edit("name = \"answer\"", "name = \"reply\"\nprotect = true");
    // It would be replaced.
    cluster.edit(
        "name = \"my-overlay\"\n",
        "name = \"my-overlay\"\nencrypted = true\n",
    );
    refused(&["apply", "--yes"], &["network.my-overlay"]);
    cluster.edit(
        "name = \"my-overlay\"\nencrypted = true\n",
        "name = \"my-overlay\"\n",
    );
    for name in ["reply", "my-overlay"] {
        cluster.edit(
            &format!("name = \"{name}\"\nprotect = true"),
            &format!("name = \"{name}\""),
        );
    }
    cluster.apply().expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    cluster.run(&["destroy", "--yes"]).expect(0);
}

#[test]
fn the_manifest_says_what_a_finding_matters_and_why() {
    let with = |setting: &str| {
        let setting = format!("\n[checks.{setting}\n");
        Cluster::with(move |text| text + &setting)
    };
    Cluster::sandbox().run(&["plan"]).expect(0).says("note[zones]");
    with("zones]\nseverity = \"warning\"\nreason = \"a drill\"")
        .run(&["plan"])
        .expect(0)
        .says("warning[zones]")
        .says("([checks]: a drill)");
    let raised = with("zones]\nseverity = \"error\"\nreason = \"three zones, always\"");
    raised.run(&["plan"]).says("error[zones]");
    raised
        .run(&["apply", "--yes"])
        .expect(5)
        .says("three zones, always");
    let acknowledged = with("zones]\nreason = \"one will do\"");
    acknowledged
        .run(&["plan", "--deny", "warnings"])
        .expect(0)
        .says("note[zones]")
        .says("one will do");
    // A misspelt id would never hold, and a reason is asked for.
    with("zone]\nreason = \"x\"")
        .run(&["plan"])
        .says("there is no check `zone`");
    with("zones]\nseverity = \"note\"")
        .run(&["validate"])
        .expect(1)
        .says("reason");
}
