//! Why a session cannot go on.

use subako_state::{AccountId, Address, StateError};

use super::RenameError;

use crate::lower::LowerError;
use crate::manifest::BadConnection;
use crate::plan::PlanError;
use crate::run::Impossible;
use crate::world::Failure;

/// A secret or config that is to be created, and whose content is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoContent {
    /// The secret.
    pub address: Address,
    /// Why it is not there, for people.
    pub why: String,
}

/// Why a session cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// What is kept cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The world did not answer as it should, before anything was changed.
    #[error(transparent)]
    World(#[from] Failure),
    /// The manifest cannot be lowered.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// There is no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The journal contradicts itself.
    #[error(transparent)]
    Journal(#[from] Impossible),
    /// The journal does not begin with a plan that can be read.
    #[error("the journal of the unfinished run cannot be read: {0}")]
    JournalPlan(String),
    /// The state is of another account or region.
    #[error("the state is of account {} in {}, but these credentials are of account {} in {}", .recorded.id, .recorded.region, .found.id, .found.region)]
    WrongAccount {
        /// Where the cluster lives.
        recorded: AccountId,
        /// Where the credentials lead.
        found: AccountId,
    },
    /// The manifest is of another account.
    #[error("the manifest is of account {wanted}, but these credentials are of account {found}")]
    PinnedAccount {
        /// `account` under `[aws]`.
        wanted: String,
        /// Where the credentials lead.
        found: String,
    },
    /// The state is of another cluster.
    #[error(
        "the state is of the cluster `{recorded}` on {recorded_provider}, not of `{wanted}` on {wanted_provider}"
    )]
    WrongCluster {
        /// The cluster in the state.
        recorded: String,
        /// Its provider.
        recorded_provider: String,
        /// The cluster in the manifest.
        wanted: String,
        /// Its provider.
        wanted_provider: String,
    },
    /// A secret or config is to be created whose content is not there.
    #[error("{} cannot be created without its content: {}", .0.address, .0.why)]
    NoContent(Box<NoContent>),
    /// What is recorded of how the cluster is reached cannot be used.
    #[error("failed to use {place}: {why}")]
    Connection {
        /// Where it is.
        place: String,
        /// Why not.
        why: BadConnection,
    },
    /// A machine cannot have that name.
    #[error(transparent)]
    Rename(#[from] RenameError),
    /// Nothing was ever applied.
    #[error("nothing is known of {cluster} on {provider}: it was never applied")]
    NeverApplied {
        /// The cluster.
        cluster: String,
        /// `aws` or `sim`.
        provider: &'static str,
    },
    /// An address or pattern that names nothing in the state.
    #[error("`{0}` is not in the state")]
    Unknown(String),
    /// An address that answers nowhere.
    #[error("`{0}` has no endpoint")]
    NoEndpoint(String),
    /// A serial that the history does not have.
    #[error("the history has no serial {0}")]
    UnknownSerial(u64),
    /// The state may not be edited while a run is unfinished.
    #[error("an earlier run did not end, so that the state does not say what the actual state is")]
    Unfinished {
        /// Whether everything that it may have done can be undone.
        can_go_back: bool,
    },
    /// Nothing carries the cluster's tags.
    #[error("nothing in the world carries the tags of {0}: there is nothing to rebuild the state from")]
    NothingToRebuild(String),
    /// It failed after a part of the change had been made, or may have been.
    #[error(transparent)]
    Late(Box<SessionError>),
    /// Its machines are stopped because somebody asked for that.
    #[error("{cluster} is parked: its {machines} are stopped on request, and nothing else is planned while they are", machines = counted(*.machines))]
    Parked {
        /// The cluster.
        cluster: String,
        /// How many machines it has.
        machines: usize,
    },
    /// A swarm whose managers agree is not re-formed.
    #[error(
        "the swarm of {cluster} has its quorum ({alive} of {of} managers are alive): there is nothing to recover"
    )]
    QuorumHeld {
        /// The cluster.
        cluster: String,
        /// Managers that are alive.
        alive: usize,
        /// Managers in all.
        of: usize,
    },
    /// Nobody can tell whether enough managers are left.
    #[error("cannot tell whether the swarm of {cluster} has lost its quorum{}: nothing was changed", in_brackets(.unknown))]
    QuorumUnknown {
        /// The cluster.
        cluster: String,
        /// The managers that may be alive, each with what is known of it.
        unknown: Vec<String>,
    },
    /// No manager of the swarm is left.
    #[error("no manager of {cluster} is alive: there is none to re-form the swarm from")]
    NoManagerLeft {
        /// The cluster.
        cluster: String,
    },
    /// There is no unfinished run.
    #[error("there is no unfinished run to recover")]
    NothingToRecover,
    /// The unfinished run cannot be undone.
    #[error("the unfinished run has crossed the line of no return: {} cannot be brought back", list(.0))]
    PastTheLine(Vec<Address>),
}

impl SessionError {
    /// The same failure, after a part of the change was made.
    #[must_use]
    pub fn late(self) -> Self {
        match self {
            Self::Late(_) => self,
            other => Self::Late(Box::new(other)),
        }
    }
}

/// ` (mgr-0 cannot be reached from here, mgr-1 is starting)`; nothing where it is nobody.
fn in_brackets(managers: &[String]) -> String {
    match managers {
        [] => String::new(),
        some => format!(" ({})", some.join(", ")),
    }
}

/// `1 machine`, `5 machines`.
fn counted(machines: usize) -> String {
    match machines {
        1 => "1 machine".to_owned(),
        several => format!("{several} machines"),
    }
}

/// Longer lists are cut.
const LISTED: usize = 12;

/// Some addresses, and how many they are.
pub fn list(addresses: &[Address]) -> String {
    let names: Vec<&str> = addresses.iter().take(LISTED).map(Address::as_str).collect();
    let mut out = names.join(", ");
    if let Some(more) = addresses.len().checked_sub(LISTED).filter(|more| *more > 0) {
        out.push_str(&format!(" and {more} more"));
    }
    if addresses.len() > 1 {
        out.push_str(&format!(" ({} in all)", addresses.len()));
    }
    out
}
