//! What ends a walk through a plan, forward or back.

/// What ended a walk.
pub(super) enum WalkEnd {
    /// Nothing more could start.
    Through,
    /// Somebody asked to stop at once.
    Cut,
}
