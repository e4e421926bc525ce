//! The worst that was seen of the swarms during a run.

use std::collections::BTreeMap;

use subako_providers::sim::Moment;

/// Lows, by swarm's id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Low {
    /// By swarm: how many more managers could have failed; negative without a majority.
    pub tolerance: BTreeMap<String, i64>,
    /// By swarm and service: running tasks.
    pub running: BTreeMap<(String, String), u64>,
    /// By instance and service: how many of its tasks were there at most.
    pub most: BTreeMap<(String, String), u64>,
}

/// How many managers more may fail.
pub fn tolerance(voters: usize, alive: usize) -> i64 {
    alive as i64 - (voters as i64 / 2 + 1)
}

impl Low {
    /// Takes a moment into account.
    pub fn see(&mut self, moment: &Moment) {
        for (id, swarm) in &moment.swarms {
            let now = tolerance(swarm.voters, swarm.alive);
            let least = self.tolerance.entry(id.clone()).or_insert(now);
            *least = now.min(*least);
            for (name, count) in &swarm.services {
                let key = (id.clone(), name.clone());
                let least = self.running.entry(key).or_insert(count.running);
                *least = count.running.min(*least);
            }
            for (instance, services) in &swarm.placed {
                for (name, count) in services {
                    let most = self.most.entry((instance.clone(), name.clone())).or_default();
                    *most = (*most).max(*count);
                }
            }
        }
    }
}
