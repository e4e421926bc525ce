//! Whatever the world, the manifest, the lock or the command line contains: nothing that is
//! printed acts on a terminal, turns the direction of writing, or forges a line.

use proptest::prelude::*;
use serde_json::json;
use subako_engine::check::{Finding, Place, Severity, planner};
use subako_engine::display::Display;
use subako_engine::event::{Aftermath, Difference, Differs, Event, HolderView, Unchecked};
use subako_engine::manifest::{self, Source, Variables};
use subako_engine::money::{Bill, FreeTier, Line, Sort, Unit};
use subako_engine::plan::{Action, Change, Drift, Operation, Plan, Reason, Value};
use subako_engine::session::{
    Drifted, NodeStatus, Rollout, RunReport, ServiceStatus, Skew, Status, StrayStatus, Unread,
};
use subako_engine::world::{Failure, Residue};
use subako_state::{AccountId, Address, Direction, Holder, Json, Outcome, Resource, Snapshot};

use super::document::{FailedStep, UnfinishedRun};
use super::drawing::Drawing;
use super::progress::RunLog;
use super::{drift, markdown, mistakes, plan_json, plan_text, report, resources, samples, status};
use crate::calls;
use crate::hint::Invocation;
use crate::plain::is_dangerous;
use crate::style::Paint;

/// A word that is found again, and something hostile in it.
fn hostile() -> impl Strategy<Value = String> {
    let acts = prop_oneof![
        Just("\n\nPlan: 0 to change.".to_owned()),
        Just("\u{1b}[8m".to_owned()),
        Just("\u{1b}]0;x\u{7}".to_owned()),
        Just("\u{202e}".to_owned()),
        Just("\u{2067}\u{2069}".to_owned()),
        Just("\u{9b}1m".to_owned()),
        Just("\r\u{7f}\u{2028}\u{200f}\u{feff}".to_owned()),
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec((acts, "[a-z`$ ]{0,4}"), 1..4).prop_map(|parts| {
        let parts = parts.into_iter().map(|(acts, word)| acts + &word);
        format!("hostile{}", parts.collect::<String>())
    })
}

fn address(name: &str) -> Address {
    Address::new("instance", name)
}

/// A bill with the text in every name.
fn bill(text: &str) -> Bill {
    Bill {
        region: text.to_owned(),
        as_of: text.to_owned(),
        own_prices: true,
        lines: vec![Line {
            sort: Sort::Instances,
            what: text.to_owned(),
            unit: Unit::Hour,
            price: None,
            before: 1,
            after: 2,
        }],
        stopped: (1, 2),
        free_tier: Some(FreeTier::Hours),
    }
}

/// A plan with the text in every place where one from outside can stand.
fn plan(text: &str) -> Plan {
    let spec = json!({
        text: text, "image": text, "labels": {text: text}, "networks": [{"name": text, "aliases": [text]}],
        "rules": [{"protocol": text, "ports": {"from": 1, "to": 2}, "source": {"cidr": text}, "description": text}],
        "ports": [{"published": 1, "target": 2, "protocol": text}], "ref": {"$ref": "instance.a", "attr": text},
        "list": [{text: [text]}],
    });
    let change = |path: String| Change {
        path,
        before: Value::Known(json!({text: text})),
        after: Value::Known(json!([text, format!("{text}\nx")])),
        forces_replacement: Some(text.to_owned()),
        cost: Some(text.to_owned()),
    };
    let mut create = samples::create("instance.a", &[]);
    create.address = address(text);
    create.after = Some(samples::record(&spec));
    create.reason = Some(Reason::Text(text.to_owned()));
    let mut update = samples::step(Operation::Update, "instance.b", &[]);
    update.address = address(text);
    update.changes = vec![change(text.to_owned()), change(format!("tags.{text}"))];
    update.reason = Some(Reason::UsesOld(address(text)));
    let host = address(text);
    let forget = samples::step(Operation::Vanish { host }, "instance.c", &[]);
    let mut plan = samples::plan(vec![create, update, forget]);
    plan.cluster = text.to_owned();
    plan.provider = text.to_owned();
    plan.account = Some(account(text));
    plan.cost = Some(bill(text));
    plan.drift = vec![
        Drift {
            address: address(text),
            changes: vec![change(text.to_owned())],
            gone: false,
        },
        Drift {
            address: address(text),
            changes: vec![],
            gone: true,
        },
    ];
    plan.findings = [Severity::Error, Severity::Warning, Severity::Note]
        .map(|severity| {
            let mut finding = Finding::new(severity, &planner::FOREIGN, text)
                .about(address(text))
                .with_remedy(text);
            finding.id = text.to_owned();
            finding.place = Some(Place {
                line: 1,
                path: text.to_owned(),
            });
            finding
        })
        .to_vec();
    plan
}

fn account(text: &str) -> AccountId {
    AccountId {
        id: text.to_owned(),
        region: text.to_owned(),
    }
}

fn seen(text: &str) -> Status {
    let some = || Some(text.to_owned());
    Status {
        cluster: text.to_owned(),
        parked: None,
        via: some(),
        trouble: some(),
        managers: (1, 1),
        quorum: 1,
        quorum_lost: text.len().is_multiple_of(2),
        dead_managers: vec![text.to_owned()],
        strays: vec![StrayStatus {
            address: address(text),
            id: Some(text.to_owned()),
            recorded: false,
            protected: true,
            usd_per_hour: Some(0.01),
        }],
        nodes: [true, false]
            .map(|managed| NodeStatus {
                name: text.to_owned(),
                managed,
                instance_id: some(),
                instance_state: some(),
                private_ip: some(),
                public_ip: some(),
                role: some(),
                leader: managed,
                availability: some(),
                health: text.to_owned(),
                tasks: 1,
                engine_version: some(),
            })
            .to_vec(),
        services: [true, false]
            .map(|managed| ServiceStatus {
                name: text.to_owned(),
                managed,
                image: text.to_owned(),
                image_digest: some(),
                running: 1,
                wanted: 2,
                rollout: Some(Rollout::Paused),
                skew: Some(Skew { most: 2, fewest: 0 }),
                urls: vec![text.to_owned()],
                tasks_by_node: [(text.to_owned(), 1)].into(),
                errors: vec![text.to_owned()],
            })
            .to_vec(),
    }
}

fn drifted(text: &str) -> Drifted {
    Drifted {
        cluster: text.to_owned(),
        provider: text.to_owned(),
        recorded: 1,
        drift: plan(text).drift,
        ignored: plan(text).drift,
        waiting: Vec::new(),
        strays: seen(text).strays,
        unread: vec![Unread {
            why: text.to_owned(),
            addresses: vec![address(text)],
        }],
        parked: false,
    }
}

fn failure(text: &str) -> Failure {
    Failure::unknown(text, text)
        .with_service_code(text)
        .with_hint(text)
        .with_output(vec![text.to_owned()])
}

fn events(text: &str) -> Vec<Event> {
    let (address, action) = (address(text), Action::Create);
    let step = |undo| Event::StepFailed {
        step: 0,
        address: address.clone(),
        action,
        undo,
        failure: failure(text),
        elapsed_ms: 0,
    };
    vec![
        Event::LockTakenOver {
            holder: HolderView(holder(text)),
        },
        Event::StepStarted {
            step: 0,
            address: address.clone(),
            action,
            undo: false,
            elapsed_ms: 0,
        },
        Event::StepProgress {
            step: 0,
            address: address.clone(),
            note: text.to_owned(),
            elapsed_ms: 0,
        },
        step(false),
        step(true),
        Event::Turned {
            direction: Direction::Back,
            why: text.to_owned(),
            undo: 1,
        },
        Event::StepDone {
            step: 0,
            address: address.clone(),
            action,
            undo: false,
            elapsed_ms: 0,
            took_ms: 0,
            done: 1,
            of: 1,
        },
        Event::RollbackChecked(aftermath(text)),
    ]
}

fn aftermath(text: &str) -> Aftermath {
    let change = Change {
        path: text.to_owned(),
        before: Value::Known(text.into()),
        after: Value::Known(json!([{text: text}])),
        forces_replacement: None,
        cost: None,
    };
    let differs = [
        Differs::Taken { by: text.to_owned() },
        Differs::Changed {
            changes: vec![change],
        },
    ];
    Aftermath {
        differs: differs
            .map(|how| Difference {
                address: address(text),
                how,
            })
            .to_vec(),
        unchecked: vec![Unchecked {
            address: address(text),
            why: text.to_owned(),
        }],
    }
}

fn holder(text: &str) -> Holder {
    Holder {
        pid: 1,
        host: text.to_owned(),
        command: text.to_owned(),
        since: text.to_owned(),
        user: Some(text.to_owned()),
        line: Some(text.to_owned()),
        run_url: Some(text.to_owned()),
    }
}

fn unfinished(text: &str) -> UnfinishedRun {
    UnfinishedRun {
        command: text.to_owned(),
        running: false,
        holder: Some(holder(text)),
        done: 1,
        of: 2,
        direction: Direction::Back,
        outcome_unknown: vec![address(text)],
        failed: vec![FailedStep {
            address: address(text),
            why: text.to_owned(),
        }],
    }
}

fn snapshot(text: &str) -> Snapshot {
    let spec = Json::canonical(&json!({text: text, "list": [{text: text}], "long": format!("{text}\nx")}));
    let spec = spec.expect("json");
    let mut snapshot = Snapshot::empty(text.into(), text.into(), text.into());
    snapshot.account = Some(account(text));
    snapshot.resources = vec![Resource {
        address: address(text),
        depends_on: vec![address(text)],
        deposed: true,
        generation: 0,
        made_with: Default::default(),
        outputs: spec.clone(),
        protect: true,
        spec_sha256: spec.digest(),
        spec,
    }];
    snapshot
}

fn printed(text: &str) -> Vec<(&'static str, String)> {
    let typed = Invocation::default();
    let plan = plan(text);
    let snapshot = snapshot(text);
    let chosen: Vec<&Resource> = snapshot.resources.iter().collect();
    let run = unfinished(text);
    let addresses = [address(text), Address::new(text, "*")];
    let [a, b] = &addresses;
    let drawing = Drawing {
        nodes: vec![a, b],
        edges: vec![(a, b)],
    };
    let mut shown = String::new();
    resources::text(&mut shown, Paint::PLAIN, &Display::built_in(), &chosen);
    let ran = RunReport {
        outcome: Outcome::Remains,
        snapshot: snapshot.clone(),
        remains: vec![address(text)],
        failures: vec![(address(text), failure(text))],
        cut: false,
        can_go_back: true,
        aftermath: aftermath(text),
        broken: None,
    };
    let log = RunLog {
        undone: vec![address(text)],
        done: vec![address(text)],
        turned: Some((Direction::Keep, text.to_owned())),
        ..RunLog::default()
    };
    let undone = RunReport {
        outcome: Outcome::RolledBack,
        ..ran.clone()
    };
    let shown_as = Display::built_in();
    let told = report::ReportContext {
        command: "apply",
        typed: &typed,
        kinds: &shown_as,
        recovery: None,
    };
    let residue = Residue {
        what: text.to_owned(),
        id: text.to_owned(),
        name: Some(text.to_owned()),
        address: Some(text.to_owned()),
        usd_per_hour: None,
    };
    let steps: Vec<_> = plan.steps.iter().collect();
    let kinds = Display::built_in();
    let mut printed = vec![
        (
            "plan, text",
            plan_text::plan(&plan, &kinds, &Invocation::default(), Paint::PLAIN, false),
        ),
        (
            "plan, full",
            plan_text::plan(&plan, &kinds, &Invocation::default(), Paint::PLAIN, true),
        ),
        (
            "plan, markdown",
            markdown::plan(&plan, &kinds, false, &typed, &samples::next(text)),
        ),
        ("plan, JSON", plan_json::plan(&plan, Some(&run)).expect("json")),
        (
            "recovery",
            plan_text::recovery(&steps, Direction::Back, plan.rehearsal.as_ref(), Paint::PLAIN),
        ),
        ("drift", drift::text(&drifted(text), &kinds, Paint::PLAIN)),
        (
            "drift, JSON",
            drift::json(&drifted(text), Some(&run)).expect("json"),
        ),
        (
            "drift, markdown",
            markdown::drifted(&drifted(text), &kinds, &typed),
        ),
        ("status", status::text(&seen(text), &typed, Paint::PLAIN)),
        (
            "status, JSON",
            status::json(&seen(text), Some(&run)).expect("json"),
        ),
        ("show", shown),
        (
            "show, JSON",
            resources::json(&snapshot, None, &chosen, Some(&run)).expect("json"),
        ),
        (
            "list, JSON",
            resources::list_json(&chosen, Some(&run)).expect("json"),
        ),
        ("graph, dot", drawing.dot()),
        ("graph, Mermaid", drawing.mermaid()),
        ("a call, -v", calls::attempt(text)),
        ("report", report::failed(&ran, &log, told, Paint::PLAIN)),
        ("rollback", report::failed(&undone, &log, told, Paint::PLAIN)),
        ("endpoints", report::endpoints(&snapshot, Paint::PLAIN)),
        ("residue", report::residue(&[residue], Paint::PLAIN)),
    ];
    printed.extend(super::progress::shown(&events(text)));
    printed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn nothing_from_outside_acts_in_any_output(text in hostile()) {
        for (place, output) in printed(&text) {
            let acts: Vec<char> = output.chars().filter(|c| *c != '\n' && is_dangerous(*c)).collect();
            prop_assert!(acts.is_empty(), "{place}: {acts:?} in {output:?}");
            // No line begins with what stood behind a line end.
            prop_assert!(!output.lines().any(|line| line.starts_with("Plan: 0 to change.")), "{place}: {output}");
        }
    }

    #[test]
    fn no_manifest_acts_in_the_report_of_its_mistakes(text in hostile(), at in 0usize..4) {
        let manifest = match at {
            0 => format!("# {text}\n[cluster]\nname = \"a\"\nbogus = 1\n"),
            1 => format!("[cluster]\nname = {text:?}\n"),
            2 => format!("[cluster]\n\"{}\" = 1\n", text.replace('"', "")),
            _ => format!("[cluster]\nname = \"{text}\"\nprovider = \"sim\"\n[[service]]\nname = '''{text}'''\n"),
        };
        let source = Source { name: text.clone(), text: manifest.into(), dir: ".".into() };
        if let Err(errors) = manifest::parse(&source, &Variables::default()) {
            let (output, _) = mistakes::report(&errors, false, 100);
            let acts: Vec<char> = output.chars().filter(|c| *c != '\n' && is_dangerous(*c)).collect();
            prop_assert!(acts.is_empty(), "{acts:?} in {output:?}");
        }
    }
}
