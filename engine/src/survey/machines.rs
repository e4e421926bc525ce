//! Which machine has which name.

use super::Survey;
use crate::fast::{FastMap, FastSet};
use crate::world::{InstanceState, NodeState, Ownership};

/// Whether it is recorded, runs, is in the swarm, and how many came before it: the highest has the name.
type Rank = (bool, bool, bool, u32);

impl Survey {
    /// Decides which machine has which name: the recorded one while it is there; else, of those that
    /// carry the name and that no record claims, one that runs rather than one that does not, then
    /// one that is in the swarm, then the newest. `claimed` has the ids that records have; where
    /// `names` are given, nobody else has one.
    pub(crate) fn name_machines(&mut self, claimed: &FastSet<String>, names: Option<&FastSet<&str>>) {
        let recorded: FastMap<String, &str> = self
            .outputs
            .iter()
            .filter(|(address, _)| address.kind() == "instance")
            .filter_map(|(address, outputs)| Some((outputs.text_field("instance_id")?, address.name())))
            .collect();
        let nodes = self.view().map_or(&[][..], |view| &view.nodes);
        let joined: FastSet<&str> = nodes
            .iter()
            .filter(|node| node.state != NodeState::Down)
            .map(|node| node.addr.as_str())
            .collect();
        let mut best: FastMap<String, (Rank, usize)> = FastMap::default();
        for (index, instance) in self.cloud.instances.iter().enumerate() {
            if instance.state >= InstanceState::ShuttingDown {
                continue;
            }
            let own = recorded.get(&instance.id);
            let tagged = Ownership::from_tags(&instance.tags);
            let name = match (own, &tagged) {
                (Some(name), _) => *name,
                (None, Some(owner)) if !claimed.contains(&instance.id) && owner.cluster == self.cluster => {
                    match owner.address.strip_prefix("instance.") {
                        Some(name) => name,
                        None => continue,
                    }
                }
                _ => continue,
            };
            if names.is_some_and(|names| !names.contains(name)) {
                continue;
            }
            let runs = matches!(instance.state, InstanceState::Running | InstanceState::Pending);
            let generation = tagged.as_ref().map_or(0, |owner| owner.generation);
            let rank = (
                own.is_some(),
                runs,
                joined.contains(instance.private_ip.as_str()),
                generation,
            );
            match best.get_mut(name) {
                Some(found) if found.0 >= rank => {}
                Some(found) => *found = (rank, index),
                None => {
                    best.insert(name.to_owned(), (rank, index));
                }
            }
        }
        self.named = best.into_iter().map(|(name, (_, index))| (name, index)).collect();
    }
}
