//! What a field is, or will be.

use serde::{Deserialize, Serialize};

/// One side of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Nothing there.
    Absent,
    /// This.
    Known(serde_json::Value),
    /// What another step will answer.
    KnownAfterApply,
}
