//! A run that did not end: who looks is told, and who declines changes nothing.

use std::collections::BTreeMap;

use crate::support::{Cluster, Ran, files};

/// The example cluster, its first apply killed after that many journal entries.
fn killed(entries: u32) -> Cluster {
    let cluster = Cluster::sandbox();
    let mut command = cluster.command(&["apply", "--yes"]);
    command.env("SUBAKO_CRASH_AFTER_ENTRY", entries.to_string());
    assert_eq!(Ran::of(&mut command).code, None, "it was killed");
    cluster
}

/// Every file of the state's directory, but for the lock: who declines had it meanwhile.
fn kept(cluster: &Cluster) -> BTreeMap<String, Vec<u8>> {
    files(&cluster.state_dir())
        .into_iter()
        .filter(|path| !path.ends_with("lock"))
        .map(|path| {
            let bytes = std::fs::read(&path).expect("readable");
            (path.display().to_string(), bytes)
        })
        .collect()
}

/// Every command that only looks and has a `--format json`, with the arguments that it needs.
const LOOKING: [&[&str]; 12] = [
    &["lock", "show"],
    &["output"],
    &["plan"],
    &["plan", "--drift"],
    &["reach", "internet", "service.reply"],
    &["show"],
    &["state", "diff", "0"],
    &["state", "history"],
    &["state", "list"],
    &["state", "show", "key_pair.sandbox"],
    &["state", "verify"],
    &["status"],
];

/// The commands, those below `command` included, that write JSON and ask nothing.
fn looking(cluster: &Cluster, command: &[&str]) -> Vec<String> {
    let help = cluster.run(&[command, &["-h"]].concat()).expect(0).stdout;
    let Some((_, below)) = help.split_once("\nCommands:\n") else {
        let json = help.contains("[possible values: text, json");
        let looks = json && !help.contains("--yes");
        return looks.then(|| command.join(" ")).into_iter().collect();
    };
    let below = below.lines().take_while(|line| !line.is_empty());
    let names = below.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names
        .filter(|name| !name.is_empty() && *name != "help")
        .flat_map(|name| looking(cluster, &[command, &[name]].concat()))
        .collect()
}

#[test]
fn every_command_that_only_looks_says_how_far_the_run_came_and_changes_nothing() {
    let mut all = looking(&killed(16), &[]);
    all.sort();
    let mut walked: Vec<String> = LOOKING
        .iter()
        .map(|command| {
            let words = if ["lock", "state"].contains(&command[0]) {
                2
            } else {
                1
            };
            command[..words].join(" ")
        })
        .collect();
    // With an option that makes it another document it is walked twice.
    walked.dedup();
    assert_eq!(all, walked, "a command that looks is not walked here");
    // In the middle of the first run, and when everything is done but the end was not written.
    for (entries, done) in [(16, 5), (44, 21)] {
        let cluster = killed(entries);
        let before = kept(&cluster);
        for command in LOOKING {
            for format in ["text", "json"] {
                let command = [command, &["--format", format]].concat();
                let ran = cluster.run(&command).expect(0);
                let done_text = format!("{done} of 22 steps done");
                for text in [&*done_text, "recover --forward --sim", "recover --back --sim"] {
                    assert!(ran.stderr.contains(text), "{command:?}: `{text}`: {}", ran.said());
                }
                assert!(
                    !ran.said().contains("never applied"),
                    "{command:?}: {}",
                    ran.said()
                );
                if format == "json" {
                    let run = &ran.json()["unfinished"];
                    let said = (&run["command"], &run["done"], &run["of"], &run["running"]);
                    assert_eq!(
                        said,
                        (&"apply".into(), &done.into(), &22.into(), &false.into()),
                        "{command:?}: {}",
                        ran.said()
                    );
                }
                assert!(kept(&cluster) == before, "{command:?} changed something");
            }
        }
        cluster.run(&["output"]).expect(0).says("instance.node-1");
        cluster.run(&["recover", "--forward", "--yes"]).expect(0);
        for command in LOOKING {
            let ran = cluster.run(&[command, &["--format", "json"]].concat()).expect(0);
            assert_eq!(
                ran.json().get("unfinished"),
                Some(&serde_json::Value::Null),
                "{command:?}"
            );
        }
    }
}

#[test]
fn who_declines_has_changed_nothing() {
    let cluster = killed(16);
    let before = kept(&cluster);
    for command in [
        &["apply"][..],
        &["destroy"],
        &["recover", "--back"],
        &["recover", "--forward"],
        &["apply", "--yes", "--expect", "000000000000"],
    ] {
        let ran = cluster.run(command);
        assert!(matches!(ran.code, Some(1 | 5)), "{command:?}: {}", ran.said());
        assert!(kept(&cluster) == before, "{command:?} changed something");
    }
    cluster.run(&["recover", "--back", "--yes"]).expect(0);
    assert!(cluster.resources().is_empty());
}

#[test]
fn recover_shows_what_it_is_going_to_do() {
    let cluster = killed(16);
    let back = cluster.run(&["recover", "--back"]).expect(1);
    back.says("To undo (7):")
        .says("- key_pair.sandbox")
        .says("Rehearsed: about ");
    let forward = cluster.run(&["recover", "--forward"]).expect(1);
    forward
        .says("To do (17):")
        .says("+ service.reply2")
        .says("Rehearsed: about ");
}

#[test]
fn a_plan_after_a_kill_is_the_one_that_apply_makes() {
    let cluster = killed(16);
    let plan = cluster.run(&["plan", "--format", "json"]).expect(0).json();
    let digest = plan["digest"].as_str().expect("a digest");
    cluster.run(&["apply", "--yes", "--expect", digest]).expect(0);
}

#[test]
fn a_run_that_is_going_on_is_named_and_not_called_unfinished() {
    use std::io::{BufRead as _, BufReader};

    let cluster = Cluster::with(|text| text.replace("time = \"instant\"", "time = \"fast\""));
    let mut run = cluster.spawn(&["apply", "--yes", "--format", "json"]);
    let mut lines = BufReader::new(run.stdout.take().expect("piped")).lines();
    let began = lines
        .by_ref()
        .any(|line| line.is_ok_and(|line| line.contains("step_started")));
    assert!(began);
    let looked = cluster.run(&["state", "list", "--format", "json"]).expect(0);
    assert_eq!(looked.json()["unfinished"]["running"], true, "{}", looked.said());
    looked.says("is running").says(&run.id().to_string());
    assert!(!looked.said().contains("recover"), "{}", looked.said());
    lines.for_each(drop);
    assert!(run.wait().expect("ends").success());
}

/// Somebody has the lock, and no run has begun: planning, or asking.
#[test]
fn who_looks_is_told_who_is_about_to_change_something() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let store = subako_state::Store::on(subako_state::Files::new(cluster.state_dir()));
    let holder = subako_state::Holder {
        pid: std::process::id(),
        host: "elsewhere".into(),
        command: "apply".into(),
        since: "2026-01-01T00:00:00Z".into(),
        ..subako_state::Holder::default()
    };
    let lock = store.lock(&holder).expect("nobody has it");
    for command in [&["plan"][..], &["status"], &["output"]] {
        let ran = cluster.run(command).expect(0);
        let said = ran.stderr.contains("has not changed anything yet") && ran.stderr.contains("apply");
        assert!(said, "{command:?}: {}", ran.said());
    }
    drop(lock);
    let ran = cluster.run(&["plan"]).expect(0);
    assert!(
        !ran.stderr.contains("has not changed anything yet"),
        "{}",
        ran.said()
    );
}
