//! A cluster in one process: a simulated world and a store that both outlive the program's runs,
//! and the commands as people run them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use subako_engine::check::{Severity, planner};
use subako_engine::kinds::registry;
use subako_engine::manifest::{self, Manifest, Source, Variables};
use subako_engine::plan::{Plan, PlanError, Purpose, Selection};
use subako_engine::run::{ApplyOptions, Stop};
use subako_engine::session::{Knowledge, Rehearsing, RunReport, Session, SessionError};
use subako_providers::sim::{KillAt, Login, Moment, Pace, Rehearsals, SimOptions, Simulator};
use subako_state::{Digest, Direction, Holder, LockError, Memory, Outcome, SealKey, Store};

use super::calls;
use super::cluster::Cluster;
use super::low::Low;
use super::shelf::{Life, Shelf};
use super::trace;
use super::trouble::{Fault, Kill, Verb};

/// What passes between two runs of the program.
const BETWEEN_RUNS: Duration = Duration::from_secs(600);
/// A run that takes longer than this, in the world's time, hangs.
const PATIENCE: Duration = Duration::from_secs(48 * 3_600);

/// The object that holds the state.
const STATE: &str = "state.json";

/// How a command ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Exit {
    /// Exit code 0.
    Done,
    /// Exit code 0: there was nothing to recover.
    Nothing,
    /// Exit code 1, with what was said.
    Early(String),
    /// Exit code 1: what the manifest names does not exist, or does not fit.
    Unfit(String),
    /// Exit code 1: steps of the plan would wait for each other, so that there is none.
    Circular(String),
    /// Exit code 3: what failed.
    RolledBack(String),
    /// Exit code 4: what failed.
    Remains(String),
    /// Exit code 5: the findings that refuse the plan.
    Refused(String),
    /// It was killed.
    Killed,
    /// It did not end.
    Hung,
}

/// What a command did.
pub struct Ended {
    pub exit: Exit,
    pub plan: Option<Box<Plan>>,
    /// The worst that was seen of the swarms meanwhile, where that was watched.
    pub low: Low,
    /// How the calls of a plan that was applied without trouble differ from those that it makes.
    pub unlike_planned: Option<String>,
    /// How long the plan took, in the world's time; `None` where none was carried out.
    pub took: Option<Duration>,
}

/// What a command showed, and how long it took to carry that out.
#[derive(Default)]
pub struct Shown {
    pub plan: Option<Box<Plan>>,
    pub took: Option<Duration>,
}

/// A world and a store.
pub struct Driver {
    pub sim: Simulator,
    seed: u64,
    pub memory: Memory,
    lineages: AtomicU64,
    /// Whether plans are rehearsed.
    rehearses: bool,
}

impl Driver {
    pub fn new(seed: u64) -> Self {
        let sim = Simulator::open(SimOptions {
            seed,
            time: Pace::Instant,
            region: super::cluster::REGION.to_owned(),
            ..SimOptions::default()
        });
        Self {
            sim: sim.expect("a world in memory"),
            seed,
            memory: Memory::new(),
            lineages: AtomicU64::new(0),
            rehearses: false,
        }
    }

    /// One whose plans are rehearsed.
    pub fn rehearsing(seed: u64) -> Self {
        Self {
            rehearses: true,
            ..Self::new(seed)
        }
    }

    /// Reads a manifest as the program does; what is said of its mistakes.
    pub fn parse(&self, cluster: &Cluster) -> Result<Manifest, String> {
        self.parse_text(&cluster.toml(self.seed), cluster.environment())
    }

    /// As `parse`, of a text and its environment.
    pub fn parse_text(&self, text: &str, env: BTreeMap<String, String>) -> Result<Manifest, String> {
        let source = Source {
            name: "search.toml".into(),
            text: text.into(),
            dir: ".".into(),
        };
        let variables = Variables {
            env,
            ..Variables::default()
        };
        let mut manifest =
            manifest::parse(&source, &variables).map_err(|errors| format!("{errors}: {errors:?}"))?;
        manifest.seal(&SealKey::new([7; 32]));
        Ok(manifest)
    }

    fn session(&self, manifest: &Manifest, life: &Life) -> Session {
        let shelf = Shelf {
            memory: self.memory.clone(),
            life: life.clone(),
        };
        self.session_on(manifest, Store::on(shelf))
    }

    /// A session on a store.
    pub fn session_on(&self, manifest: &Manifest, store: Store) -> Session {
        let mut world = self.sim.world();
        world.vault = manifest.vault();
        let session = Session::new(manifest.clone(), "sim", store, registry(), world);
        if !self.rehearses {
            return session;
        }
        session.with_rehearsal(Rehearsing::On {
            model: Arc::new(Rehearsals {
                seed: self.seed,
                login: Login::default(),
                simulated: true,
            }),
            most: None,
            parallelism: ApplyOptions::default().parallelism,
        })
    }

    /// What the store says; a new history is named after the seed, not the clock.
    pub fn load(&self, session: &Session) -> Result<Knowledge, SessionError> {
        let mut known = session.load()?;
        if known.base.is_none() && known.unfinished.is_none() {
            let number = self.lineages.fetch_add(1, Ordering::Relaxed);
            let name = Digest::of(format!("{}\n{number}", self.seed));
            name.hex()[..32].clone_into(&mut known.snapshot.lineage);
        }
        Ok(known)
    }

    /// Time passes.
    pub async fn pass(&self, time: Duration) {
        self.sim.world().clock.sleep(time).await;
    }

    /// The state is lost.
    pub fn lose_state(&self) {
        for name in self.memory.objects().keys() {
            self.memory.remove(name);
        }
    }

    /// The state as it is, to be put back later.
    pub fn state(&self) -> Option<Vec<u8>> {
        self.memory.objects().remove(STATE)
    }

    /// Puts a state back.
    pub fn put_back(&self, state: &[u8]) {
        self.memory.put(STATE, state);
    }

    /// The plan that would be made now.
    pub async fn plan(&self, manifest: &Manifest) -> Result<Plan, String> {
        self.pass(BETWEEN_RUNS).await;
        self.sim.begin_run(&[], None).expect("no faults");
        let session = self.session(manifest, &Life::new(&self.sim, None));
        let look = async {
            let known = self.load(&session)?;
            session.plan(&known, &Selection::default(), true).await
        };
        match tokio::time::timeout(PATIENCE, look).await {
            Ok(plan) => plan.map_err(|error| error.to_string()),
            Err(_) => Err("it hangs".to_owned()),
        }
    }

    /// Applies a selection without trouble, watched.
    pub async fn apply(&self, manifest: &Manifest, selection: &Selection) -> Ended {
        let low = Arc::new(Mutex::new(Low::default()));
        let seen = Arc::clone(&low);
        self.pass(BETWEEN_RUNS).await;
        // What happens by itself until now has happened, and is not this run's.
        self.sim.moment();
        self.sim.watch(move |moment: &Moment| {
            let mut low = seen.lock().expect("nobody panics with it");
            low.see(moment);
        });
        let mut ended = self.run(manifest, Verb::Apply, selection, &[], None).await;
        self.sim.unwatch();
        ended.low = std::mem::take(&mut low.lock().expect("nobody panics with it"));
        ended
    }

    /// Runs a command on everything, with what befalls it.
    pub async fn troubled(
        &self,
        manifest: &Manifest,
        verb: Verb,
        faults: &[Fault],
        kill: Option<Kill>,
    ) -> Ended {
        self.pass(BETWEEN_RUNS).await;
        let selection = Selection {
            destroy: verb == Verb::Destroy,
            ..Selection::default()
        };
        self.run(manifest, verb, &selection, faults, kill).await
    }

    async fn run(
        &self,
        manifest: &Manifest,
        verb: Verb,
        selection: &Selection,
        faults: &[Fault],
        kill: Option<Kill>,
    ) -> Ended {
        let rules: Vec<_> = faults.iter().map(Fault::rule).collect();
        let at = match kill {
            Some(Kill::Before(call)) => Some(KillAt::Before(call)),
            Some(Kill::After(call)) => Some(KillAt::After(call)),
            _ => None,
        };
        self.sim.begin_run(&rules, at).expect("calls that there are");
        let life = Life::new(
            &self.sim,
            match kill {
                Some(Kill::BeforeWrite(write)) => Some((write, false)),
                Some(Kill::AfterWrite(write)) => Some((write, true)),
                _ => None,
            },
        );
        let mut options = ApplyOptions::default();
        if let Some(Kill::Entry(last)) = kill {
            let life = life.clone();
            options.probe = Some(Arc::new(move |entries| {
                if entries == last {
                    life.end();
                }
            }));
        }
        let mut shown = Shown::default();
        trace::say(|| format!("{verb:?}, {faults:?}, {kill:?}"));
        let session = self.session(manifest, &life);
        let command = self.command(&session, verb, selection, &options, &mut shown);
        let exit = tokio::select! {
            biased;
            () = self.sim.killed() => Exit::Killed,
            ended = tokio::time::timeout(PATIENCE, command) => match ended {
                _ if life.has_ended() => Exit::Killed,
                Err(_) => Exit::Hung,
                Ok(Ok(exit)) => exit,
                Ok(Err(error @ SessionError::Lower(_))) => Exit::Unfit(error.to_string()),
                Ok(Err(error @ SessionError::Plan(PlanError::Circular(_)))) => Exit::Circular(error.to_string()),
                Ok(Err(error)) => Exit::Early(error.to_string()),
            },
        };
        trace::say(|| format!("  ended: {exit:?}"));
        drop(session);
        let untroubled = exit == Exit::Done && faults.is_empty();
        let applied = shown.plan.as_deref().filter(|_| untroubled);
        let unlike_planned =
            applied.and_then(|plan| calls::unlike_planned(&registry(), plan, &self.sim.calls()));
        Ended {
            exit,
            plan: shown.plan,
            low: Low::default(),
            unlike_planned,
            took: shown.took,
        }
    }

    /// Runs a command in a session; without a change of the cluster where it fails with an error.
    pub async fn command(
        &self,
        session: &Session,
        verb: Verb,
        selection: &Selection,
        options: &ApplyOptions,
        shown: &mut Shown,
    ) -> Result<Exit, SessionError> {
        let (events, stop) = (trace::events(), Stop::new());
        let _lock = session.lock(&holder()).map_err(|error| match error {
            LockError::State(error) => error,
            LockError::Held { .. } => unreachable!("one run at a time"),
        })?;
        let known = self.load(session)?;
        let direction = match verb {
            Verb::Forward => Direction::Forward,
            Verb::Back => Direction::Back,
            verb => {
                let change = match verb {
                    Verb::Park => session.draft_park(known, options).await?,
                    Verb::Resume => session.draft_resume(known, options).await?,
                    Verb::Rebalance => session.draft_rebalance(known, options).await?,
                    _ => session.draft(known, selection, true, options).await?,
                };
                let refusing: Vec<String> = change
                    .plan
                    .findings
                    .iter()
                    .filter(|finding| finding.severity == Severity::Error)
                    // Whether that one is right is what is to be found out.
                    .filter(|finding| finding.id != planner::REHEARSAL.id)
                    .map(|finding| format!("{}: {}", finding.id, finding.message))
                    .collect();
                if let Some(settled) = &change.settled {
                    trace::say(|| format!("  settled: {:?}, unknown: {:?}", settled.found, settled.unknown));
                }
                trace::plan(&change.plan);
                shown.plan = Some(Box::new(change.plan.clone()));
                if !refusing.is_empty() {
                    return Ok(Exit::Refused(refusing.join("; ")));
                }
                let name = match change.plan.purpose {
                    Purpose::Change if selection.destroy => "destroy",
                    Purpose::Change => "apply",
                    purpose => purpose.word(),
                };
                let clock = self.sim.world().clock;
                let begun = clock.now();
                let ran = session.carry_out(&change, options, name, &events, &stop).await?;
                shown.took = Some(clock.now() - begun);
                return Ok(exit(&ran, Outcome::Applied));
            }
        };
        let Some(settled) = session.look_into(&known, options).await? else {
            return Ok(Exit::Nothing);
        };
        trace::say(|| format!("  settled: {:?}, unknown: {:?}", settled.found, settled.unknown));
        let ran = session
            .recover(&known, &settled, direction, options, &events, &stop)
            .await?;
        let wanted = match direction {
            Direction::Back => Outcome::RolledBack,
            Direction::Forward | Direction::Keep => Outcome::Applied,
        };
        Ok(exit(&ran, wanted))
    }
}

/// Who runs the commands.
pub fn holder() -> Holder {
    Holder {
        pid: 1,
        host: "search".to_owned(),
        command: "apply".to_owned(),
        since: "2026-01-01T00:00:00Z".to_owned(),
        ..Holder::default()
    }
}

fn exit(ran: &RunReport, wanted: Outcome) -> Exit {
    let failed = || match ran.failures.first() {
        Some((address, failure)) => {
            format!("{address}: {}: {failure}", failure.code)
        }
        None => String::from("nothing failed"),
    };
    match ran.outcome {
        Outcome::RolledBack if !ran.aftermath.is_clean() => {
            Exit::Remains(format!("undone, and not as before: {:?}", ran.aftermath))
        }
        outcome if outcome == wanted => Exit::Done,
        Outcome::RolledBack => Exit::RolledBack(failed()),
        Outcome::Applied | Outcome::Remains => Exit::Remains(failed()),
    }
}
