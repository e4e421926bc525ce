use clap::Parser as _;
use subako_engine::event::{Aftermath, Difference, Differs, Unchecked};
use subako_engine::plan::{Change, Value};

use super::*;
use crate::args::Cli;

fn ran(outcome: Outcome, failures: Vec<(Address, Failure)>, remains: Vec<Address>) -> RunReport {
    RunReport {
        outcome,
        snapshot: Snapshot::empty("l".into(), "c".into(), "sim".into()),
        remains,
        failures,
        cut: false,
        can_go_back: true,
        aftermath: Aftermath::default(),
        broken: None,
    }
}

/// What is said after `subako apply --sim`.
fn after_apply(ran: &RunReport, log: &RunLog) -> String {
    let cli = Cli::try_parse_from(["subako", "apply", "--sim"]).expect("valid");
    let typed = Invocation::new(["apply", "--sim"].map(str::to_owned), &cli.global);
    let told = ReportContext {
        command: "apply",
        typed: &typed,
        kinds: &Display::built_in(),
        recovery: None,
    };
    failed(ran, log, told, Paint::PLAIN)
}

#[test]
fn a_rollback_says_what_failed_what_was_undone_and_what_to_do_next() {
    let failure = Failure::not_applied("run instance node-1", "there is no room in ap-northeast-1a")
        .with_service_code("InsufficientInstanceCapacity")
        .with_hint("name another zone")
        .with_output(vec!["last words".into()]);
    let log = RunLog {
        undone: vec![Address::new("instance", "a"), Address::new("key_pair", "k")],
        turned: Some((Direction::Back, "x".into())),
        elapsed_ms: 10,
        ..RunLog::default()
    };
    let failures = vec![(Address::new("instance", "node-1"), failure)];
    let text = after_apply(&ran(Outcome::RolledBack, failures, vec![]), &log);
    assert_eq!(
        text,
        "error: apply failed, and everything it did was undone\n\
         \x20 instance.node-1: failed to run instance node-1: InsufficientInstanceCapacity: there is no room in ap-northeast-1a\n\
         \x20   | last words\n\
         \x20   help: name another zone\n\
         \x20 undone: instance.a, key_pair.k (2 in all)\n\
         \x20 remains: nothing; the state and the world are as they were before\n\
         help: remove the cause, then run `subako apply --sim` again\n"
    );
}

#[test]
fn what_is_not_as_before_is_named_with_what_to_run() {
    let differs = |kind: &str, how| Difference {
        address: Address::new(kind, "a"),
        how,
    };
    let replicas = Change {
        path: "replicas".into(),
        before: Value::Known(2.into()),
        after: Value::Known(5.into()),
        forces_replacement: None,
        cost: None,
    };
    let changes = vec![replicas];
    let unchecked = |name: &str| Unchecked {
        address: Address::new("config", name),
        why: "mgr-0: no answer".into(),
    };
    let failures = vec![(
        Address::new("instance", "b"),
        Failure::not_applied("run it", "no room"),
    )];
    let mut ran = ran(Outcome::RolledBack, failures, vec![]);
    ran.aftermath = Aftermath {
        differs: vec![
            differs("network", Differs::Gone),
            differs("service", Differs::Changed { changes }),
        ],
        unchecked: vec![unchecked("x"), unchecked("y")],
    };
    assert_eq!(
        after_apply(&ran, &RunLog::default()),
        "error: apply failed, and everything it did was undone, but not everything is as it was before\n\
         \x20 instance.b: failed to run it: no room\n\
         \x20 differs: network.a: is gone\n\
         \x20 differs: service.a: replicas was 2 and is 5\n\
         \x20 could not be checked: config.x, config.y (2 in all): mgr-0: no answer\n\
         help: `subako status --sim` says whether the cluster answers again\n\
         help: `subako plan --sim` reads it again and shows what differs from the manifest; `subako apply --sim` repairs it\n\
         help: remove the cause, then run `subako apply --sim` again\n"
    );
    ran.aftermath.differs.clear();
    let text = after_apply(&ran, &RunLog::default());
    let head = "undone, but it could not be checked that everything is as it was before\n";
    assert!(
        text.contains(head) && !text.contains("remains: nothing"),
        "{text}"
    );
}

#[test]
fn what_remains_is_listed_with_the_ways_on() {
    let remains = vec![Address::new("instance", "a")];
    let text = after_apply(&ran(Outcome::Remains, vec![], remains), &RunLog::default());
    assert!(text.contains("  remains: instance.a\n"), "{text}");
    assert!(text.contains("`subako recover --back --sim`"), "{text}");
}

#[test]
fn residue_is_priced() {
    let text = residue(
        &[Residue {
            what: "volume".into(),
            id: "vol-1".into(),
            name: None,
            address: Some("instance.a".into()),
            usd_per_hour: Some(0.001),
        }],
        Paint::PLAIN,
    );
    assert!(text.contains("vol-1        instance.a  0.0010"), "{text}");
    assert!(
        text.contains("together 0.0010 USD an hour, about 0.73 USD a month"),
        "{text}"
    );
}

/// What `command` says at its end: `recover` where it has a direction, of a run of `of`.
fn said(of: &str, recovery: Option<Direction>, ran: &RunReport, log: &RunLog) -> String {
    let words = match recovery {
        None => vec![of, "--sim"],
        Some(Direction::Back) => vec!["recover", "--back", "--sim"],
        Some(_) => vec!["recover", "--forward", "--sim"],
    };
    let cli = Cli::try_parse_from([&["subako"], &*words].concat()).expect("valid");
    let typed = Invocation::new(words.iter().map(|word| (*word).to_owned()), &cli.global);
    let told = ReportContext {
        command: of,
        recovery,
        typed: &typed,
        kinds: &Display::built_in(),
    };
    failed(ran, log, told, Paint::PLAIN)
}

/// What stands in backticks, without the options of every command.
fn named(text: &str) -> Vec<String> {
    let commands = text.split('`').skip(1).step_by(2);
    commands
        .map(|command| {
            let words = command.trim_start_matches("subako ").trim_end_matches(" --sim");
            words.to_owned()
        })
        .collect()
}

/// Every end of every command: which commands it names. `recover` is only named while there is a
/// run to recover, and `--back` only while there is a way back.
#[test]
fn an_end_names_the_commands_that_work_in_what_is_then_the_case() {
    let failures = || {
        let failure = Failure::not_applied("run it", "no room");
        vec![(Address::new("instance", "b"), failure)]
    };
    let turned = |direction| RunLog {
        turned: Some((direction, "SIGINT asked to stop".into())),
        ..RunLog::default()
    };
    let full = || {
        Some(std::sync::Arc::new(StateError::io("write", "x")(
            std::io::Error::from_raw_os_error(28),
        )))
    };
    let remains = || vec![Address::new("instance", "a")];
    let (forward, back) = (Some(Direction::Forward), Some(Direction::Back));
    for of in ["apply", "destroy"] {
        // What was undone is over: the command that made it makes it again, and a recovery that
        // was asked to go back has nothing more to do.
        for (recovery, failed, again) in [
            (None, true, Some("run `AGAIN` again")),
            (None, false, Some("run `AGAIN` again when you are ready")),
            (
                forward,
                true,
                Some("that run is over; remove the cause, then `AGAIN` plans its change again"),
            ),
            (
                forward,
                false,
                Some("that run is over; `AGAIN` plans its change again when you are ready"),
            ),
            (back, false, None),
        ] {
            let failures = if failed { failures() } else { Vec::new() };
            let text = said(
                of,
                recovery,
                &ran(Outcome::RolledBack, failures, vec![]),
                &turned(Direction::Back),
            );
            let expected: Vec<String> = again.iter().map(|_| of.to_owned()).collect();
            assert_eq!(named(&text), expected, "{text}");
            let line = again
                .unwrap_or("")
                .replace("AGAIN", &format!("subako {of} --sim"));
            assert!(text.contains(&line), "{text}");
            let that_run = recovery.is_some();
            assert_eq!(text.contains("as they were before that run"), that_run, "{text}");
            assert_eq!(
                text.contains("everything that run did was undone"),
                that_run,
                "{text}"
            );
        }
        for recovery in [None, forward, back] {
            // What remains can be gone on with, and undone where nothing is past the line.
            for (can_go_back, cut, broken) in [
                (true, false, None),
                (false, false, None),
                (true, true, None),
                (false, true, None),
                (true, true, full()),
                (false, true, full()),
            ] {
                let ran = RunReport {
                    can_go_back,
                    cut,
                    broken: broken.clone(),
                    ..ran(Outcome::Remains, failures(), remains())
                };
                let direction = if can_go_back {
                    Direction::Back
                } else {
                    Direction::Keep
                };
                let text = said(of, recovery, &ran, &turned(direction));
                let ways = ["recover --forward", "recover --back", of];
                let ways: Vec<&str> = ways
                    .into_iter()
                    .filter(|way| can_go_back || *way != "recover --back")
                    .collect();
                assert_eq!(named(&text), ways, "{text}");
            }
            // Everything is done that was to be done, but nobody could write that down.
            for (outcome, way) in [
                (Outcome::Applied, "recover --forward"),
                (Outcome::RolledBack, "recover --back"),
            ] {
                let ran = RunReport {
                    cut: true,
                    broken: full(),
                    ..ran(outcome, vec![], vec![])
                };
                let text = said(of, recovery, &ran, &RunLog::default());
                assert_eq!(named(&text), [way], "{text}");
                assert!(text.contains("could not record"), "{text}");
            }
            // It was recorded, and only its journal is where it was: that is no part of its end.
            let ran = RunReport {
                broken: full(),
                ..ran(Outcome::RolledBack, vec![], vec![])
            };
            let text = said(of, recovery, &ran, &RunLog::default());
            assert!(
                !text.contains("could not record") && !text.contains("space"),
                "{text}"
            );
        }
    }
}

/// Keeping what was done was asked for, and the line is crossed as well: nobody can go back.
#[test]
fn what_was_kept_past_the_line_is_not_said_to_be_undoable() {
    let log = RunLog {
        turned: Some((Direction::Keep, "x".into())),
        ..RunLog::default()
    };
    let kept = ran(Outcome::Remains, vec![], vec![Address::new("instance", "a")]);
    let text = after_apply(&kept, &log);
    assert!(
        text.contains("kept, as asked") && text.contains("recover --back"),
        "{text}"
    );
    let crossed = RunReport {
        can_go_back: false,
        ..kept
    };
    let text = after_apply(&crossed, &log);
    assert!(
        text.contains("past the line") && !text.contains("recover --back"),
        "{text}"
    );
}
