//! Starting, joining and leaving a swarm.

use std::net::Ipv4Addr;

use subako_world::{Code, JoinRequest, Protocol, Role, Source, SwarmInit};

use super::catalog::Range;
use super::ec2::Decision;
use super::effect::Effect;
use super::events::Event;
use super::facts::{EngineFacts, InstanceFacts, Membership};
use super::swarm::{At, DEFAULT_POOL, DEFAULT_SUBNET_SIZE, NodeFacts, SwarmFacts};
use super::tasks::Board;
use super::world::Model;
use crate::sim::names::{Ms, span, swarm_id};
use crate::sim::refusal::Refusal;

/// How long an engine needs to start a swarm.
const INIT_AFTER: Ms = 1_000;
/// How long after saying goodbye a node counts as down.
const LEFT_AFTER: Ms = 500;

/// What becomes of a join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Joining {
    /// It goes through at `ready`.
    Accepted { node: String, ready: Ms },
    /// Nobody answers; it goes on in the background.
    Unanswered { why: String },
}

impl Model {
    /// Makes an engine the first manager of a new swarm.
    pub fn decide_init(&self, t: Ms, id: &str, init: &SwarmInit) -> Decision<(String, Ms)> {
        let instance = self.free_engine(t, id)?;
        if init.advertise_addr.split(':').next() != Some(&instance.private_ip.to_string()) {
            return Err(Refusal::new(
                Code::Invalid,
                format!(
                    "advertise address {} is not an address of this host",
                    init.advertise_addr
                ),
            ));
        }
        for pool in &init.addr_pool {
            let range = Range::parse(pool).ok_or_else(|| {
                Refusal::new(
                    Code::Invalid,
                    format!("invalid base pool request: Error parsing CIDR: {pool}"),
                )
            })?;
            if init.subnet_size != 0 && init.subnet_size < range.bits {
                let message = format!(
                    "invalid CIDR: pool {pool} cannot be cut into /{}",
                    init.subnet_size
                );
                return Err(Refusal::new(Code::Invalid, message));
            }
        }
        if init.subnet_size > 29 {
            return Err(Refusal::new(
                Code::Invalid,
                "subnet size is out of range: it must be between 1 and 29",
            ));
        }
        let joins = instance.joins.to_string();
        let swarm = swarm_id(self.place.seed, &["swarm", id, &joins]);
        let node = swarm_id(self.place.seed, &["node", &swarm, id, &joins]);
        let ready = t + INIT_AFTER;
        let effect = Effect::Init {
            instance: id.to_owned(),
            swarm,
            node: node.clone(),
            ready,
            addr_pool: match init.addr_pool.as_slice() {
                [] => vec![DEFAULT_POOL.to_owned()],
                pool => pool.to_vec(),
            },
            subnet_size: if init.subnet_size == 0 {
                DEFAULT_SUBNET_SIZE
            } else {
                init.subnet_size
            },
            labels: init.labels.clone(),
        };
        Ok((Some(effect), (node, ready)))
    }

    /// Joins a swarm; the token decides which role.
    pub fn decide_join(&self, t: Ms, id: &str, join: &JoinRequest) -> Decision<Joining> {
        let instance = self.free_engine(t, id)?;
        let token = join.token.expose();
        if !token.starts_with("SWMTKN-1-") || token.len() != "SWMTKN-1-".len() + 50 + 1 + 25 {
            return Err(Refusal::new(
                Code::Invalid,
                "rpc error: code = InvalidArgument desc = invalid join token",
            ));
        }
        let mut why = "no manager was named".to_owned();
        for remote in &join.remote_addrs {
            match self.way_to(t, instance, remote) {
                Ok(swarm) => return self.join_at(t, instance, swarm, join),
                Err(reason) => why = reason,
            }
        }
        let mut pending = instance.clone();
        pending.member = Some(Membership::Pending);
        Ok((
            Some(Effect::Instance(Box::new(pending))),
            Joining::Unanswered { why },
        ))
    }

    fn join_at(
        &self,
        t: Ms,
        from: &InstanceFacts,
        swarm: &SwarmFacts,
        join: &JoinRequest,
    ) -> Decision<Joining> {
        let tokens = swarm.tokens(self.place.seed);
        let role = match &join.token {
            token if *token == tokens.manager => Role::Manager,
            token if *token == tokens.worker => Role::Worker,
            _ => {
                let message = "rpc error: code = InvalidArgument desc = A valid join token is necessary to join this cluster";
                return Err(Refusal::new(Code::Invalid, message).hint("read the tokens from a manager again"));
            }
        };
        let name = |joins: u32| {
            let joins = joins.to_string();
            swarm_id(self.place.seed, &["node", &swarm.id, &from.id, &joins])
        };
        // Where a model is made of what was read, nobody knows how often an engine has joined.
        let node = (from.joins..)
            .map(name)
            .find(|node| !swarm.nodes.contains_key(node))
            .unwrap_or_default();
        let ready = t + span(
            self.place.seed,
            1_000,
            4_000,
            &["join", &from.private_ip.to_string()],
        );
        let effect = Effect::Join {
            instance: from.id.clone(),
            swarm: swarm.id.clone(),
            node: node.clone(),
            role,
            ready,
        };
        Ok((Some(effect), Joining::Accepted { node, ready }))
    }

    /// The swarm that a manager at `remote` would let an instance into, or why none answers.
    fn way_to(&self, t: Ms, from: &InstanceFacts, remote: &str) -> Result<&SwarmFacts, String> {
        let silent = || format!("no manager answers at {remote}");
        let (host, port) = remote.rsplit_once(':').unwrap_or((remote, "2377"));
        let address: Ipv4Addr = host.parse().map_err(|_| silent())?;
        let manager = self
            .index()
            .of_address(address)
            .and_then(|id| self.instances.get(id));
        let manager = manager
            .filter(|manager| manager.engine_up(t))
            .ok_or_else(silent)?;
        if !self.lets_in(manager, from, 2377) {
            return Err(format!("{host} lets nothing in on port 2377/tcp"));
        }
        if !self.lets_in(manager, from, 7946) || !self.lets_in(from, manager, 7946) {
            return Err(format!(
                "{host} and {} cannot reach each other on port 7946/tcp",
                from.private_ip
            ));
        }
        if port != "2377" {
            return Err(silent());
        }
        let (swarm, node) = manager.node().ok_or_else(silent)?;
        let swarm = self.swarms.get(swarm).ok_or_else(silent)?;
        let managing = swarm
            .nodes
            .get(node)
            .is_some_and(|node| node.in_raft(t) && node.up(t));
        (managing && swarm.has_quorum(t))
            .then_some(swarm)
            .ok_or_else(silent)
    }

    /// Whether an instance's security groups let TCP in on a port from another instance.
    fn lets_in(&self, to: &InstanceFacts, from: &InstanceFacts, port: u16) -> bool {
        to.groups
            .iter()
            .filter_map(|id| self.groups.get(id))
            .any(|group| {
                group.rules.iter().any(|rule| {
                    let source = match &rule.source {
                        Source::Group(other) => from.groups.contains(other),
                        Source::SelfGroup => from.groups.contains(&group.id),
                        Source::Cidr(cidr) => {
                            Range::parse(cidr).is_some_and(|range| range.holds(from.private_ip))
                        }
                    };
                    let ports = (rule.ports.from..=rule.ports.to).contains(&port);
                    source && (rule.protocol == Protocol::All || (rule.protocol == Protocol::Tcp && ports))
                })
            })
    }

    /// The engine's instance, if the engine is in no swarm.
    fn free_engine(&self, t: Ms, id: &str) -> Result<&InstanceFacts, Refusal> {
        let instance = self.instance_or_refuse(id)?;
        if !instance.engine_up(t) {
            return Err(no_engine());
        }
        match instance.member {
            None => Ok(instance),
            Some(_) => Err(Refusal::new(
                Code::AlreadyInSwarm,
                "This node is already part of a swarm. Use \"docker swarm leave\" to leave this swarm and join \
                 another one",
            )),
        }
    }

    /// Leaves the swarm.
    pub fn decide_leave(&self, t: Ms, id: &str, force: bool) -> Decision<()> {
        let instance = self.instance_or_refuse(id)?;
        let effect = Effect::Leave {
            instance: id.to_owned(),
        };
        let Some(member) = &instance.member else {
            return Ok((None, ()));
        };
        let Membership::Node { swarm, node } = member else {
            return Ok((Some(effect), ()));
        };
        let swarm = self.swarms.get(swarm);
        let managing = swarm.filter(|s| s.nodes.get(node).is_some_and(|node| node.in_raft(t)));
        if let Some(swarm) = managing.filter(|_| !force) {
            let message = match swarm.quorum(t).0 {
                1 => {
                    "You are attempting to leave the swarm on a node that is participating as a manager. Removing \
                     the last manager erases all current state of a swarm. Use `--force` to ignore this message"
                }
                _ => {
                    "You are attempting to leave the swarm on a node that is participating as a manager. The only \
                     way to restore a swarm that has lost consensus is to reinitialize it with \
                     `--force-new-cluster`. Use `--force` to suppress this message"
                }
            };
            return Err(Refusal::new(Code::WrongState, message).hint("demote the node first"));
        }
        Ok((Some(effect), ()))
    }

    /// Applies a decided start of a swarm.
    pub(super) fn apply_init(&mut self, id: &str, swarm: SwarmFacts, node: &str, ready: Ms) {
        let swarm_id = swarm.id.clone();
        let images = self.place.images();
        let swarm = SwarmFacts { images, ..swarm };
        self.swarms.insert(swarm_id.clone(), swarm);
        self.apply_join(id, &swarm_id, node, Role::Manager, ready);
        if let Some(swarm) = self.swarms.get_mut(&swarm_id) {
            swarm.leader = Some(node.to_owned());
            swarm.elected = swarm.addr_of(node);
            swarm.led_since = ready;
            swarm.term = 1;
        }
    }

    /// A swarm before its first node.
    pub(super) fn new_swarm(
        id: String,
        addr_pool: Vec<String>,
        subnet_size: u8,
        labels: std::collections::BTreeMap<String, String>,
    ) -> SwarmFacts {
        SwarmFacts {
            id,
            addr_pool,
            subnet_size,
            labels,
            nodes: Default::default(),
            raft: Default::default(),
            leader: None,
            elected: None,
            led_since: 0,
            term: 0,
            elect_at: None,
            networks: Default::default(),
            secrets: Default::default(),
            configs: Default::default(),
            services: Default::default(),
            board: Board::default(),
            images: Default::default(),
        }
    }

    /// Applies a decided join.
    pub(super) fn apply_join(&mut self, id: &str, swarm_id: &str, node: &str, role: Role, ready: Ms) {
        let region = self.place.region.clone();
        let (Some(instance), Some(swarm)) = (self.instances.get_mut(id), self.swarms.get_mut(swarm_id))
        else {
            return;
        };
        instance.joins += 1;
        instance.member = Some(Membership::Node {
            swarm: swarm_id.to_owned(),
            node: node.to_owned(),
        });
        let dashed = instance.private_ip.to_string().replace('.', "-");
        let manages = role == Role::Manager;
        let facts = NodeFacts {
            instance: id.to_owned(),
            hostname: format!("ip-{dashed}.{region}.compute.internal"),
            addr: instance.private_ip.to_string(),
            role,
            availability: Default::default(),
            labels: Default::default(),
            ready,
            raft_from: manages.then_some(ready),
            raft_until: None,
            up_from: instance.up_from,
            lost_at: instance.lost_at,
            certified: ready,
            expired: false,
            given_up: false,
            left: false,
            seen: false,
            engine: instance
                .engine
                .as_ref()
                .map_or_else(String::new, |engine| engine.version.clone()),
            capacity: self.place.capacity(&instance.instance_type),
            bridges: instance
                .engine
                .as_ref()
                .map_or_else(Vec::new, EngineFacts::bridges),
            volumes: Default::default(),
            images: Default::default(),
        };
        swarm.nodes.insert(node.to_owned(), facts);
        swarm.board.bridges.take();
        if manages {
            swarm.raft.insert(node.to_owned());
        }
        self.post(
            ready,
            Event::NodeReady {
                swarm: swarm_id.to_owned(),
                node: node.to_owned(),
            },
        );
    }

    /// Applies a decided leave: the node says goodbye, and a manager is missed.
    pub(super) fn apply_leave(&mut self, t: Ms, id: &str) {
        let at = At {
            seed: self.place.seed,
            t,
        };
        let node = self.node_of(id);
        if let Some(instance) = self.instances.get_mut(id) {
            instance.member = None;
        }
        let Some((swarm, node)) = node else {
            return;
        };
        let left = self.swarms.get_mut(&swarm);
        if let Some((facts, board)) =
            left.and_then(|swarm| Some((swarm.nodes.get_mut(&node)?, &mut swarm.board)))
        {
            board.machines += 1;
            facts.left = true;
            facts.up_from = None;
            facts.lost_at = at.t;
        }
        self.post(
            t + LEFT_AFTER,
            Event::NodeLost {
                swarm: swarm.clone(),
                node: node.clone(),
            },
        );
        self.election_due(t, &swarm, &node);
    }
}

/// The answer where no engine runs.
pub(crate) fn no_engine() -> Refusal {
    let message =
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
    Refusal::new(Code::NoEngine, message)
}
