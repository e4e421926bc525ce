//! TOML with spans → a checked, typed manifest.
//!
//! [`parse`] goes three steps: TOML's values with their places (the `toml` crate), the sections
//! as written (`raw`, decoded by `decode`, their texts by `formats`), the manifest as the engine
//! wants it (`check` → `model`). Every step notes mistakes and goes on, so that
//! [`ManifestErrors`] has all of them. The work is linear in the text: pools are not expanded,
//! and names are looked up, not searched for.

mod check;
mod connection;
mod decode;
mod error;
mod formats;
mod known;
mod lines;
mod model;
mod parse;
mod raw;
mod schema;
mod source;
mod source_text;
mod span;
mod starter;
mod state_url;
mod syntax;
mod variable_file;

#[cfg(test)]
mod tests;

pub use connection::{BadConnection, Connection};
pub(crate) use decode::nearest;
pub use error::{Code, ManifestError, ManifestErrors};
pub use lines::Lines;
pub use model::{
    Aws, Block, CheckSetting, Cluster, Docker, File, KeyPair, Manifest, Moved, Pool, Provider, PublicIp,
    SecurityGroup, Service, Sim, SimFault, SimFaultKind, SimTime, Ssh, StateBackend, StateBucket,
    SwarmSettings,
};
pub use parse::{Identity, identity, is_cluster_name, parse, parse_with, used};
pub use schema::schema;
pub use source::{Disk, Files, Source, Variables};
pub use starter::Starter;
pub use state_url::BadStateUrl;
pub use variable_file::{BadVariableFile, VariableFile};
