//! A check that comes with the engine: each file here has one.

use super::{About, Checked, Finding};

/// A check of this crate.
pub(super) struct BuiltIn {
    pub about: About,
    pub look: fn(&Checked<'_>) -> Vec<Finding>,
}
