//! A cluster and everything a command does with it: load, plan, settle, apply, recover.
//!
//! The only place where the pure planner, the run and the store meet. Commands call it and
//! render what it gives; it never prints.

mod apply;
mod error;
mod knowledge;
mod prepare;
mod recover;
mod status;

pub use apply::Ran;
pub use error::SessionError;
pub use knowledge::{Knowledge, Unfinished};
pub use recover::Settled;
pub use status::{NodeStatus, ServiceStatus, Status};

use subako_state::Store;

use crate::kind::Registry;
use crate::manifest::Manifest;
use crate::world::World;

/// A cluster: its manifest, where its state is kept, and the world it is in.
pub struct Session {
    manifest: Manifest,
    provider: &'static str,
    store: Store,
    registry: Registry,
    world: World,
}

impl Session {
    /// A session on one cluster. `provider` is `aws` or `sim`.
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
            world,
        }
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where the state is kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }
}
