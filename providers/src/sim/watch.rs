//! What is watched of a world from inside the process: its swarms after every change, and the
//! end of a run of the program at one of its calls. The world itself takes no notice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::model::{Model, SwarmFacts};
use super::names::Ms;

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
    /// A run that is killed at this point, if it comes to it.
    pub fn begin(kill: Option<KillAt>) -> Self {
        Self {
            kill,
            told: Some(watch::Sender::new(false)),
            ..Self::default()
        }
    }

    /// How many calls it has made.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Whether it has been killed.
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// Told when it is killed; `None` of a run that nobody kills.
    pub fn told(&self) -> Option<watch::Receiver<bool>> {
        self.told.as_ref().map(watch::Sender::subscribe)
    }

    /// Counts a call; its number.
    pub fn arrive(&mut self) -> u64 {
        self.calls += 1;
        self.calls
    }

    /// Whether the run is dead at this point.
    pub fn is_dead_at(&mut self, point: KillAt) -> bool {
        if self.kill == Some(point) {
            self.die();
        }
        self.dead
    }

    /// Kills it: none of its calls goes on.
    pub fn die(&mut self) {
        self.dead = true;
        if let Some(told) = &self.told {
            told.send_replace(true);
        }
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
