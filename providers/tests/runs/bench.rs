//! A simulated world and a store that outlive the sessions working on them.

use std::sync::Arc;
use std::time::Duration;

use subako_engine::check::Severity;
use subako_engine::event::{Event, Events};
use subako_engine::kinds::registry;
use subako_engine::manifest::Manifest;
use subako_engine::plan::{Plan, Selection};
use subako_engine::run::{ApplyOptions, Probe, Stop};
use subako_engine::session::{Change, RunReport, Session, SessionError};
use subako_engine::world::{HostTarget, Instance, InstanceState, Ownership, Role};
use subako_providers::sim::{FaultEffect, FaultRule, KillAt, Pace, SimOptions, Simulator};
use subako_state::{Direction, Outcome, Store};

use crate::manifest::{pool, sandbox, service};

/// What may be done after a kill.
pub const WAYS: [&str; 4] = ["apply", "back", "forward", "destroy"];

/// A cluster of so many managers and one worker, with a network and a service.
pub fn small(managers: u32) -> Manifest {
    Manifest {
        pools: vec![pool("mgr", Role::Manager, managers), pool("wrk", Role::Worker, 1)],
        services: vec![service("web", 2, 80)],
        ..sandbox()
    }
}

/// One fault: the `nth` call of that name, for so many `times`.
pub fn fault(call: &str, times: u32, effect: FaultEffect) -> FaultRule {
    FaultRule {
        call: call.into(),
        nth: 1,
        times,
        effect,
    }
}

pub fn replace(pattern: &str) -> Selection {
    Selection {
        replace: vec![pattern.into()],
        ..Selection::default()
    }
}

pub fn destroy() -> Selection {
    Selection {
        destroy: true,
        ..Selection::default()
    }
}

pub struct Bench {
    pub sim: Simulator,
    pub store: Store,
    pub manifest: Manifest,
}

/// Options of a run that stops dead after so many durable journal entries, if it has as many.
pub fn killed_after(entries: Option<u64>, stop: &Stop) -> ApplyOptions {
    let killer = stop.clone();
    ApplyOptions {
        probe: entries.map(|last| {
            Arc::new(move |entries| {
                if entries >= last {
                    killer.now();
                }
            }) as Probe
        }),
        ..ApplyOptions::default()
    }
}

impl Bench {
    pub fn new(manifest: Manifest, faults: Vec<FaultRule>) -> Self {
        let sim = Simulator::open(SimOptions {
            time: Pace::Instant,
            faults,
            ..SimOptions::default()
        });
        Self {
            sim: sim.expect("a world"),
            store: Store::in_memory(),
            manifest,
        }
    }

    /// In a world of its own, in which everything takes another while.
    pub fn in_world(manifest: Manifest, seed: u64) -> Self {
        let sim = Simulator::open(SimOptions {
            time: Pace::Instant,
            seed,
            ..SimOptions::default()
        });
        Self {
            sim: sim.expect("a world"),
            ..Self::new(manifest, vec![])
        }
    }

    /// What a new process would have.
    pub fn session(&self) -> Session {
        Session::new(
            self.manifest.clone(),
            "sim",
            self.store.clone(),
            registry(),
            self.sim.world(),
        )
    }

    pub async fn plan(&self, selection: &Selection) -> Plan {
        let session = self.session();
        let known = session.load().expect("a state");
        session.plan(&known, selection, true).await.expect("a plan")
    }

    /// What the next command drafts.
    pub async fn draft(&self, selection: &Selection) -> Result<Change, SessionError> {
        let session = self.session();
        let options = ApplyOptions::default();
        session.draft(session.load()?, selection, true, &options).await
    }

    pub async fn apply(&self, selection: &Selection) -> Result<RunReport, SessionError> {
        self.carry_out(selection, None, &Events::silent()).await
    }

    /// Applies, and does something as soon as a step, `action address`, is undone.
    pub async fn apply_and_once_undone(
        &self,
        selection: &Selection,
        step: &'static str,
        then: impl Fn(&Simulator) + Send + Sync + 'static,
    ) -> Result<RunReport, SessionError> {
        let sim = self.sim.clone();
        let events = Events::new(move |event| match event {
            Event::StepDone {
                action,
                address,
                undo: true,
                ..
            } if format!("{action} {address}") == step => then(&sim),
            _ => {}
        });
        self.carry_out(selection, None, &events).await
    }

    /// Applies, and stops dead after so many durable journal entries.
    pub async fn killed(&self, selection: &Selection, entries: u64) -> RunReport {
        self.carry_out(selection, Some(entries), &Events::silent())
            .await
            .expect("a run")
    }

    /// Applies, and stops dead after so many calls of the run; `None` if it makes fewer.
    pub async fn killed_at(&self, selection: &Selection, call: u64) -> Option<()> {
        self.sim
            .begin_run(&[], Some(KillAt::After(call)))
            .expect("no faults");
        let killed = tokio::select! {
            biased;
            () = self.sim.killed() => Some(()),
            ran = self.apply(selection) => {
                ran.expect("a run");
                None
            }
        };
        self.sim.begin_run(&[], None).expect("no faults");
        killed
    }

    async fn carry_out(
        &self,
        selection: &Selection,
        kill_after: Option<u64>,
        events: &Events,
    ) -> Result<RunReport, SessionError> {
        let change = self.draft(selection).await?;
        let refused: Vec<_> = (change.plan.findings.iter())
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        let steps = || {
            change
                .plan
                .steps
                .iter()
                .map(|step| format!("{} {} {}", step.action(), step.address, step.generation))
                .collect::<Vec<_>>()
        };
        assert!(refused.is_empty(), "{refused:#?} {:#?}", steps());
        let stop = Stop::new();
        let options = killed_after(kill_after, &stop);
        let session = self.session();
        session.carry_out(&change, &options, "apply", events, &stop).await
    }

    /// Goes on with an unfinished run; `None` if there is none.
    pub async fn recover(&self, direction: Direction) -> Result<Option<RunReport>, SessionError> {
        let (session, options) = (self.session(), ApplyOptions::default());
        let known = session.load()?;
        let Some(settled) = session.look_into(&known, &options).await? else {
            return Ok(None);
        };
        let (events, stop) = (Events::silent(), Stop::new());
        session
            .recover(&known, &settled, direction, &options, &events, &stop)
            .await
            .map(Some)
    }

    /// Applies until nothing is left to do, at most so many times.
    pub async fn converge(&self, times: usize, what: &str) {
        let mut last = None;
        for _ in 0..times {
            let ran = self.apply(&Selection::default()).await;
            let ran = ran.unwrap_or_else(|error| panic!("{what}: {error}"));
            let done = ran.outcome == Outcome::Applied;
            last = Some(ran);
            if done && self.plan(&Selection::default()).await.is_empty() {
                break;
            }
        }
        let last = last.expect("at least one time");
        assert_eq!(last.outcome, Outcome::Applied, "{what}: {:#?}", last.failures);
        self.assert_settled(what).await;
    }

    /// Goes on after a kill in one of `WAYS`: none refuses, and what it does not finish the next
    /// apply or destroy does.
    pub async fn go_on(&self, way: &str, what: &str) {
        let direction = match way {
            "back" => Some(Direction::Back),
            "forward" => Some(Direction::Forward),
            _ => None,
        };
        if let Some(direction) = direction {
            match self.recover(direction).await {
                Ok(_) | Err(SessionError::PastTheLine(_)) => {}
                Err(error) => panic!("{what}: {error}"),
            }
        }
        match way {
            "destroy" => self.assert_destroyed(what).await,
            _ => self.converge(1, what).await,
        }
    }

    /// Nothing is left to do, and every machine is there once.
    pub async fn assert_settled(&self, what: &str) {
        let plan = self.plan(&Selection::default()).await;
        assert!(plan.is_empty(), "{what}: {:#?}", plan.steps);
        assert!(plan.drift.is_empty(), "{what}: {:#?}", plan.drift);
        let wanted: u32 = self.manifest.pools.iter().map(|pool| pool.count).sum();
        assert_eq!(self.machines().await.len(), wanted as usize, "{what}");
        let nodes = self.nodes().await;
        let down = |node: &String| node.contains(" down ");
        assert!(
            nodes.len() == wanted as usize && !nodes.iter().any(down),
            "{what}: {nodes:?}"
        );
    }

    /// Destroys everything; nothing is left.
    pub async fn assert_destroyed(&self, what: &str) {
        let ran = self.apply(&destroy()).await;
        let ran = ran.unwrap_or_else(|error| panic!("{what}: destroy: {error}"));
        assert_eq!(
            ran.outcome,
            Outcome::Applied,
            "{what}: destroy: {:#?}",
            ran.failures
        );
        let residue = self.session().residue().await.expect("a residue");
        assert_eq!(residue, vec![], "{what}");
    }

    /// Until machines that were started have booted, and the swarm misses a node that is gone: three
    /// heartbeats of 5 s.
    pub async fn wait_a_minute(&self) {
        self.sim.world().clock.sleep(Duration::from_secs(60)).await;
    }

    /// Somebody tells an engine to leave its swarm.
    pub async fn leave(&self, name: &str) {
        let world = self.sim.world();
        let survey = world.cloud.survey(&self.manifest.cluster.name).await;
        let instances = survey.expect("a survey").instances;
        let own = |instance: &Instance| {
            let owner = Ownership::from_tags(&instance.tags);
            owner.is_some_and(|owner| owner.address == format!("instance.{name}"))
        };
        let instance = instances.into_iter().find(own).expect("it is there");
        let target = HostTarget {
            name: name.to_owned(),
            instance_id: instance.id,
            private_ip: instance.private_ip,
            public_ip: instance.public_ip,
            host_key: None,
            is_new: false,
        };
        let host = world.hosts.reach(&target).await.expect("it answers");
        host.swarm_leave(true).await.expect("it leaves");
    }

    /// `address generation` of each machine of the cluster that is not terminated.
    pub async fn machines(&self) -> Vec<String> {
        let cloud = self.sim.world().cloud;
        let survey = cloud.survey(&self.manifest.cluster.name).await.expect("a survey");
        let mut found: Vec<String> = survey
            .instances
            .iter()
            .filter(|instance| instance.state < InstanceState::ShuttingDown)
            .map(|instance| {
                let owner = Ownership::from_tags(&instance.tags).expect("ours");
                format!("{} {}", owner.address, owner.generation)
            })
            .collect();
        found.sort();
        found
    }

    /// The nodes of the swarm, `name role state`, as its managers see them.
    pub async fn nodes(&self) -> Vec<String> {
        let session = self.session();
        let known = session.load().expect("a state");
        let status = session.status(&known).await.expect("a status");
        let in_swarm = status.nodes.iter().filter(|node| node.role.is_some());
        in_swarm
            .map(|node| {
                let role = node.role.as_deref().unwrap_or_default();
                format!("{} {} {role}", node.name, node.health)
            })
            .collect()
    }
}
