//! A service as the managers remember it, and what makes its tasks differ.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use subako_world::{
    Mode, MountKind, RestartCondition, Service, ServiceSpec, UpdateConfig, UpdateState, UpdateStatus,
};

use super::demand::Demand;
use super::program::{Fate, Ground, probed_after};
use super::tasks::{Slot, TaskFacts};
use crate::sim::names::{Ms, mix};

/// The engine's delay between a failed task and the next attempt.
const RESTART_DELAY: Ms = 5_000;

fn is_zero(time: &Ms) -> bool {
    *time == 0
}

/// What all tasks of one version of a service share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Template {
    pub image: String,
    pub fate: Fate,
    /// How long a container is up before its first probe says that it is healthy.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub probed_after: Ms,
    /// What each task holds of its node: follows from the spec.
    #[serde(default, skip_serializing_if = "Demand::is_empty")]
    pub demand: Demand,
    /// Named volumes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    pub restart_delay: Ms,
    /// The most attempts, the first included; `None` for no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u64>,
}

impl Template {
    /// What a spec makes of its tasks.
    pub fn of(spec: &ServiceSpec, ground: &Ground<'_>) -> Self {
        let fate = Fate::of(spec, ground);
        // What ends without an error is tried again under `any` only.
        let done = matches!(fate, Fate::Completes { .. });
        let policy = spec.restart_policy.as_ref();
        let volumes = spec.mounts.iter().filter(|mount| mount.kind == MountKind::Volume);
        Self {
            image: spec.image.clone(),
            // A program that does not stay ends when it ends, whatever its probes say.
            probed_after: if fate == Fate::Runs { probed_after(spec) } else { 0 },
            fate,
            demand: Demand::of(spec),
            volumes: volumes.filter_map(|mount| mount.source.clone()).collect(),
            restart_delay: policy
                .and_then(|policy| policy.delay)
                .map_or(RESTART_DELAY, |ns| ns / 1_000_000),
            attempts: match policy {
                Some(policy) if policy.condition == RestartCondition::None => Some(1),
                Some(policy) if policy.condition == RestartCondition::OnFailure && done => Some(1),
                Some(policy) => policy.max_attempts.filter(|most| *most > 0).map(|most| most + 1),
                None => None,
            },
        }
    }
}

/// A rolling update, or the way back from one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UpdateFacts {
    pub state: UpdateState,
    pub message: String,
    /// When it goes on.
    pub due: Ms,
    /// The slots that are still to be taken, the last one first; `None` until the first batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Vec<Slot>>,
    /// Tasks made last, which are being watched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batch: Vec<(Slot, u32)>,
    /// Whether every slot has been taken and the last ones are watched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub watching: bool,
    /// Tasks that failed, and tasks made.
    #[serde(default)]
    pub failed: u64,
    #[serde(default)]
    pub made: u64,
}

impl UpdateFacts {
    /// One that starts at `due`.
    pub fn new(state: UpdateState, message: impl Into<String>, due: Ms) -> Self {
        Self {
            state,
            message: message.into(),
            due,
            queue: None,
            batch: Vec::new(),
            watching: false,
            failed: 0,
            made: 0,
        }
    }

    /// Whether it goes on by itself.
    pub fn under_way(&self) -> bool {
        matches!(self.state, UpdateState::Updating | UpdateState::RollbackStarted)
    }
}

/// A version of a service that can be gone back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub spec: ServiceSpec,
    pub forced: u64,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceFacts {
    pub id: String,
    pub spec: ServiceSpec,
    /// How often its tasks were recreated by force.
    #[serde(default)]
    pub forced: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<Version>>,
    /// The current template, by its hash.
    pub template: u64,
    /// Templates that tasks run or ran.
    pub templates: BTreeMap<u64, Template>,
    /// Tasks by slot, oldest first; the last one is current.
    pub slots: BTreeMap<Slot, Vec<TaskFacts>>,
    /// How often it was updated.
    #[serde(default)]
    pub epoch: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateFacts>,
}

impl ServiceFacts {
    /// A service without tasks yet.
    pub fn new(id: String, spec: ServiceSpec, ground: &Ground<'_>) -> Self {
        let mut service = Self {
            id,
            template: 0,
            forced: 0,
            previous: None,
            templates: BTreeMap::new(),
            slots: BTreeMap::new(),
            epoch: 0,
            update: None,
            spec,
        };
        service.renew_template(ground);
        service
    }

    /// Makes the spec's template the current one, forgetting those that no task has.
    pub fn renew_template(&mut self, ground: &Ground<'_>) {
        self.template = template_hash(&self.spec, self.forced);
        let used: std::collections::BTreeSet<u64> =
            self.slots.values().flatten().map(|task| task.template).collect();
        self.templates.retain(|hash, _| used.contains(hash));
        self.templates
            .insert(self.template, Template::of(&self.spec, ground));
    }

    /// The images of its versions.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        self.templates.values().map(|template| template.image.as_str())
    }

    /// The current task of a slot, if it shall run.
    pub fn current(&self, slot: &Slot) -> Option<&TaskFacts> {
        self.slots.get(slot)?.last().filter(|task| task.live())
    }

    /// How the update under way, or the way back, proceeds.
    pub fn proceeding(&self) -> UpdateConfig {
        let back = self
            .update
            .as_ref()
            .is_some_and(|update| update.state == UpdateState::RollbackStarted);
        let config = if back {
            &self.spec.rollback_config
        } else {
            &self.spec.update_config
        };
        config.clone().unwrap_or_default()
    }

    /// The replicas wanted; `None` for a global service.
    pub fn replicas(&self) -> Option<u64> {
        match self.spec.mode {
            Mode::Replicated(replicas) => Some(replicas),
            Mode::Global => None,
        }
    }

    /// The service as the engine lists it.
    pub fn describe(&self) -> Service {
        Service {
            id: self.id.clone(),
            spec: self.spec.clone(),
            update: self.update.as_ref().map(|update| UpdateStatus {
                state: update.state,
                message: update.message.clone(),
            }),
        }
    }
}

/// What makes tasks of two versions differ: all but name, count, service labels and how updates
/// proceed. Constraints do not count either: a task stays where they still hold (swarmkit,
/// `IsTaskDirty`).
fn template_hash(spec: &ServiceSpec, forced: u64) -> u64 {
    let mut template = spec.clone();
    template.name = String::new();
    template.mode = Mode::Global;
    template.labels = BTreeMap::new();
    template.constraints = Vec::new();
    template.update_config = None;
    template.rollback_config = None;
    // Serialising a spec cannot fail: its map keys are strings.
    let text = serde_json::to_string(&template).unwrap_or_default();
    mix(forced, &["template", &text])
}
