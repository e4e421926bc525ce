//! What changes of a resource.

use serde::{Deserialize, Serialize};

pub use crate::value::Value;

/// One field that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The path in the spec, for example `labels.zone`.
    pub path: String,
    /// Before.
    pub before: Value,
    /// After.
    pub after: Value,
    /// Why it cannot be changed in place, if it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forces_replacement: Option<String>,
    /// What changing it in place costs, if something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
}
