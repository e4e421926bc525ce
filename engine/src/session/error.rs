//! Why a session cannot go on.

use subako_state::{AccountId, Address, StateError};

use crate::lower::LowerError;
use crate::plan::PlanError;
use crate::run::Impossible;
use crate::world::Failure;

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
    /// It cannot be found out what an interrupted run did.
    #[error("it cannot be found out what the interrupted run did to {}", list(.0))]
    Unsettled(Vec<Address>),
    /// There is no unfinished run.
    #[error("there is no unfinished run to recover")]
    NothingToRecover,
    /// The unfinished run cannot be undone.
    #[error("the unfinished run has crossed the line of no return: {} cannot be brought back", list(.0))]
    PastTheLine(Vec<Address>),
}

fn list(addresses: &[Address]) -> String {
    let names: Vec<&str> = addresses.iter().map(Address::as_str).collect();
    names.join(", ")
}
