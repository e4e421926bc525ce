//! Tasks: what is remembered of each, and what it looks like at a given time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use subako_world::{Task, TaskState};

use super::catalog::Range;
use super::demand::Demand;
use super::events::Event;
use super::program::Fate;
use super::service::{ServiceFacts, Template};
use super::swarm::NodeFacts;
use crate::sim::names::{Ms, span, swarm_id};
use crate::sim::schedule::Spread;

/// From being made to having a node.
const ASSIGNED_AFTER: Ms = 100;
/// How long a node tries to find an image that does not exist.
const REJECTED_AFTER: Ms = 1_500;
/// How many failed attempts are still shown.
const ATTEMPTS_SHOWN: u64 = 3;

/// What a task is for: a replica's number, or a node of a global service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub(crate) enum Slot {
    Replica(u64),
    Node(String),
}

impl Slot {
    /// The replica's number; empty for a node's own task.
    pub fn number(&self) -> String {
        match self {
            Self::Replica(number) => number.to_string(),
            Self::Node(_) => String::new(),
        }
    }
}

impl From<Slot> for String {
    fn from(slot: Slot) -> Self {
        match slot {
            Slot::Replica(number) => format!("#{number}"),
            Slot::Node(id) => id,
        }
    }
}

impl From<String> for Slot {
    fn from(text: String) -> Self {
        match text.strip_prefix('#').and_then(|number| number.parse().ok()) {
            Some(number) => Self::Replica(number),
            None => Self::Node(text),
        }
    }
}

/// A task. When it does what has been decided with its placement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskFacts {
    /// Its number in its slot, from 1.
    pub number: u32,
    /// The template it runs.
    pub template: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    pub created: Ms,
    /// When its node has the image.
    pub image_at: Ms,
    /// When it runs.
    pub running: Ms,
    /// From when it shall not run any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ms>,
    /// Whether it ended with its node, which cannot say that it stopped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub orphan: bool,
}

impl TaskFacts {
    /// Whether it shall run.
    pub fn live(&self) -> bool {
        self.ended.is_none()
    }

    /// How long one attempt takes until it ends by itself; `None` for a task that does not.
    pub fn ends_after(&self, fate: &Fate) -> Option<Ms> {
        match fate {
            Fate::Rejected { .. } => Some(REJECTED_AFTER),
            _ => Some(self.running - self.created + fate.runs_for()?),
        }
    }

    /// When its last attempt has ended, after which its restart policy lets nothing come.
    pub fn over_at(&self, template: &Template) -> Option<Ms> {
        let most = template.attempts?;
        let attempt = self.node.as_ref().and_then(|_| self.ends_after(&template.fate))?;
        Some(self.created + (most - 1) * (attempt + template.restart_delay) + attempt)
    }

    /// Whether it holds nothing of its node any more at `t`.
    pub fn over(&self, template: Option<&Template>, t: Ms) -> bool {
        let by_itself = || template.and_then(|template| self.over_at(template));
        self.ended.is_some_and(|ended| ended <= t) || by_itself().is_some_and(|at| at <= t)
    }

    /// Which attempt of a program that waits for another is the first to stay, if that one runs
    /// from `answers` on.
    fn staying(&self, attempt: Ms, delay: Ms, answers: Ms) -> u64 {
        answers.saturating_sub(self.running).div_ceil(attempt + delay)
    }

    /// When that attempt begins to run.
    pub(super) fn stays_from(&self, template: &Template, answers: Ms) -> Ms {
        let attempt = self.ends_after(&template.fate).unwrap_or(0);
        let delay = template.restart_delay;
        self.running + self.staying(attempt, delay, answers) * (attempt + delay)
    }

    /// How far an attempt that began at `created` is at `t`.
    fn progress(&self, t: Ms, template: &Template) -> TaskState {
        if self.node.is_none() {
            return TaskState::Pending;
        }
        let never_healthy = matches!(template.fate, Fate::Unhealthy { .. });
        if t < self.created + ASSIGNED_AFTER {
            TaskState::Assigned
        } else if t < self.image_at || matches!(template.fate, Fate::Rejected { .. }) {
            TaskState::Preparing
        } else if t < self.running || never_healthy {
            TaskState::Starting
        } else {
            TaskState::Running
        }
    }
}

/// A task with what is needed to show it.
pub(crate) struct View<'a> {
    pub seed: u64,
    pub t: Ms,
    pub service: &'a ServiceFacts,
    pub slot: &'a Slot,
    pub task: &'a TaskFacts,
    pub template: &'a Template,
    pub node: Option<&'a NodeFacts>,
    /// Why it has no node, where it has none.
    pub no_node: Option<&'a str>,
    /// Since when what its program waits for runs.
    pub answers: Option<Ms>,
}

impl View<'_> {
    /// The task as the engine lists it: one entry an attempt.
    pub fn show(&self, into: &mut Vec<Task>) {
        // A silent node's tasks stay in the list as they were last reported.
        let t = match self.node {
            Some(node) if !node.up(self.t) => self.t.min(node.lost_at),
            _ => self.t,
        };
        let Some(attempt) = self
            .task
            .ends_after(&self.template.fate)
            .filter(|_| self.task.node.is_some())
        else {
            into.push(self.sound(t));
            return;
        };
        let until = self.task.ended.map_or(t, |ended| ended.min(t));
        let period = attempt + self.template.restart_delay;
        let age = until.saturating_sub(self.task.created);
        let most = self.template.attempts.unwrap_or(u64::MAX);
        let delay = self.template.restart_delay;
        let stays = self.answers.map(|from| self.task.staying(attempt, delay, from));
        let current = (age / period).min(most - 1).min(stays.unwrap_or(u64::MAX));
        for past in current.saturating_sub(ATTEMPTS_SHOWN)..current {
            into.push(self.ended(past));
        }
        let within = age - current * period;
        if within >= attempt && stays != Some(current) {
            into.push(self.ended(current));
            if current + 1 < most && self.task.ended.is_none() {
                into.push(self.entry(current + 1, TaskState::Ready, TaskState::Ready, None));
            }
        } else if self.task.ended.is_some_and(|ended| ended <= t) {
            into.push(self.entry(current, TaskState::Shutdown, TaskState::Shutdown, None));
        } else {
            let state = self.task.progress(self.task.created + within, self.template);
            into.push(self.entry(current, state, TaskState::Running, None));
        }
    }

    /// A task that does not fail by itself.
    fn sound(&self, t: Ms) -> Task {
        let Some(ended) = self.task.ended.filter(|ended| *ended <= self.t) else {
            let state = self.task.progress(t, self.template);
            let error = self
                .no_node
                .filter(|_| state == TaskState::Pending)
                .map(str::to_owned);
            return self.entry(0, state, TaskState::Running, error);
        };
        let down = self.node.is_some_and(|node| !node.up(self.t));
        let state = if (self.task.orphan && down) || t < ended + self.stops_in() {
            self.task.progress(t.min(ended), self.template)
        } else {
            TaskState::Shutdown
        };
        self.entry(0, state, TaskState::Shutdown, None)
    }

    fn stops_in(&self) -> Ms {
        stops_in(self.seed, &self.service.spec.name, self.slot, self.node)
    }

    /// An attempt that ended by itself.
    fn ended(&self, attempt: u64) -> Task {
        let failed = |error: &str| (TaskState::Failed, Some(error.to_owned()));
        let (state, error) = match &self.template.fate {
            Fate::Completes { .. } => (TaskState::Complete, None),
            Fate::Rejected { why } => (TaskState::Rejected, Some(why.clone())),
            Fate::Unhealthy { .. } => failed("task: non-zero exit (137): dockerexec: unhealthy container"),
            Fate::Crashes { .. } | Fate::CrashesUntil { .. } | Fate::Runs => {
                failed("task: non-zero exit (1)")
            }
        };
        self.entry(attempt, state, TaskState::Shutdown, error)
    }

    fn entry(&self, attempt: u64, state: TaskState, desired: TaskState, error: Option<String>) -> Task {
        let slot = String::from(self.slot.clone());
        let parts = [
            "task",
            &self.service.id,
            &slot,
            &self.task.number.to_string(),
            &attempt.to_string(),
        ];
        Task {
            id: swarm_id(self.seed, &parts),
            service: self.service.spec.name.clone(),
            slot: match self.slot {
                Slot::Replica(number) => Some(*number),
                Slot::Node(_) => None,
            },
            node_id: match self.slot {
                Slot::Node(id) => Some(id.clone()),
                Slot::Replica(_) => self.task.node.clone(),
            },
            state,
            desired,
            error,
            image: self.template.image.clone(),
        }
    }
}

/// How long a container takes to stop on a node.
pub(crate) fn stops_in(seed: u64, service: &str, slot: &Slot, node: Option<&NodeFacts>) -> Ms {
    let addr = node.map_or("", |node| &node.addr);
    span(seed, 300, 1_500, &["stop", service, &slot.number(), addr])
}

/// The tasks that a node shall run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub total: u64,
    pub by_service: BTreeMap<String, BTreeSet<Slot>>,
    /// What tasks hold of it, by service, slot and number: those that are to end included, until
    /// they have.
    pub held: BTreeMap<(String, Slot, u32), Demand>,
}

impl Load {
    /// How many of one service.
    pub fn of(&self, service: &str) -> u64 {
        self.by_service.get(service).map_or(0, |slots| slots.len() as u64)
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.total == 0 && self.held.is_empty()
    }
}

/// What follows from nodes and tasks, kept up to date so that placing one task is logarithmic.
#[derive(Debug, Clone, Default)]
pub(crate) struct Board {
    /// Tasks wanted on each node.
    pub loads: HashMap<String, Load>,
    /// Slots without a node, by service.
    pub pending: BTreeMap<String, BTreeSet<Slot>>,
    /// The order of nodes for some services.
    pub spreads: BTreeMap<String, Spread>,
    /// Whether something that tasks hold has become free since those that wait were last tried.
    pub freed: bool,
    /// What follows later from what was just done, for the world to post.
    pub due: Vec<(Ms, Event)>,
    /// How often tasks of each service have been made, placed, ended or taken away: whoever
    /// watches looks again only then.
    pub stirred: HashMap<String, u64>,
    /// The same, of all services together.
    pub stirs: u64,
    /// The ranges of all nodes' bridges, once somebody has asked.
    pub bridges: OnceLock<Vec<Range>>,
    /// How often a machine was lost, or came up.
    pub machines: u64,
}

impl Board {
    /// Tasks of a service change.
    pub fn stir(&mut self, service: &str) {
        self.stirs += 1;
        match self.stirred.get_mut(service) {
            Some(times) => *times += 1,
            None => drop(self.stirred.insert(service.to_owned(), 1)),
        }
    }
}

/// A board says nothing that the facts do not.
impl PartialEq for Board {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
