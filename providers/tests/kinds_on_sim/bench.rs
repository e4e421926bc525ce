//! A simulated world with a state, and the whole way from a manifest to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use subako_engine::check::plan;
use subako_engine::desired::DesiredSet;
use subako_engine::event::{Event, Events};
use subako_engine::kind::Registry;
use subako_engine::lower::{lower, needs};
use subako_engine::manifest::Manifest;
use subako_engine::plan::{Action, Plan, Planning, Selection};
use subako_engine::refresh::refresh;
use subako_engine::run::{ApplyOptions, OnFailure, Run, RunResult, RunStatus, Stop};
use subako_engine::world::World;
use subako_providers::sim::{FaultRule, Pace, SimOptions, Simulator};
use subako_state::{Entry, Outcome, Snapshot, Store};

use crate::calls::unlike_planned;

pub struct Bench {
    pub sim: Simulator,
    pub world: World,
    pub registry: Registry,
    pub snapshot: Snapshot,
    /// What the steps said, `address: note`.
    pub notes: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    pub fn new(faults: Vec<FaultRule>) -> Self {
        let sim = Simulator::open(SimOptions {
            time: Pace::Instant,
            faults,
            ..SimOptions::default()
        })
        .expect("a world");
        Self {
            world: sim.world(),
            sim,
            registry: subako_engine::kinds::registry(),
            snapshot: Snapshot::empty("lineage".into(), "sandbox".into(), "sim".into()),
            notes: Arc::default(),
        }
    }

    /// Where a manifest has been applied.
    pub async fn of(manifest: &Manifest) -> Self {
        let mut bench = Self::new(vec![]);
        bench.apply(manifest).await;
        bench
    }

    pub async fn desired(&self, manifest: &Manifest) -> DesiredSet {
        self.desired_knowing(&self.snapshot, manifest, &Selection::default())
            .await
    }

    async fn desired_knowing(
        &self,
        known: &Snapshot,
        manifest: &Manifest,
        selection: &Selection,
    ) -> DesiredSet {
        let answer = self
            .world
            .cloud
            .lookup(&needs(manifest, known, &selection.replace))
            .await
            .expect("an answer");
        lower(manifest, known, &selection.replace, &answer).expect("lowered")
    }

    pub async fn plan_with(&self, manifest: &Manifest, selection: &Selection) -> Plan {
        let look = async |known: &Snapshot| {
            let desired = self.desired_knowing(known, manifest, selection).await;
            let observed = refresh(&self.registry, &self.world, &self.snapshot, &desired).await;
            (desired, observed.expect("a refresh"))
        };
        let (mut desired, mut observed) = look(&self.snapshot).await;
        // As the session does: what was decided once is kept of what was found, too.
        if let Some(all) = observed.with_found(&self.snapshot, &desired) {
            (desired, observed) = look(&all).await;
        }
        plan(&Planning {
            registry: &self.registry,
            desired: &desired,
            snapshot: &self.snapshot,
            base: None,
            observed: &observed,
            moved: &[],
            account: None,
            selection,
        })
        .expect("a plan")
    }

    pub async fn plan(&self, manifest: &Manifest) -> Plan {
        self.plan_with(manifest, &Selection::default()).await
    }

    /// Makes a plan happen, and records what is there then.
    pub async fn run(&mut self, plan: &Plan) -> RunResult {
        self.run_until(plan, &Stop::new()).await
    }

    /// As `run`; what was done before a failure is kept.
    pub async fn run_keeping(&mut self, plan: &Plan) -> RunResult {
        let options = ApplyOptions {
            on_failure: OnFailure::Keep,
            ..ApplyOptions::default()
        };
        self.run_with(plan, &Stop::new(), &options).await
    }

    /// As `run`, one step at a time.
    pub async fn run_one_by_one(&mut self, plan: &Plan) -> RunResult {
        let options = ApplyOptions {
            parallelism: 1,
            ..ApplyOptions::default()
        };
        self.run_with(plan, &Stop::new(), &options).await
    }

    /// As `run`, which somebody may ask to stop.
    pub async fn run_until(&mut self, plan: &Plan, stop: &Stop) -> RunResult {
        self.run_with(plan, stop, &ApplyOptions::default()).await
    }

    async fn run_with(&mut self, plan: &Plan, stop: &Stop, options: &ApplyOptions) -> RunResult {
        let journal = Store::in_memory().begin_journal(None).expect("a journal");
        journal
            .append(&Entry::Begin {
                format: subako_state::JOURNAL_FORMAT,
                written_by: plan.written_by.clone(),
                command: "apply".into(),
                by: None,
                run: "run".into(),
                plan_digest: plan.digest.clone(),
                lineage: self.snapshot.lineage.clone(),
                serial: self.snapshot.serial,
                base: None,
                plan: subako_state::Json::canonical(plan).expect("json"),
            })
            .await
            .expect("a first entry");
        let notes = Arc::clone(&self.notes);
        let events = Events::new(move |event| {
            if let Event::StepProgress { address, note, .. } = event {
                notes.lock().expect("notes").push(format!("{address}: {note}"));
            }
        });
        let run = Run {
            registry: &self.registry,
            world: &self.world,
            plan,
            resources: &self.snapshot.resources,
            journal: Some(journal),
            progress: RunStatus::new(plan.steps.len()),
            events,
            options,
            stop,
            seed: format!("{}:{}", self.snapshot.lineage, self.snapshot.serial),
        };
        let finished = run.forward().await.expect("a journal that can be written");
        self.snapshot.resources.clone_from(&finished.resources);
        self.snapshot.sort();
        self.snapshot.serial += 1;
        finished
    }

    /// Plans and makes it happen; fails the test unless all of it does.
    pub async fn apply_with(&mut self, manifest: &Manifest, selection: &Selection) -> Plan {
        let plan = self.plan_with(manifest, selection).await;
        let refused: Vec<_> = plan
            .findings
            .iter()
            .filter(|finding| finding.severity == subako_engine::check::Severity::Error)
            .collect();
        assert!(refused.is_empty(), "{refused:#?}");
        let before = self.sim.calls();
        let finished = self.run(&plan).await;
        let notes = self.notes.lock().expect("notes");
        assert_eq!(
            finished.outcome,
            Outcome::Applied,
            "{:#?}\n{notes:#?}",
            finished.failures
        );
        drop(notes);
        self.assert_calls_as_planned(&plan, &before);
        plan
    }

    /// Fails the test unless the calls that changed the world since it had seen those before are
    /// those that the plan makes.
    fn assert_calls_as_planned(&self, plan: &Plan, before: &BTreeMap<String, u64>) {
        let since = |(name, count): (String, u64)| {
            let before = before.get(&name).copied().unwrap_or(0);
            (name, count - before)
        };
        let made = self.sim.calls().into_iter().map(since).collect();
        let differs = unlike_planned(&self.registry, plan, &made);
        assert_eq!(differs, None, "{:#?}", steps(plan));
    }

    pub async fn apply(&mut self, manifest: &Manifest) -> Plan {
        self.apply_with(manifest, &Selection::default()).await
    }

    pub async fn destroy(&mut self, manifest: &Manifest) -> Plan {
        let everything = Selection {
            destroy: true,
            ..Selection::default()
        };
        self.apply_with(manifest, &everything).await
    }

    /// Fails the test if the next plan would do anything.
    pub async fn assert_settled(&self, manifest: &Manifest) {
        let plan = self.plan(manifest).await;
        assert_eq!(steps(&plan), Vec::<String>::new());
        assert!(plan.drift.is_empty(), "{:#?}", plan.drift);
    }

    pub fn said(&self, what: &str) -> bool {
        self.notes
            .lock()
            .expect("notes")
            .iter()
            .any(|note| note.contains(what))
    }
}

/// The steps of a plan, `verb address: path, path`, sorted.
pub fn steps(plan: &Plan) -> Vec<String> {
    let mut lines: Vec<String> = plan
        .steps
        .iter()
        .map(|step| {
            let paths: Vec<&str> = step.changes.iter().map(|change| change.path.as_str()).collect();
            let verb = match (step.replaces(), step.action()) {
                (true, Action::Create) => "recreate",
                (true, _) => "drop the old",
                (false, action) => action.verb(),
            };
            match step.action() {
                Action::Update => format!("{verb} {}: {}", step.address, paths.join(", ")),
                _ => format!("{verb} {}", step.address),
            }
        })
        .collect();
    lines.sort();
    lines
}
