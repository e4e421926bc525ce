//! A swarm as one of its managers describes it, made a swarm of the model.

use std::collections::BTreeMap;

use subako_world::{
    Availability, Mode, Node, NodeState, Role, Service, SwarmScene, Task, TaskState, UpdateState,
};

use super::events::Event;
use super::facts::{EngineFacts, InstanceFacts};
use super::program::{Fate, Images};
use super::service::{ServiceFacts, Template, UpdateFacts};
use super::staged::BEGIN;
use super::swarm::{NodeFacts, SwarmFacts};
use super::tasks::{Slot, TaskFacts};
use super::world::Model;
use crate::sim::names::{Ms, mix, swarm_id};

/// What is on its way when it is read is there so much later.
const SOON: Ms = 2_000;
/// The most joins that a node's id is looked for under.
const JOINS: u32 = 8;

/// A swarm with all that was read of it.
pub(super) fn swarm(
    scene: &SwarmScene,
    images: Images,
    instances: &BTreeMap<String, InstanceFacts>,
    assumed: &mut Vec<String>,
) -> SwarmFacts {
    let mut facts = Model::new_swarm(
        scene.id.clone(),
        scene.addr_pool.clone(),
        scene.subnet_size,
        scene.labels.clone(),
    );
    facts.images = images;
    // Nobody is heard of for the first time: the last election is long ago.
    facts.term = 2;
    for (seen, instance) in &scene.nodes {
        let mut node = node(seen, instance.as_deref());
        let engine = instances
            .get(&node.instance)
            .and_then(|instance| instance.engine.as_ref());
        node.bridges = engine.map_or_else(Vec::new, EngineFacts::bridges);
        if node.raft_from.is_some() {
            facts.raft.insert(seen.id.clone());
        }
        if seen.leader {
            facts.leader = Some(seen.id.clone());
            facts.elected = Some(node.addr.clone());
        }
        facts.nodes.insert(seen.id.clone(), node);
    }
    let by_name = |network: &subako_world::Network| (network.spec.name.clone(), network.clone());
    facts.networks = scene.networks.iter().map(by_name).collect();
    let files = |files: &[subako_world::SwarmFile]| {
        let files = files.iter();
        files.map(|file| (file.spec.name.clone(), file.clone())).collect()
    };
    facts.secrets = files(&scene.secrets);
    facts.configs = files(&scene.configs);
    let mut tasks: BTreeMap<&str, Vec<&Task>> = BTreeMap::new();
    for task in &scene.tasks {
        tasks.entry(&task.service).or_default().push(task);
        let node = task.node_id.as_ref().and_then(|id| facts.nodes.get_mut(id));
        if let Some(node) =
            node.filter(|_| task.state >= TaskState::Ready && task.state != TaskState::Rejected)
        {
            node.images.insert(task.image.clone(), 0);
        }
    }
    for seen in &scene.services {
        let own = tasks.remove(seen.spec.name.as_str()).unwrap_or_default();
        let service = service(seen, &own, &facts, assumed);
        facts.services.insert(seen.spec.name.clone(), service);
    }
    facts
}

fn node(seen: &Node, instance: Option<&str>) -> NodeFacts {
    let lost = seen.is_lost() || instance.is_none();
    let votes = seen.reachability.is_some();
    let promoted = seen.role == Role::Manager && !votes && !lost;
    let demoted = seen.role == Role::Worker && votes;
    NodeFacts {
        instance: instance.unwrap_or_default().to_owned(),
        hostname: seen.hostname.clone(),
        addr: seen.addr.clone(),
        role: seen.role,
        availability: seen.availability,
        labels: seen.labels.clone(),
        ready: 0,
        raft_from: match (votes, promoted) {
            (true, _) => Some(0),
            (false, true) => Some(BEGIN + SOON),
            (false, false) => None,
        },
        raft_until: demoted.then_some(BEGIN + SOON),
        up_from: (!lost).then_some(0),
        lost_at: 0,
        certified: 0,
        expired: false,
        given_up: false,
        left: lost && instance.is_none(),
        seen: !matches!(seen.state, NodeState::Down),
        engine: seen.engine_version.clone(),
        capacity: (0, 0),
        bridges: Vec::new(),
        volumes: Default::default(),
        images: Default::default(),
    }
}

/// A service, with one task for each slot that has one.
fn service(seen: &Service, tasks: &[&Task], swarm: &SwarmFacts, assumed: &mut Vec<String>) -> ServiceFacts {
    let name = &seen.spec.name;
    let mut facts = ServiceFacts::new(
        seen.id.clone(),
        seen.spec.clone(),
        &swarm.ground(&swarm.bridges()),
    );
    let mut slots: BTreeMap<Slot, &Task> = BTreeMap::new();
    for task in tasks {
        let slot = match (task.slot, &task.node_id) {
            (Some(number), _) => Slot::Replica(number),
            (None, Some(node)) => Slot::Node(node.clone()),
            (None, None) => continue,
        };
        slots
            .entry(slot)
            .and_modify(|best| {
                if rank(task) > rank(best) {
                    *best = task;
                }
            })
            .or_insert(task);
    }
    for task in tasks {
        // With the service its nodes lose the images of its earlier versions too.
        template_of(task, &mut facts);
    }
    for (slot, task) in slots {
        if rank(task) == Rank::Stopped {
            continue;
        }
        let template = template_of(task, &mut facts);
        ended(task, swarm.images, facts.templates.get_mut(&template));
        facts.slots.insert(slot, vec![task_of(task, template)]);
    }
    facts.update = seen.update.as_ref().map(|update| {
        if matches!(update.state, UpdateState::Updating | UpdateState::RollbackStarted) {
            assumed.push(format!(
                "tasks of {name}, which is being updated, are of the new version if they run its image"
            ));
        }
        UpdateFacts::new(update.state, update.message.clone(), BEGIN)
    });
    if let Mode::Replicated(wanted) = seen.spec.mode {
        // What Swarm is about to make is made by the model: it is a slot without a node so far.
        let free: Vec<Slot> = (1..=wanted)
            .map(Slot::Replica)
            .filter(|slot| !facts.slots.contains_key(slot))
            .take(
                usize::try_from(wanted)
                    .unwrap_or(usize::MAX)
                    .saturating_sub(facts.slots.len()),
            )
            .collect();
        for slot in free {
            let task = waiting(facts.template);
            facts.slots.insert(slot, vec![task]);
        }
    }
    watch_what_starts(&mut facts);
    facts
}

/// An update under way waits for the tasks that have yet to start.
fn watch_what_starts(facts: &mut ServiceFacts) {
    let slots = facts.slots.iter();
    let starting: Vec<(Slot, u32)> = slots
        .filter_map(|(slot, tasks)| Some((slot, tasks.last()?)))
        .filter(|(_, task)| task.node.is_none() || task.running > 0)
        .map(|(slot, task)| (slot.clone(), task.number))
        .collect();
    if let Some(update) = facts.update.as_mut().filter(|update| update.under_way()) {
        update.made = starting.len() as u64;
        update.batch = starting;
    }
}

/// Which of a slot's tasks counts: one that is to run, else one that has ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// It was stopped.
    Stopped,
    /// It has ended by itself, and nothing else is to come, for all that is known.
    Ended,
    /// It is to run once the delay is over.
    Next,
    /// It is to run.
    Wanted,
}

fn rank(task: &Task) -> Rank {
    match (task.desired, task.state) {
        (desired, state) if desired == TaskState::Running && state <= TaskState::Running => Rank::Wanted,
        (desired, state) if desired <= TaskState::Running && state <= TaskState::Running => Rank::Next,
        (_, TaskState::Complete | TaskState::Failed | TaskState::Rejected) => Rank::Ended,
        _ => Rank::Stopped,
    }
}

/// The template that a task runs: the service's, unless its image is another.
fn template_of(task: &Task, service: &mut ServiceFacts) -> u64 {
    let current = &service.templates[&service.template];
    if task.image == current.image || task.image.is_empty() {
        return service.template;
    }
    let older = Template {
        image: task.image.clone(),
        fate: Fate::Runs,
        ..current.clone()
    };
    let hash = mix(0, &["template of an image", &task.image]);
    service.templates.insert(hash, older);
    hash
}

/// A real program that has ended by itself is one that does.
fn ended(task: &Task, images: Images, template: Option<&mut Template>) {
    let Some(template) = template.filter(|template| images == Images::Unknown && template.fate == Fate::Runs)
    else {
        return;
    };
    template.fate = match task.state {
        TaskState::Complete => Fate::Completes { after: SOON },
        TaskState::Failed | TaskState::Rejected => Fate::Crashes { after: SOON },
        _ => return,
    };
}

fn task_of(task: &Task, template: u64) -> TaskFacts {
    let on_its_way = task.state < TaskState::Running;
    let at = if on_its_way { BEGIN } else { 0 };
    TaskFacts {
        number: 1,
        template,
        node: task.node_id.clone().filter(|_| task.state != TaskState::Pending),
        created: at,
        image_at: at,
        running: if on_its_way { BEGIN + SOON } else { 0 },
        ended: None,
        orphan: false,
    }
}

/// A task that has no node yet.
fn waiting(template: u64) -> TaskFacts {
    TaskFacts {
        number: 1,
        template,
        node: None,
        created: BEGIN,
        image_at: BEGIN,
        running: BEGIN,
        ended: None,
        orphan: false,
    }
}

/// How often an engine has joined a swarm, as its node's id tells on the simulator.
pub(super) fn joins(seed: u64, swarm: &str, instance: &str, node: &str) -> u32 {
    let id = |joins: &u32| swarm_id(seed, &["node", swarm, instance, &joins.to_string()]);
    (0..JOINS).find(|joins| id(joins) == node).unwrap_or(0) + 1
}

/// A swarm of which no manager is left.
pub(super) fn lost(id: &str) -> SwarmFacts {
    Model::new_swarm(id.to_owned(), Vec::new(), 24, BTreeMap::new())
}

/// A worker of a swarm of which no manager is left.
pub(super) fn lost_node(instance: &InstanceFacts) -> NodeFacts {
    NodeFacts {
        instance: instance.id.clone(),
        up_from: instance.up_from,
        engine: instance
            .engine
            .as_ref()
            .map_or_else(String::new, |engine| engine.version.clone()),
        ..lost_node_at(&instance.private_ip.to_string())
    }
}

/// Such a node at an address, of no machine.
pub(super) fn lost_node_at(addr: &str) -> NodeFacts {
    NodeFacts {
        instance: String::new(),
        hostname: String::new(),
        addr: addr.to_owned(),
        role: Role::Worker,
        availability: Availability::Active,
        labels: BTreeMap::new(),
        ready: 0,
        raft_from: None,
        raft_until: None,
        up_from: None,
        lost_at: 0,
        certified: 0,
        expired: false,
        given_up: false,
        left: false,
        seen: true,
        engine: String::new(),
        capacity: (0, 0),
        bridges: Vec::new(),
        volumes: Default::default(),
        images: Default::default(),
    }
}

/// What goes on by itself in a swarm: elections and updates.
pub(super) fn under_way(swarm: &SwarmFacts) -> Vec<(Ms, Event)> {
    let mut due = Vec::new();
    if swarm.leader(BEGIN).is_none() && !swarm.raft.is_empty() {
        due.push((
            BEGIN + SOON,
            Event::Elect {
                swarm: swarm.id.clone(),
            },
        ));
    }
    for (name, service) in &swarm.services {
        if service.update.as_ref().is_some_and(UpdateFacts::under_way) {
            let event = Event::Rollout {
                swarm: swarm.id.clone(),
                service: name.clone(),
                epoch: service.epoch,
            };
            due.push((BEGIN, event));
        }
    }
    due
}
