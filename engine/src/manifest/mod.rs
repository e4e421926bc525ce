//! TOML with spans → a checked, typed manifest.

mod model;

pub use model::{
    Aws, Cluster, KeyPair, Manifest, Pool, Provider, SecurityGroup, Service, Sim, SimFault, SimFaultKind,
    SimTime, Ssh, SwarmSettings,
};
