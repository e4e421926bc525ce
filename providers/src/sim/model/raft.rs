//! Managers: who leads, whether enough of them are there, and what is refused when not.

use subako_world::{Code, Role};

use super::events::Event;
use super::facts::Membership;
use super::swarm::{At, NodeFacts, SwarmFacts};
use super::world::Model;
use crate::sim::names::{Ms, mix, span};
use crate::sim::refusal::Refusal;

/// The longest that a manager which is back needs to hear from a leader (swarmkit,
/// `manager/state/raft`: a tick a second, an election after ten without a heartbeat).
const FOLLOWS_AFTER: Ms = 3_000;

impl NodeFacts {
    /// When a manager that has restarted knows its leader again, if that is still to come.
    fn follows_from(&self, seed: u64, t: Ms) -> Option<Ms> {
        let back = self.up_from.filter(|from| *from > self.ready)?;
        let from = back + span(seed, 500, FOLLOWS_AFTER, &["follow", &self.addr]);
        Some(from).filter(|from| *from > t)
    }
}

impl SwarmFacts {
    /// Members of raft, and how many of them answer.
    pub fn quorum(&self, t: Ms) -> (usize, usize) {
        let members = self
            .raft
            .iter()
            .filter_map(|id| self.nodes.get(id))
            .filter(|node| node.in_raft(t));
        members.fold((0, 0), |(all, up), node| (all + 1, up + usize::from(node.up(t))))
    }

    /// Whether more than half of the managers answer.
    pub fn has_quorum(&self, t: Ms) -> bool {
        let (members, up) = self.quorum(t);
        up * 2 > members
    }

    /// The manager that leads, if one does.
    pub fn leader(&self, t: Ms) -> Option<&str> {
        let id = self.leader.as_deref()?;
        let node = self.nodes.get(id)?;
        (node.in_raft(t) && node.up(t)).then_some(id)
    }

    /// Whether the swarm can decide anything.
    pub fn decides(&self, t: Ms) -> bool {
        self.leader(t).is_some() && self.has_quorum(t)
    }

    /// Whether a manager may be demoted: not the last one, nor one whose loss breaks the quorum
    /// (swarmkit, `CanRemoveMember`).
    pub fn may_demote(&self, t: Ms, id: &str) -> Result<(), Refusal> {
        let (members, up) = self.quorum(t);
        let staying = |node: &super::swarm::NodeFacts| node.role == Role::Manager;
        let others = self.raft.iter().filter(|other| *other != id);
        if !others
            .filter_map(|other| self.nodes.get(other))
            .any(|node| node.in_raft(t) && staying(node))
        {
            let message = "rpc error: code = FailedPrecondition desc = attempting to demote the last manager of the swarm";
            return Err(Refusal::new(Code::WrongState, message));
        }
        let answers = self.nodes.get(id).is_some_and(|node| node.up(t));
        if up - usize::from(answers) < (members - 1) / 2 + 1 {
            let message = "rpc error: code = FailedPrecondition desc = can't remove member from the raft: this would \
                           result in a loss of quorum";
            return Err(
                Refusal::new(Code::NoQuorum, message).hint("bring the other managers back first, or add one")
            );
        }
        Ok(())
    }
}

impl Model {
    /// The swarm that an instance's engine manages, if it can decide anything now. A refusal
    /// during an election says when to ask again.
    pub fn controlled_by(&self, t: Ms, instance: &str) -> Result<&SwarmFacts, Refusal> {
        let facts = self.instance_or_refuse(instance)?;
        let (swarm, node) = match &facts.member {
            Some(Membership::Node { swarm, node }) => (swarm, node),
            _ => {
                return Err(Refusal::new(
                    Code::NotAManager,
                    "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to \
                     connect this node to swarm and try again",
                ));
            }
        };
        let swarm = self.swarms.get(swarm).filter(|swarm| {
            let node = swarm.nodes.get(node);
            node.is_some_and(|node| (node.in_raft(t) || node.given_up) && !node.expired)
        });
        let swarm = swarm.ok_or_else(|| {
            Refusal::new(
                Code::NotAManager,
                "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. \
                 Please run this command on a manager node or promote the current node to a manager",
            )
        })?;
        let back = swarm
            .nodes
            .get(node)
            .and_then(|node| node.follows_from(self.place.seed, t));
        let given_up = swarm.nodes.get(node).is_some_and(|node| node.given_up);
        if swarm.decides(t) && back.is_none() && !given_up {
            return Ok(swarm);
        }
        let mut refusal = Refusal::new(
            Code::NoLeader,
            "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few \
             managers are online. Make sure more than half of the managers are online",
        )
        .hint(
            "start the missing managers; if they are gone for good, `docker swarm init --force-new-cluster`",
        );
        if swarm.has_quorum(t) && !given_up {
            refusal.retry_at = Some(swarm.elect_at.filter(|at| *at > t).or(back).unwrap_or(t + 1_000));
        }
        Err(refusal)
    }

    /// A manager is lost, or comes back, at `t`: the managers will see who leads.
    pub(super) fn election_due(&mut self, t: Ms, swarm: &str, node: &str) {
        let seed = self.place.seed;
        let Some(facts) = self
            .swarms
            .get_mut(swarm)
            .filter(|facts| facts.raft.contains(node))
        else {
            return;
        };
        // A leader that is lost does not lead again when it is back: it is elected, or another is.
        if facts.leader(t).is_none() {
            facts.leader = None;
        }
        let after = facts.elected.as_deref().unwrap_or_default();
        let at = t + span(seed, 3_000, 10_000, &["election", after]);
        facts.elect_at = Some(
            facts
                .elect_at
                .filter(|due| *due > t)
                .map_or(at, |due| due.min(at)),
        );
        self.post(
            at,
            Event::Elect {
                swarm: swarm.to_owned(),
            },
        );
    }

    /// Chooses a leader if there is none and a majority answers, and catches up with what has
    /// been left undone meanwhile.
    pub(super) fn elect(&mut self, t: Ms, swarm: &str) {
        let at = At {
            seed: self.place.seed,
            t,
        };
        let Some(facts) = self.swarms.get_mut(swarm) else {
            return;
        };
        facts.elect_at = facts.elect_at.filter(|due| *due > t);
        if !facts.has_quorum(t) {
            return;
        }
        if facts.leader(t).is_none() {
            let after = facts.elected.as_deref().unwrap_or_default();
            let candidates = facts
                .raft
                .iter()
                .filter_map(|id| Some((id, facts.nodes.get(id)?)))
                .filter(|(_, node)| node.in_raft(t) && node.up(t));
            let chosen = candidates
                .min_by_key(|(_, node)| mix(at.seed, &["vote", after, &node.addr]))
                .map(|(id, node)| (id.clone(), node.addr.clone()));
            (facts.leader, facts.elected) = chosen.unzip();
            facts.led_since = t;
            facts.term += 1;
        }
        let going = facts.catch_up(at);
        for (service, epoch) in going {
            let swarm = swarm.to_owned();
            self.post(
                t,
                Event::Rollout {
                    swarm,
                    service,
                    epoch,
                },
            );
        }
    }
}
