//! The simulator as the program holds it.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;

use subako_world::{Scene, World};

use super::cloud::SimCloud;
use super::faults::Faults;
use super::hosts::SimHosts;
use super::inner::Inner;
use super::model::{Model, Place, usual_zones};
use super::options::{FaultRule, Login, Pace, SimError, SimOptions};
use super::store::Store;
use super::watch::{KillAt, Moment, ProgramRun, moment};

/// How many times faster than real the world runs under [`Pace::Fast`].
const FAST: u32 = 25;

/// A simulated world, open. Clones share it.
#[derive(Clone)]
pub struct Simulator {
    pub(crate) inner: Arc<Inner>,
}

impl Simulator {
    /// Opens a world, reading its files if it has any; nothing is written before the first
    /// change. Fails when a file is unreadable or the fault table names an unknown call. Under
    /// [`Pace::Instant`] the caller has paused tokio's clock.
    pub fn open(options: SimOptions) -> std::result::Result<Self, SimError> {
        let zones = if options.zones.is_empty() {
            usual_zones(&options.region)
        } else {
            options.zones
        };
        let place = Place {
            seed: options.seed,
            region: options.region,
            zones,
            vpc: options.vpc,
            subnets: options.subnets,
            pinned: options.pinned,
            known: None,
        };
        let faults = Faults::new(&options.faults)?;
        let (store, model) = Store::open(options.world_file, place.clone())?;
        let scale = match options.time {
            Pace::Fast => FAST,
            Pace::Instant | Pace::Real => 1,
        };
        let inner = Inner::new(place, options.login, scale, (store, model), faults);
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// A world in memory that is as another was read; what had to be assumed of it is added to
    /// `assumed`. The caller has paused tokio's clock.
    pub(super) fn staged(
        scene: &Scene,
        seed: u64,
        login: Login,
        catalog: bool,
        assumed: &mut Vec<String>,
    ) -> Self {
        let model = Model::staged(scene, seed, catalog, assumed);
        let engines = scene.engines.iter();
        let host_keys = engines
            .filter_map(|(id, engine)| Some((id.clone(), engine.host_key.clone()?)))
            .collect();
        Self {
            inner: Arc::new(Inner::staged(model, login, host_keys)),
        }
    }

    /// The world behind the seams.
    pub fn world(&self) -> World {
        World {
            cloud: Arc::new(SimCloud(Arc::clone(&self.inner))),
            hosts: Arc::new(SimHosts(Arc::clone(&self.inner))),
            clock: Arc::new(self.inner.clock.clone()),
            vault: Default::default(),
        }
    }

    /// Writes the world as one file and removes the log, if this process changed anything.
    /// After a change from outside a minute passes first, so that its consequences can be seen.
    pub fn close(&self) -> std::result::Result<(), SimError> {
        self.inner.close()
    }

    /// Calls made through the seams, by name, those that only read included.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.inner.lock().faults.calls()
    }

    /// The whole world as it can be seen, in one comparable document: without what has ended,
    /// and without times.
    pub fn dump(&self) -> serde_json::Value {
        let (value, _) = self.inner.look(|model, t| (model.dump(t), ()));
        value
    }

    /// Calls `watcher` with the living swarms after every change, those that come by themselves
    /// included, until another one is set.
    pub fn watch(&self, watcher: impl Fn(&Moment) + Send + Sync + 'static) {
        self.inner.lock().watcher = Some(Arc::new(watcher));
    }

    /// Sets no watcher any more.
    pub fn unwatch(&self) {
        self.inner.lock().watcher = None;
    }

    /// The living swarms now.
    pub fn moment(&self) -> Moment {
        self.inner.look(moment)
    }

    /// Another run of the program begins, with its own fault table and count of calls. With
    /// `kill` none of its calls goes on after that point; [`Self::killed`] says when that is.
    /// Fails when the fault table names an unknown call.
    pub fn begin_run(&self, faults: &[FaultRule], kill: Option<KillAt>) -> Result<(), SimError> {
        let faults = Faults::new(faults)?;
        let mut state = self.inner.lock();
        state.faults = faults;
        state.run = ProgramRun::begin(kill);
        Ok(())
    }

    /// Kills the run under way, wherever it is: none of its calls goes on.
    pub fn kill_run(&self) {
        self.inner.lock().run.die();
    }

    /// Returns when the run under way has been killed; never, if that does not happen.
    pub async fn killed(&self) {
        let told = self.inner.lock().run.told();
        match told {
            // The run is replaced, not dropped, while somebody waits; a new one is another's.
            Some(mut told) => match told.wait_for(|dead| *dead).await {
                Ok(_) => {}
                Err(_) => pending().await,
            },
            None => pending().await,
        }
    }

    /// How many calls the run under way has made.
    pub fn calls_made(&self) -> u64 {
        self.inner.lock().run.calls()
    }
}
