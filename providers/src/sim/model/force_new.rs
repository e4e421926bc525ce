//! A swarm re-formed from one of its managers (`docker swarm init --force-new-cluster`).

use subako_world::{Code, Role};

use super::ec2::Decision;
use super::effect::Effect;
use super::events::Event;
use super::machine::HOST_DOWN_AFTER;
use super::membership::no_engine;
use super::world::Model;
use crate::sim::names::Ms;
use crate::sim::refusal::Refusal;

/// How long an engine needs to start again as the only manager.
const BEGINS_AFTER: Ms = 3_000;

impl Model {
    /// Makes a manager the only one of its swarm; returns from when it leads.
    pub fn decide_force_new(&self, t: Ms, id: &str, advertise_addr: &str) -> Decision<Ms> {
        let instance = self.instance_or_refuse(id)?;
        if !instance.engine_up(t) {
            return Err(no_engine());
        }
        let node = instance.node().and_then(|(swarm, node)| {
            let facts = self.swarms.get(swarm)?.nodes.get(node)?;
            ((facts.in_raft(t) || facts.given_up) && !facts.expired).then_some(facts)
        });
        let node = node.ok_or_else(|| {
            let message = "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to \
                           connect this node to swarm and try again";
            Refusal::new(Code::NotAManager, message)
        })?;
        if node.addr != advertise_addr {
            let message = format!("advertise address {advertise_addr} is not the one that the node has");
            return Err(Refusal::new(Code::Invalid, message));
        }
        let ready = t + BEGINS_AFTER;
        let effect = Effect::ForceNew {
            instance: id.to_owned(),
            ready,
        };
        Ok((Some(effect), ready))
    }

    /// Applies that: the other managers vote no more, and are lost until they join as other nodes.
    pub(super) fn apply_force_new(&mut self, t: Ms, id: &str, ready: Ms) {
        let Some((swarm, own)) = self.node_of(id) else {
            return;
        };
        let Some(facts) = self.swarms.get_mut(&swarm) else {
            return;
        };
        let mut lost = Vec::new();
        for (node, other) in &mut facts.nodes {
            if *node == own {
                other.role = Role::Manager;
                other.given_up = false;
                (other.raft_from, other.raft_until) = (Some(t), None);
            } else if facts.raft.contains(node) && other.in_raft(t) {
                if other.up(t) {
                    other.lost_at = t;
                    lost.push(node.clone());
                }
                other.given_up = true;
                other.raft_until = Some(t);
            }
        }
        facts.raft = [own.clone()].into();
        facts.elected = facts.addr_of(&own);
        facts.leader = Some(own);
        facts.led_since = ready;
        facts.term += 1;
        facts.elect_at = None;
        facts.board.machines += 1;
        for node in lost {
            let swarm = swarm.clone();
            self.post(t + HOST_DOWN_AFTER, Event::NodeLost { swarm, node });
        }
        // What was left undone meanwhile is done once it leads.
        self.post(ready, Event::Elect { swarm });
    }
}
