//! Why a step is made, where that is not plain from the manifest.

use std::fmt;

use serde::{Deserialize, Serialize};
use subako_state::Address;

use crate::kind::Unconverged;
use crate::spread::Skew;

/// Why a step is made. For people and for those who read plans: nothing is decided by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The object was deleted outside of Subako.
    Gone,
    /// The object carries the cluster's tags, and the state does not have it.
    Unrecorded,
    /// `--replace` asks for it.
    Requested,
    /// A field cannot be changed in place.
    Forced {
        /// The field's path.
        field: String,
        /// Why it cannot.
        why: String,
    },
    /// What it uses and what it used cannot be exchanged while it stays.
    CannotExchange,
    /// It and this exchange what only one can hold at a time: neither can take it in place.
    Exchanges(Address),
    /// The selection does not name it, but it changes together with this.
    TakenAlong {
        /// With what.
        with: Address,
        /// Why it changes, where that is not plain.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Box<Reason>>,
    },
    /// It is replaced whenever this is.
    ReplacedWith(Address),
    /// It uses this, the old one of which goes first.
    UsesOld(Address),
    /// The old half of a replacement goes before the new one.
    OldFirst(OldFirst),
    /// An earlier run replaced it and did not delete it.
    Deposed,
    /// It has not converged: so far it has come.
    Unconverged(Unconverged),
    /// It carries the cluster's tags, and neither the manifest nor the state has it.
    Stray,
    /// It carries the cluster's tags and an address that another object has.
    Twin,
    /// Its tasks are not spread evenly.
    Skewed(Skew),
    /// Too few of its managers are alive to agree on anything.
    QuorumLost {
        /// How many are.
        alive: usize,
        /// How many vote.
        of: usize,
    },
    /// The manifest no longer has it.
    Unwanted,
    /// Its host takes it with it.
    GoesWith(Address),
    /// As an older version wrote it.
    Text(String),
}

/// Why the old half of a replacement goes first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OldFirst {
    /// Two of it cannot exist at once: why.
    CannotCoexist(String),
    /// The old one of this, which it uses, goes first.
    Uses(Address),
    /// It and this exchange what only one can hold at a time.
    Exchanges(Address),
    /// New before old would make steps wait for each other.
    Circular,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("it is gone: deleted outside of Subako"),
            Self::Unrecorded => f.write_str("it carries this cluster's tags, but the state does not know it"),
            Self::Requested => f.write_str("asked for with --replace"),
            Self::Forced { field, why } => write!(f, "{field} {why}"),
            Self::CannotExchange => {
                f.write_str("what it uses and what it used cannot be exchanged around it")
            }
            Self::Exchanges(other) => write!(
                f,
                "it and {other} exchange what only one can hold at a time, so it is deleted first, and is down until {other} has changed"
            ),
            Self::TakenAlong { with, why } => {
                write!(f, "taken along because it changes together with {with}")?;
                why.iter().try_for_each(|why| write!(f, "; {why}"))
            }
            Self::ReplacedWith(address) => write!(f, "it is replaced together with {address}"),
            Self::UsesOld(address) => write!(f, "it uses {address}, whose old one has to go first"),
            Self::OldFirst(why) => write!(f, "the old one goes first: {why}"),
            Self::Deposed => f.write_str("an earlier run replaced it but did not delete it"),
            Self::Unconverged(unconverged) => unconverged.fmt(f),
            Self::Stray => {
                f.write_str("stray: carries this cluster's tags but is in neither the manifest nor the state")
            }
            Self::Twin => {
                f.write_str("stray: carries this cluster's tags, and another object has its address")
            }
            Self::Skewed(Skew { most, fewest }) => {
                write!(f, "{most} of its tasks on one node and {fewest} on another")
            }
            Self::QuorumLost { alive, of } => write!(f, "{alive} of its {of} managers are alive"),
            Self::Unwanted => f.write_str("the manifest no longer has it"),
            Self::GoesWith(host) => write!(f, "it goes with {host}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for OldFirst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CannotCoexist(why) => f.write_str(why),
            Self::Uses(address) => write!(f, "the old {address} goes first"),
            Self::Exchanges(other) => {
                write!(f, "it and {other} exchange what only one can hold at a time")
            }
            Self::Circular => f.write_str("its successor waits for what only its end sets free"),
        }
    }
}
