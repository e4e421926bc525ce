//! The worst that is seen of a swarm while a change is played: voters, tasks, ports.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use subako_world::{PortSeen, ServiceSeen};

use super::model::{Model, ServiceFacts, SwarmFacts};
use super::names::Ms;

/// A published port, with its protocol.
type Port = (u16, String);

/// What is seen of the swarm that is there at the beginning.
#[derive(Debug, Default)]
pub(crate) struct Lows {
    swarm: String,
    /// Managers that answered, and those that voted, when fewest could still fail.
    quorum: Option<(usize, usize)>,
    /// Tasks that ran at first, and the fewest, by service.
    services: BTreeMap<String, (u64, u64)>,
    ports: BTreeMap<Port, Away>,
    /// When it was looked at last.
    looked: Ms,
    /// What the board counted then.
    counted: (u64, u64),
    /// By service: what the board counted of it, and from when some task of it answers.
    cached: HashMap<String, (u64, Option<Ms>)>,
}

/// How long nobody was there to answer on a port.
#[derive(Debug, Default)]
struct Away {
    total: Ms,
    /// Whether nobody has been there since the last look, and when somebody will be.
    now: Option<Option<Ms>>,
}

/// When somebody answers on a port, as of now.
enum Answer {
    Now,
    From(Ms),
    Never,
}

impl Lows {
    /// What there is to see in a world; `None` where it has no swarm.
    pub fn of(model: &Model, t: Ms) -> Option<Self> {
        let swarm = model.swarms.values().find(|swarm| model.lives(t, swarm))?;
        let running = |service: &ServiceFacts| swarm.running(service, t);
        let mut lows = Self {
            swarm: swarm.id.clone(),
            services: swarm
                .services
                .iter()
                .map(|(name, service)| (name.clone(), (running(service), running(service))))
                .collect(),
            looked: t,
            ..Self::default()
        };
        lows.see_tasks(swarm, t);
        lows.counted = (swarm.board.stirs, swarm.board.machines);
        for (port, answer) in answers(swarm, t, &lows.cached) {
            if matches!(answer, Answer::Now) {
                lows.ports.insert(port, Away::default());
            }
        }
        lows.quorum = Some(fewest(swarm, t));
        Some(lows)
    }

    /// Takes a moment into account.
    pub fn see(&mut self, model: &Model, t: Ms) {
        let Some(swarm) = model.swarms.get(&self.swarm) else {
            return;
        };
        let (alive, voters) = fewest(swarm, t);
        // Once nobody votes, the swarm is gone rather than without a majority.
        if voters > 0
            && self
                .quorum
                .is_none_or(|least| tolerance(alive, voters) < tolerance(least.0, least.1))
        {
            self.quorum = Some((alive, voters));
        }
        let counted = (swarm.board.stirs, swarm.board.machines);
        if counted != self.counted {
            self.see_tasks(swarm, t);
            self.counted = counted;
        }
        if !self.ports.is_empty() {
            self.see_ports(&answers(swarm, t, &self.cached), t);
        }
        self.looked = t;
    }

    /// Looks again at services whose tasks, or any machines, have changed.
    fn see_tasks(&mut self, swarm: &SwarmFacts, t: Ms) {
        for (name, (_, least)) in &mut self.services {
            if !swarm.services.contains_key(name) {
                *least = 0;
            }
        }
        let machines = swarm.board.machines != self.counted.1;
        for (name, service) in &swarm.services {
            let stirred = swarm.board.stirred.get(name).copied().unwrap_or(0);
            let known = self.cached.get(name).map(|(known, _)| *known);
            if !machines && known == Some(stirred) {
                continue;
            }
            if let Some((_, least)) = self.services.get_mut(name) {
                *least = swarm.running(service, t).min(*least);
            }
            if !service.spec.ports.is_empty() {
                let answers = swarm.answers_from(service, t);
                self.cached.insert(name.clone(), (stirred, answers));
            } else {
                self.cached.insert(name.clone(), (stirred, None));
            }
        }
    }

    fn see_ports(&mut self, answers: &BTreeMap<Port, Answer>, t: Ms) {
        for (port, away) in &mut self.ports {
            away.pass(self.looked, t);
            away.now = match answers.get(port) {
                Some(Answer::Now) => None,
                Some(Answer::From(at)) => Some(Some(*at)),
                Some(Answer::Never) | None => Some(None),
            };
        }
    }

    /// What was seen of what is still there in the end.
    pub fn end(mut self, model: &Model, t: Ms) -> Option<(Ended, Vec<ServiceSeen>, Vec<PortSeen>)> {
        self.see(model, t);
        let swarm = model
            .swarms
            .get(&self.swarm)
            .filter(|swarm| model.lives(t, swarm))?;
        let services = self.services.into_iter().filter_map(|(name, (before, least))| {
            let service = swarm.services.get(&name)?;
            let wanted = swarm.wanted(service);
            Some(ServiceSeen {
                name,
                before,
                least,
                wanted,
            })
        });
        let last = answers(swarm, t, &self.cached);
        let ports = self.ports.into_iter().filter(|(port, _)| last.contains_key(port));
        let ports = ports.map(|((port, protocol), away)| PortSeen {
            port,
            protocol,
            away: Duration::from_millis(away.total),
        });
        Some((self.quorum, services.collect(), ports.collect()))
    }
}

/// The quorum at its lowest.
type Ended = Option<(usize, usize)>;

impl Away {
    /// Time passes between two looks.
    fn pass(&mut self, from: Ms, to: Ms) {
        if let Some(until) = self.now {
            let until = until.map_or(to, |until| until.clamp(from, to));
            self.total += until - from;
        }
    }
}

/// Managers that answer, and those that vote.
fn fewest(swarm: &SwarmFacts, t: Ms) -> (usize, usize) {
    let (voters, alive) = swarm.quorum(t);
    (alive, voters)
}

/// How many more may fail, and the share that answers: the less the worse.
fn tolerance(alive: usize, voters: usize) -> (i64, i64) {
    let more = alive as i64 - (voters as i64 / 2 + 1);
    (more, alive as i64)
}

/// Who answers on the published ports of a swarm.
fn answers(swarm: &SwarmFacts, t: Ms, cached: &HashMap<String, (u64, Option<Ms>)>) -> BTreeMap<Port, Answer> {
    let mut all: BTreeMap<Port, Answer> = BTreeMap::new();
    for service in swarm
        .services
        .values()
        .filter(|service| !service.spec.ports.is_empty())
    {
        let from = cached.get(&service.spec.name).and_then(|(_, from)| *from);
        for port in service.spec.ports.iter().filter(|port| port.published != 0) {
            let answer = all
                .entry((port.published, port.protocol.clone()))
                .or_insert(Answer::Never);
            *answer = match (from, &*answer) {
                (_, Answer::Now) => Answer::Now,
                (Some(at), _) if at <= t => Answer::Now,
                (Some(at), Answer::From(other)) => Answer::From(at.min(*other)),
                (Some(at), Answer::Never) => Answer::From(at),
                (None, Answer::From(other)) => Answer::From(*other),
                (None, Answer::Never) => Answer::Never,
            };
        }
    }
    all
}

impl SwarmFacts {
    /// Tasks of a service that run, whichever version they are of.
    fn running(&self, service: &ServiceFacts, t: Ms) -> u64 {
        let tasks = service.slots.values().flatten();
        tasks
            .filter(|task| self.serves_from(service, task).is_some_and(|from| from <= t))
            .filter(|task| task.ended.is_none_or(|ended| t < ended))
            .count() as u64
    }

    /// The tasks wanted of a service.
    fn wanted(&self, service: &ServiceFacts) -> u64 {
        service.replicas().unwrap_or_else(|| {
            let slots = service.slots.keys();
            slots.filter(|slot| service.current(slot).is_some()).count() as u64
        })
    }

    /// From when some task of a service answers.
    fn answers_from(&self, service: &ServiceFacts, t: Ms) -> Option<Ms> {
        let tasks = service.slots.values().flatten();
        tasks
            .filter(|task| task.ended.is_none_or(|ended| t < ended))
            .filter_map(|task| self.serves_from(service, task))
            .min()
    }

    /// From when a task runs and its node answers; `None` for one that ends by itself.
    fn serves_from(&self, service: &ServiceFacts, task: &super::model::TaskFacts) -> Option<Ms> {
        let node = self.nodes.get(task.node.as_ref()?).filter(|node| !node.left)?;
        let template = service.templates.get(&task.template)?;
        let stays = task.ends_after(&template.fate).is_none();
        stays.then_some(task.running.max(node.up_from?).max(node.ready))
    }
}
