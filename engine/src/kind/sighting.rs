//! What a refresh looks for, and what it finds.

use subako_state::{Address, Json};

use super::Unconverged;

/// What a refresh found of a recorded or wanted resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// As recorded.
    AsRecorded,
    /// There, but not as recorded; or there although nothing is recorded.
    There {
        /// What it is now, in the form of a spec: what cannot be read, or is not managed, as recorded or wanted.
        spec: Json,
        /// What it answers now.
        outputs: Json,
        /// Its generation, where its tags tell.
        generation: u32,
        /// How far it has come, where it has not converged.
        unconverged: Option<Unconverged>,
        /// All of it, where it has more than `spec` says because nobody manages that: what a
        /// rollback gives back of one that was deleted.
        whole: Option<Json>,
    },
    /// Something of that name that Subako did not make: what it is, for people.
    Foreign(String),
    /// Not there.
    Absent,
    /// It cannot be read now, and why; planned as recorded, with a warning.
    Unreadable(String),
}

impl Sighting {
    /// How far it has come, where it has not converged.
    pub fn unconverged(&self) -> Option<Unconverged> {
        match self {
            Self::There { unconverged, .. } => *unconverged,
            _ => None,
        }
    }

    /// All of it, where it has more than its spec says.
    pub fn whole(&self) -> Option<&Json> {
        match self {
            Self::There { whole, .. } => whole.as_ref(),
            _ => None,
        }
    }
}

/// A recorded or wanted resource for a refresh to look at.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its address.
    pub address: Address,
    /// Its recorded spec, else the wanted one.
    pub spec: Json,
    /// The wanted spec, if it is recorded and wanted.
    pub wanted: Option<Json>,
    /// Its recorded outputs; `None` if nothing is recorded.
    pub outputs: Option<Json>,
    /// Whether it waits to be deleted while another has its address.
    pub deposed: bool,
    /// Its recorded generation, else 0.
    pub generation: u32,
}
