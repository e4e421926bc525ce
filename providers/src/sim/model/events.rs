//! What happens by itself when its time has come.

use serde::{Deserialize, Serialize};

use super::swarm::At;
use super::tasks::Slot;
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
    /// A task has ended, by itself or because another runs in its place: what it held of its node
    /// is free.
    TaskOver {
        swarm: String,
        service: String,
        slot: Slot,
        number: u32,
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
            Event::TaskOver {
                swarm,
                service,
                slot,
                number,
            } => {
                let seed = self.place.seed;
                if let Some(swarm) = self.swarms.get_mut(&swarm) {
                    swarm.task_over(At { seed, t: at }, &service, &slot, number);
                }
            }
        }
        self.settle(at);
    }

    /// Lets follow what has become possible: tasks that wait get what others have left.
    pub(super) fn settle(&mut self, t: Ms) {
        let at = At {
            seed: self.place.seed,
            t,
        };
        let mut due = Vec::new();
        for swarm in self.swarms.values_mut() {
            swarm.place_all_pending(at);
            due.append(&mut swarm.board.due);
        }
        for (when, event) in due {
            self.post(when, event);
        }
    }
}
