//! The manifest that `subako new` writes.

/// A commented manifest of one manager and one service, to be changed by its reader.
pub fn starter() -> &'static str {
    include_str!("starter.toml")
}
