//! The verbs that need the store alone.

use serde_json::json;
use subako_state::{Address, Direction, Effect, Entry, JOURNAL_FORMAT, Json, Resource, Snapshot, Store};

use super::{Offline, Session, SessionError};
use crate::lower::testing::sandbox;
use crate::plan::Plan;
use crate::testing::{Draft, address, json_of, resource, spec};

fn session(store: &Store) -> Session<Offline> {
    Session::offline(sandbox(), "sim", store.clone())
}

fn snapshot(serial: u64, resources: Vec<Resource>) -> Snapshot {
    let mut snapshot = Snapshot::empty("lineage".into(), "sandbox".into(), "sim".into());
    snapshot.serial = serial;
    snapshot.resources = resources;
    snapshot.sort();
    snapshot
}

/// A store in which that is recorded.
fn holding(resources: Vec<Resource>) -> Store {
    let store = Store::in_memory();
    store.save(&snapshot(1, resources)).expect("saved");
    store
}

/// A run of that plan began from the state that is there, and did not end.
async fn begun(store: &Store, plan: &Plan, entries: &[Entry]) {
    let base = store.load().expect("whole").snapshot;
    let journal = store.begin_journal(None).expect("a journal");
    let begin = Entry::Begin {
        format: JOURNAL_FORMAT,
        written_by: plan.written_by.clone(),
        run: "lineage-0-0".into(),
        command: "apply".into(),
        by: None,
        plan_digest: plan.digest.clone(),
        lineage: "lineage".into(),
        serial: base.as_ref().map_or(0, |(snapshot, _)| snapshot.serial),
        base: base.map(|(_, digest)| digest),
        plan: Json::sorted(plan).expect("json"),
    };
    for entry in std::iter::once(&begin).chain(entries) {
        journal.append(entry).await.expect("appended");
    }
}

fn addresses<'a>(resources: impl IntoIterator<Item = &'a Resource>) -> Vec<&'a str> {
    resources
        .into_iter()
        .map(|resource| resource.address.as_str())
        .collect()
}

#[test]
fn an_empty_store_knows_an_empty_state_and_says_that_nothing_was_applied() {
    let session = session(&Store::in_memory());
    let known = session.load().expect("nothing is wrong");
    assert_eq!((known.snapshot.serial, &*known.snapshot.cluster), (0, "sandbox"));
    assert!(known.base.is_none() && known.unfinished.is_none());
    assert_ne!(
        known.snapshot.lineage,
        session.load().expect("again").snapshot.lineage
    );
    let never = session.recorded().expect_err("nothing is recorded");
    assert!(matches!(never, SessionError::NeverApplied { .. }), "{never}");
    assert!(session.history().expect("none").entries.is_empty());
}

#[test]
fn a_state_of_another_cluster_or_provider_is_refused() {
    for (cluster, provider) in [("other", "sim"), ("sandbox", "aws")] {
        let store = Store::in_memory();
        let mut foreign = snapshot(1, vec![]);
        (foreign.cluster, foreign.provider) = (cluster.into(), provider.into());
        store.save(&foreign).expect("saved");
        let refused = session(&store).load().expect_err("it is another's");
        assert!(matches!(refused, SessionError::WrongCluster { .. }), "{refused}");
    }
}

#[tokio::test]
async fn a_run_that_did_not_end_is_known_step_by_step() {
    let draft = ["a", "b", "c", "d", "e"]
        .iter()
        .fold(Draft::new(), |draft, name| {
            draft.wants(&format!("solid.{name}"), json!({}))
        });
    let plan = draft.plan();
    let of = |name: &str| {
        let number = plan.steps.iter().position(|step| step.address.name() == name);
        number.expect("a step") as u32
    };
    let intent = |name| Entry::Intent {
        step: of(name),
        token: "t".into(),
    };
    let failed = |name, effect| Entry::Failed {
        step: of(name),
        effect,
        outputs: None,
        why: format!("{name} broke"),
        output: Vec::new(),
    };
    let done = Entry::Done {
        step: of("a"),
        outputs: json_of(&json!({"id": "made"})),
    };
    let turn = Entry::Turn {
        direction: Direction::Back,
        why: "x".into(),
    };
    let entries = [
        intent("a"),
        done,
        intent("b"),
        intent("c"),
        failed("c", Effect::Unresolved),
        intent("d"),
        failed("d", Effect::None),
        turn,
    ];
    let store = Store::in_memory();
    begun(&store, &plan, &entries).await;
    let known = session(&store).load().expect("whole");
    let run = known.unfinished.as_ref().expect("it did not end");
    assert_eq!((&*run.command, run.done, run.of), ("apply", 1, 5));
    assert_eq!(run.direction, Direction::Back);
    let names = |found: &[Address]| {
        found
            .iter()
            .map(|address| address.name().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&run.in_flight), ["b", "c"]);
    let broke: Vec<&str> = run.failed.iter().map(|(_, why)| why.as_str()).collect();
    assert_eq!(broke, ["c broke", "d broke"]);
    assert_eq!(
        known.snapshot.lineage, "lineage",
        "its state will be of the run's lineage"
    );
    assert!(known.snapshot.resources.is_empty(), "the state is as it was");
    assert_eq!(addresses(&known.so_far().resources), ["solid.a"]);
    let recorded = session(&store).recorded().expect("something was applied");
    assert_eq!(
        (addresses(&recorded.snapshot.resources), recorded.digest),
        (vec!["solid.a"], None)
    );
    assert!(session(&store).history().expect("none").unfinished.is_some());
}

#[tokio::test]
async fn what_is_forgotten_leaves_the_state_and_who_needs_it_is_named() {
    let user = resource("solid.user", &spec(json!({}), &["solid.a"]));
    let store = holding(vec![
        resource("solid.a", &json!({})),
        resource("solid.b", &json!({})),
        user,
    ]);
    let session = session(&store);
    let unknown = session
        .draft_forget(&["solid.z".to_owned()])
        .expect_err("there is none");
    assert!(matches!(unknown, SessionError::Unknown(_)), "{unknown}");
    let forgetting = session
        .draft_forget(&["solid.a".to_owned()])
        .expect("it is there");
    assert_eq!(forgetting.leaving, [address("solid.a")]);
    assert_eq!(forgetting.needing, [address("solid.user")]);
    let before = session.load().expect("whole");
    assert_eq!(before.snapshot.resources.len(), 3, "a draft changes nothing");
    session.forget(&forgetting).expect("written");
    let after = session.load().expect("whole");
    assert_eq!(addresses(&after.snapshot.resources), ["solid.b", "solid.user"]);
    assert_eq!((after.snapshot.serial, after.snapshot.previous), (2, before.base));
    // Who goes as well is not named as somebody who needs it.
    let both = session
        .draft_forget(&["solid.*".to_owned()])
        .expect("they are there");
    assert!(both.needing.is_empty(), "{both:?}");
    let plan = Draft::new().wants("solid.new", json!({})).plan();
    begun(&store, &plan, &[]).await;
    let refused = session
        .draft_forget(&["solid.b".to_owned()])
        .expect_err("a run is unfinished");
    assert!(
        matches!(refused, SessionError::Unfinished { can_go_back: true }),
        "{refused}"
    );
}

#[test]
fn resources_are_chosen_by_patterns_and_the_current_one_comes_first() {
    let old = Resource {
        deposed: true,
        ..resource("solid.a", &json!({}))
    };
    let new = Resource {
        generation: 1,
        ..resource("solid.a", &json!({}))
    };
    let recorded = session(&holding(vec![old, new, resource("soft.b", &json!({}))]))
        .recorded()
        .expect("whole");
    let chosen = |patterns: &[&str]| {
        let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        recorded.choose(&patterns).map(|found| found.len())
    };
    assert_eq!(chosen(&[]).expect("all"), 3);
    assert_eq!(chosen(&["solid.*"]).expect("both"), 2);
    assert_eq!(chosen(&["soft.b", "solid.a"]).expect("all"), 3);
    for patterns in [&["solid.z"][..], &["soft.b", "guest.*"]] {
        assert!(
            matches!(chosen(patterns), Err(SessionError::Unknown(_))),
            "{patterns:?}"
        );
    }
    let at = recorded.at("solid.a").expect("both");
    assert_eq!(
        at.iter().map(|r| (r.generation, r.deposed)).collect::<Vec<_>>(),
        [(1, false), (0, true)]
    );
    assert!(matches!(recorded.at("solid.z"), Err(SessionError::Unknown(_))));
    assert!(
        matches!(recorded.at("solid.*"), Err(SessionError::Unknown(_))),
        "it is no pattern"
    );
}

#[test]
fn the_history_says_what_is_current_what_follows_and_what_is_damaged() {
    let store = holding(vec![]);
    let first = store.load().expect("whole").snapshot.expect("a state").1;
    let mut second = snapshot(2, vec![resource("solid.a", &json!({}))]);
    second.previous = Some(first.clone());
    store.save(&second).expect("saved");
    // The third names the first as the one before it.
    let mut third = snapshot(3, vec![]);
    third.previous = Some(first);
    store.save(&third).expect("saved");
    let session = session(&store);
    let lines = || -> Vec<(u64, usize, bool, bool)> {
        let history = session.history().expect("readable");
        let entry = history.entries.iter();
        entry
            .map(|e| (e.serial, e.resources, e.current, e.follows))
            .collect()
    };
    assert_eq!(
        lines(),
        [(1, 0, false, true), (2, 1, false, true), (3, 0, true, false)]
    );
    let missing = session.draft_restore(9).expect_err("there is no such state");
    assert!(matches!(missing, SessionError::UnknownSerial(9)), "{missing}");
    let item = session.draft_restore(2).expect("it is there");
    session.restore(&item).expect("restored");
    assert_eq!(session.load().expect("whole").snapshot, second);
    assert_eq!(
        lines(),
        [(1, 0, false, true), (2, 1, true, true), (3, 0, false, false)]
    );
}
