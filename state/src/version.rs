//! The versions of what this program writes.

/// The version of the state file that this program reads and writes.
pub const FORMAT: u32 = 1;

/// The version of the journal, the plan in it included, that this program writes. It reads this
/// one and those before it.
pub const JOURNAL_FORMAT: u32 = 2;
