//! A cluster and everything a command does with it: one file a verb.
//!
//! The only place where the pure planner, the run, the store and the world meet. Commands call a
//! verb and render what it gives; nothing here prints or asks. A verb that changes something and
//! has to be agreed to comes in two parts: the first reads and says what would be done, the
//! second does it.
//!
//! * `knowledge`: what the store says; `show`, `history`, `compare`, `verify`, `endpoints`: looks at it;
//! * `change`: draft and carry out, over `prepare` (up to the plan), `rehearse`, `apply` and `recover`;
//! * `aftermath`: whether the world is as before once a run is undone;
//! * `park`, `rebalance`, `quorum`: every machine stopped, and started again; tasks spread evenly again; a
//!   swarm that has lost its quorum re-formed;
//! * `saved_plan`: a plan in a file, between the two; `expect`: the plan that was approved; `guards`: what is not to happen;
//! * `status`, `graph`: the live cluster, the wanted one; `drift`: what differs between state and world;
//! * `forget`, `rename`, `rebuild`, `restore`: repairs of the state;
//! * `connection`: how the cluster is reached, recorded; `lock`: who may write.

mod aftermath;
mod apply;
mod bastion;
mod change;
mod compare;
mod connection;
mod contents;
mod drift;
mod endpoints;
mod error;
mod expect;
mod forget;
mod graph;
mod guards;
mod history;
mod knowledge;
mod lock;
mod moves;
mod park;
mod permissions;
mod prepare;
mod quorum;
mod reach;
mod rebalance;
mod rebuild;
mod recover;
mod rehearse;
mod rename;
mod restore;
mod saved_plan;
mod settings;
mod show;
mod status;
#[cfg(test)]
mod store_tests;
mod verify;

pub use crate::kind::Rollout;
pub use apply::RunReport;
pub use change::Change;
pub use compare::{At, Comparison, Side};
pub use connection::recorded_connection;
pub use drift::{DriftVerdict, Drifted, Unread, Waiting};
pub use endpoints::{Endpoint, endpoints};
pub use error::{NoContent, SessionError, list};
pub use expect::{Component, ExpectError, expect};
pub use forget::Forgetting;
pub use guards::{Guards, UnknownCheck};
pub use history::{History, HistoryEntry, HistoryRun};
pub use knowledge::{Knowledge, Unfinished};
pub use lock::LockView;
pub use park::{ParkedSince, SURE_TO_REJOIN};
pub use permissions::{Permissions, planned_calls, step_calls};
pub use rebuild::Rebuilding;
pub use recover::Settled;
pub use rehearse::Rehearsing;
pub use rename::{RenameError, Renamed, rename_in_the_state, rename_in_the_world};
pub use saved_plan::{Moved, SavedPlan, SavedPlanError};
pub use show::Recorded;
pub use status::{Health, NodeStatus, ServiceStatus, Skew, Status, StrayStatus};
pub use verify::{Problem, Verified};

use std::sync::Arc;

use subako_state::{StateError, Store};

use crate::check::{Check, CheckError, Checks};
use crate::display::Display;
use crate::kind::Registry;
use crate::kinds;
use crate::manifest::{Connection, Manifest};
use crate::world::World;

/// A cluster: its manifest, where its state is kept, and the world it is in.
pub struct Session<W = World> {
    manifest: Manifest,
    provider: &'static str,
    store: Store,
    registry: Registry,
    checks: Checks,
    rehearsing: Rehearsing,
    /// What is recorded of how the cluster is reached, by runs that change something.
    connection: Option<Connection>,
    world: W,
}

/// Stands in place of the world where a verb needs the store alone.
#[derive(Debug, Clone, Copy)]
pub struct Offline;

impl<W> Session<W> {
    /// How its kinds are shown.
    pub fn display(&self) -> Display {
        Display::of(&self.registry)
    }

    /// Adds a check that its plans go through. Fails if there is one with its id.
    pub fn with_check(mut self, check: Arc<dyn Check>) -> Result<Self, CheckError> {
        self.checks.register(check)?;
        Ok(self)
    }
}

impl Session<Offline> {
    /// A session that knows the manifest and the store. `provider` is `aws` or `sim`.
    pub fn offline(manifest: Manifest, provider: &'static str, store: Store) -> Self {
        Self {
            manifest,
            provider,
            store,
            registry: kinds::registry(),
            checks: Checks::default(),
            rehearsing: Rehearsing::default(),
            connection: None,
            world: Offline,
        }
    }

    /// The same session, whose runs record how the cluster is reached.
    #[must_use]
    pub fn recording(self, connection: Connection) -> Self {
        let connection = Some(connection);
        Self { connection, ..self }
    }

    /// The same session in its world. Where contents of secrets are at hand, their key is made if
    /// there is none yet, so that an apply names the secrets as the plan before it did. A bastion is held
    /// to the key that is pinned for it.
    pub fn online(self, mut world: World) -> Result<Session, StateError> {
        let mut manifest = self.manifest;
        if manifest.secrets.iter().any(|secret| secret.content.is_some()) {
            manifest.seal(&self.store.seal_key()?);
        }
        world.vault = manifest.vault();
        if let Some(address) = world.hosts.bastion()
            && let Some(key) = self.store.bastion_key(&address)?
        {
            world.hosts.expect_bastion(&key);
        }
        Ok(Session {
            manifest,
            provider: self.provider,
            store: self.store,
            registry: self.registry,
            checks: self.checks,
            rehearsing: self.rehearsing,
            connection: self.connection,
            world,
        })
    }
}

impl Session {
    /// A session with kinds of one's own.
    pub fn new(
        manifest: Manifest,
        provider: &'static str,
        store: Store,
        registry: Registry,
        world: World,
    ) -> Self {
        Self {
            manifest,
            provider,
            store,
            registry,
            checks: Checks::default(),
            rehearsing: Rehearsing::default(),
            connection: None,
            world,
        }
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }
}

impl<W> Session<W> {
    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where the state is kept.
    pub fn store(&self) -> &Store {
        &self.store
    }
}
