//! How a simulated world is opened, and what can go wrong with its files.

use std::path::PathBuf;

/// How the simulator's time runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// Virtual: nothing waits.
    Instant,
    /// So fast that the example cluster is up in a few seconds.
    #[default]
    Fast,
    /// As on EC2.
    Real,
}

/// What an injected fault does to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultEffect {
    /// The call fails with this code and changes nothing.
    Error(String),
    /// The call times out and changed nothing.
    TimeoutBeforeEffect,
    /// The call times out and took effect.
    TimeoutAfterEffect,
}

/// One line of the fault table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    /// The call, for example `run_instance`; `*` for any call that changes something.
    pub call: String,
    /// Which call of that name in one run of the program, from 1.
    pub nth: u32,
    /// For how many calls in a row.
    pub times: u32,
    /// What happens.
    pub effect: FaultEffect,
}

/// How the caller logs in to machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login {
    /// The port that SSH listens on.
    pub port: u16,
    /// Whether machines are dialled by their private addresses: from inside, or through a bastion.
    pub private: bool,
    /// Whether there are logins to registries to hand on.
    pub registries: bool,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            port: 22,
            private: false,
            registries: false,
        }
    }
}

/// How to open a simulated world.
#[derive(Debug, Clone)]
pub struct SimOptions {
    /// Decides every duration, id and address.
    pub seed: u64,
    /// How time runs.
    pub time: Pace,
    /// Faults to inject.
    pub faults: Vec<FaultRule>,
    /// The region that the caller works in.
    pub region: String,
    /// Its availability zones; empty for the usual three of the region.
    pub zones: Vec<String>,
    /// A VPC that the manifest names; the simulator takes its word that there is one.
    pub vpc: Option<String>,
    /// Subnets that the manifest names, one a zone in the order of the zones.
    pub subnets: Vec<String>,
    /// Private addresses that the manifest pins, in the order of the instances.
    pub pinned: Vec<std::net::Ipv4Addr>,
    /// How the caller logs in to machines.
    pub login: Login,
    /// Where the world lives between two runs; `None` keeps it in memory. Its log of changes
    /// stands beside it, with the extension `log`.
    pub world_file: Option<PathBuf>,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            time: Pace::default(),
            faults: Vec::new(),
            region: "ap-northeast-1".to_owned(),
            zones: Vec::new(),
            vpc: None,
            subnets: Vec::new(),
            pinned: Vec::new(),
            login: Login::default(),
            world_file: None,
        }
    }
}

/// Why a simulated world could not be opened, changed from outside, or closed.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A file of the world could not be read.
    #[error("failed to read the simulated world in {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the world could not be written.
    #[error("failed to write the simulated world to {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the world is not what the simulator writes.
    #[error("failed to read the simulated world in {}, line {line}: {what}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// The fault table names a call that does not exist.
    #[error("failed to read the fault table: there is no call `{call}`")]
    UnknownCall {
        /// The call as written.
        call: String,
    },
    /// A change from outside names something that the world does not have.
    #[error("failed to find {what} `{name}` in the simulated world")]
    NotFound {
        /// The kind of object.
        what: &'static str,
        /// Its name as given.
        name: String,
    },
    /// A change from outside is one that EC2 or Swarm would refuse.
    #[error("failed to {doing}: {message}")]
    Refused {
        /// What was tried.
        doing: String,
        /// Why it cannot be.
        message: String,
    },
}
