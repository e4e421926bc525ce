//! The world as one comparable document.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use subako_world::{InstanceState, Task, TaskFilter, TaskState};

use super::swarm::{At, SwarmFacts};
use super::tasks::{Slot, View};
use super::world::Model;
use crate::sim::names::Ms;

impl SwarmFacts {
    /// Every task that a filter lets through, sorted by service, slot and id.
    pub fn list_tasks(&self, at: At, filter: &TaskFilter) -> Vec<Task> {
        let mut tasks = Vec::new();
        let wanted = self
            .services
            .iter()
            .filter(|(name, _)| filter.service.as_ref().is_none_or(|f| f == *name));
        for (_, service) in wanted {
            let mut own = Vec::new();
            let answers = self.awaited(service);
            let mut reasons: BTreeMap<Option<&String>, String> = BTreeMap::new();
            for (slot, facts) in service
                .slots
                .iter()
                .flat_map(|(slot, tasks)| tasks.iter().map(move |t| (slot, t)))
            {
                let up_to_date = !filter.up_to_date || facts.template == service.template;
                let there = match slot {
                    Slot::Node(id) => Some(id),
                    Slot::Replica(_) => facts.node.as_ref(),
                };
                let on_node = filter.node.is_none() || filter.node.as_ref() == there;
                let template = service
                    .templates
                    .get(&facts.template)
                    .filter(|_| up_to_date && on_node);
                if let Some(template) = template {
                    let node = facts.node.as_ref().and_then(|id| self.nodes.get(id));
                    // One reason for all replicas, one for each node of a global service.
                    let own_node = match slot {
                        Slot::Node(id) => Some(id),
                        Slot::Replica(_) => None,
                    };
                    let no_node = facts.node.is_none().then(|| {
                        let why = || self.why_no_node(service, slot);
                        reasons.entry(own_node).or_insert_with(why).clone()
                    });
                    View {
                        seed: at.seed,
                        t: at.t,
                        service,
                        slot,
                        task: facts,
                        template,
                        node,
                        no_node: no_node.as_deref(),
                        answers,
                    }
                    .show(&mut own);
                }
            }
            own.sort_by(|a, b| (a.slot, &a.id).cmp(&(b.slot, &b.id)));
            tasks.append(&mut own);
        }
        tasks
    }
}

impl Model {
    /// What a person would list, without what has ended, and without times: equal before and
    /// after a run that undid all it did. `tasks` counts each service's running tasks.
    pub fn dump(&self, t: Ms) -> Value {
        let instances: BTreeMap<&String, Value> = self
            .instances
            .iter()
            .filter(|(_, instance)| instance.state(t) < InstanceState::ShuttingDown)
            .map(|(id, instance)| {
                let mut shown = json!(instance.describe(self.place.seed, t));
                shown["engine"] = json!(instance.engine.as_ref().map(|engine| &engine.version));
                shown["member"] = json!(instance.member);
                shown["killed"] = json!(instance.killed);
                shown["cpu_credits"] = json!(instance.cpu_credits);
                (id, shown)
            })
            .collect();
        let swarms: BTreeMap<&String, Value> = self
            .swarms
            .iter()
            .filter(|(_, swarm)| self.lives(t, swarm))
            .map(|(id, swarm)| (id, self.dump_swarm(t, swarm)))
            .collect();
        json!({
            "key_pairs": self.key_pairs,
            "security_groups": self.groups,
            "instances": instances,
            "elastic_ips": self.elastic_ips,
            "swarms": swarms,
        })
    }

    /// Whether some instance that still exists is a node of the swarm.
    pub fn lives(&self, t: Ms, swarm: &SwarmFacts) -> bool {
        swarm.nodes.iter().any(|(id, node)| {
            self.instances.get(&node.instance).is_some_and(|instance| {
                instance.state(t) < InstanceState::ShuttingDown
                    && instance.node() == Some((swarm.id.as_str(), id.as_str()))
            })
        })
    }

    fn dump_swarm(&self, t: Ms, swarm: &SwarmFacts) -> Value {
        let nodes: BTreeMap<&String, Value> = swarm
            .nodes
            .iter()
            .map(|(id, node)| {
                let shown = json!({
                    "instance": node.instance,
                    "addr": node.addr,
                    "role": node.role,
                    "availability": node.availability,
                    "labels": node.labels,
                    "ready": node.seen,
                });
                (id, shown)
            })
            .collect();
        let at = At {
            seed: self.place.seed,
            t,
        };
        let mut tasks: BTreeMap<&String, u64> = swarm.services.keys().map(|name| (name, 0)).collect();
        for task in swarm.list_tasks(at, &TaskFilter::default()) {
            let runs = task.state == TaskState::Running && task.desired == TaskState::Running;
            if let Some(count) = tasks.get_mut(&task.service).filter(|_| runs) {
                *count += 1;
            }
        }
        let services: BTreeMap<&String, Value> = swarm
            .services
            .iter()
            .map(|(name, service)| (name, json!(service.spec)))
            .collect();
        let networks: BTreeMap<&String, Value> = swarm
            .networks
            .iter()
            .map(|(name, network)| (name, json!(network.spec)))
            .collect();
        json!({
            "addr_pool": swarm.addr_pool,
            "labels": swarm.labels,
            "nodes": nodes,
            "networks": networks,
            "secrets": swarm.secrets.keys().collect::<Vec<_>>(),
            "configs": swarm.configs.keys().collect::<Vec<_>>(),
            "services": services,
            "tasks": tasks,
        })
    }
}
