//! What happens by itself when its time has come.

use serde::{Deserialize, Serialize};

use super::world::Model;
use crate::sim::names::Ms;

/// Something that is due. An event that has lost its reason by then does nothing, so that
/// none ever needs to be taken back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// Managers that have lost their leader choose another.
    Elect { swarm: String },
    /// A node answers (again): it may take tasks.
    NodeReady { swarm: String, node: String },
    /// A node has been silent for too long: its tasks move.
    NodeLost { swarm: String, node: String },
    /// A rolling update goes on.
    Rollout {
        swarm: String,
        service: String,
        epoch: u32,
    },
}

impl Model {
    /// Notes something for later.
    pub(super) fn post(&mut self, at: Ms, event: Event) {
        self.events.insert((at, event));
    }

    /// Lets an event happen.
    pub(super) fn handle(&mut self, at: Ms, event: Event) {
        match event {
            Event::Elect { swarm } => self.elect(at, &swarm),
            Event::NodeReady { swarm, node } => self.node_ready(at, &swarm, &node),
            Event::NodeLost { swarm, node } => self.node_lost(at, &swarm, &node),
            Event::Rollout {
                swarm,
                service,
                epoch,
            } => self.rollout(at, &swarm, &service, epoch),
        }
    }
}
