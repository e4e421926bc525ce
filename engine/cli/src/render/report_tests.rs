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
        keep: false,
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
