//! The manifest as written, section by section: every key, its type and its documentation.
//!
//! Nothing is required to be consistent here; [`super::check`] sees to that. The same
//! declarations make the JSON Schema, so that an editor says what this says.

mod aws;
mod checks;
mod cluster;
mod docker;
mod document;
mod files;
mod key_pair;
mod moved;
mod network;
mod pool;
mod prices;
mod registry;
mod security_group;
mod service;
mod service_order;
mod service_ports;
mod service_runtime;
mod service_update;
mod sim;
mod ssh;
mod state;
mod swarm;
mod variable;

pub use aws::Aws;
pub use checks::CheckSetting;
pub use cluster::Cluster;
pub use docker::{Docker, LogDriver};
pub use document::Document;
pub use files::{ConfigSource, FileUseTable, SecretSource};
pub use key_pair::KeyPair;
pub use moved::Moved;
pub use network::Network;
pub use pool::Pool;
pub use prices::Prices;
pub use registry::Registry;
pub use security_group::{From, Ingress, SecurityGroup};
pub use service::{Deployment, EndpointMode, Service};
pub use service_order::DependsOn;
pub use service_ports::{FileUse, Mount, MountTable, Networks, Published, PublishedTable};
pub use service_runtime::{HealthCheck, Resources, RestartPolicy};
pub use service_update::{RollbackConfig, UpdateConfig};
pub use sim::{Fault, Sim, Timeout};
pub use ssh::{Ssh, Via};
pub use state::{BackendName, State};
pub use swarm::Swarm;
pub use variable::{Variable, VariableType};
