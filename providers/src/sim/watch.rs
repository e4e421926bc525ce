//! What is watched of a world from inside the process: its swarms after every change, and the
//! end of a run of the program at one of its calls. The world itself takes no notice.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::faults::Faults;
use super::model::{Model, SwarmFacts};
use super::names::Ms;
use super::options::{FaultRule, SimError};
use super::simulator::{Inner, Simulator};

/// The living swarms at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The world's own time.
    pub at: Duration,
    /// Each swarm of which a machine still exists, by id.
    pub swarms: BTreeMap<String, SwarmMoment>,
}

/// A living swarm at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SwarmMoment {
    /// Members of raft.
    pub voters: usize,
    /// Those of them that answer.
    pub alive: usize,
    /// Tasks by service.
    pub services: BTreeMap<String, TaskCount>,
    /// Running tasks by node's instance and service.
    pub placed: BTreeMap<String, BTreeMap<String, u64>>,
}

/// The tasks of a service at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskCount {
    /// Those that run, whichever version they are of.
    pub running: u64,
    /// Those that run the current version.
    pub current: u64,
    /// Those wanted: the replicas, or the nodes that a global service has a task for.
    pub wanted: u64,
}

/// When a run of the program is killed, seen from one of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillAt {
    /// Just before the call of this number, from 1, has its effect.
    Before(u64),
    /// Just after the call of this number, from 1, had its effect.
    After(u64),
}

/// Called with every moment at which something has changed.
pub(crate) type Watcher = Arc<dyn Fn(&Moment) + Send + Sync>;

/// One run of the program: its calls are counted, and it may be killed at one of them.
#[derive(Debug, Default)]
pub(crate) struct ProgramRun {
    calls: u64,
    kill: Option<KillAt>,
    dead: bool,
    told: Option<watch::Sender<bool>>,
}

impl ProgramRun {
    /// Counts a call; its number.
    pub fn arrive(&mut self) -> u64 {
        self.calls += 1;
        self.calls
    }

    /// Whether the run is dead at this point.
    fn is_dead_at(&mut self, point: KillAt) -> bool {
        if self.kill == Some(point) {
            self.die();
        }
        self.dead
    }

    fn die(&mut self) {
        self.dead = true;
        if let Some(told) = &self.told {
            told.send_replace(true);
        }
    }
}

impl Inner {
    /// Goes on, unless the run is dead by this point: then never.
    pub(super) async fn outlive(&self, point: KillAt) {
        if self.lock().run.is_dead_at(point) {
            pending::<()>().await;
        }
    }

    /// Never, if the run is dead.
    pub(super) async fn while_alive(&self) {
        if self.lock().run.dead {
            pending::<()>().await;
        }
    }
}

impl Simulator {
    /// Calls `watcher` with the living swarms after every change, those that come by themselves
    /// included, until another one is set.
    pub fn watch(&self, watcher: impl Fn(&Moment) + Send + Sync + 'static) {
        self.inner.lock().watcher = Some(Arc::new(watcher));
    }

    /// Sets no watcher any more.
    pub fn unwatch(&self) {
        self.inner.lock().watcher = None;
    }

    /// The living swarms now.
    pub fn moment(&self) -> Moment {
        self.inner.look(moment)
    }

    /// Another run of the program begins, with its own fault table and count of calls. With
    /// `kill` none of its calls goes on after that point; [`Self::killed`] says when that is.
    /// Fails when the fault table names an unknown call.
    pub fn begin_run(&self, faults: &[FaultRule], kill: Option<KillAt>) -> Result<(), SimError> {
        let faults = Faults::new(faults)?;
        let mut state = self.inner.lock();
        state.faults = faults;
        state.run = ProgramRun {
            kill,
            told: Some(watch::Sender::new(false)),
            ..ProgramRun::default()
        };
        Ok(())
    }

    /// Kills the run under way, wherever it is: none of its calls goes on.
    pub fn kill_run(&self) {
        self.inner.lock().run.die();
    }

    /// Returns when the run under way has been killed; never, if that does not happen.
    pub async fn killed(&self) {
        let told = self.inner.lock().run.told.as_ref().map(watch::Sender::subscribe);
        match told {
            // The run is replaced, not dropped, while somebody waits; a new one is another's.
            Some(mut told) => match told.wait_for(|dead| *dead).await {
                Ok(_) => {}
                Err(_) => pending().await,
            },
            None => pending().await,
        }
    }

    /// How many calls the run under way has made.
    pub fn calls_made(&self) -> u64 {
        self.inner.lock().run.calls
    }
}

/// The living swarms of a world.
pub(super) fn moment(model: &Model, t: Ms) -> Moment {
    let living = model.swarms.iter().filter(|(_, swarm)| model.lives(t, swarm));
    Moment {
        at: Duration::from_millis(t),
        swarms: living
            .map(|(id, swarm)| (id.clone(), swarm_moment(swarm, t)))
            .collect(),
    }
}

fn swarm_moment(swarm: &SwarmFacts, t: Ms) -> SwarmMoment {
    let (voters, alive) = swarm.quorum(t);
    let mut out = SwarmMoment {
        voters,
        alive,
        ..SwarmMoment::default()
    };
    for (name, service) in &swarm.services {
        let mut count = TaskCount {
            wanted: service.replicas().unwrap_or(0),
            ..TaskCount::default()
        };
        for tasks in service.slots.values() {
            if service.replicas().is_none() {
                count.wanted += u64::from(tasks.last().is_some_and(|task| task.live()));
            }
            for task in tasks {
                let node = task.node.as_ref().and_then(|id| swarm.nodes.get(id));
                let runs = task.running <= t && task.ended.is_none_or(|ended| t < ended);
                let Some(node) = node.filter(|node| runs && node.up(t)) else {
                    continue;
                };
                if service
                    .templates
                    .get(&task.template)
                    .is_some_and(|template| task.ends_after(&template.fate).is_none())
                {
                    count.running += 1;
                    count.current += u64::from(task.template == service.template);
                    let placed = out.placed.entry(node.instance.clone()).or_default();
                    *placed.entry(name.clone()).or_default() += 1;
                }
            }
        }
        out.services.insert(name.clone(), count);
    }
    out
}
