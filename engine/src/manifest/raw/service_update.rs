//! `update_config` and `rollback_config` of a service.

use crate::manifest::decode::{Natural, Number, keywords, plain_schema, section};
use crate::manifest::formats::Duration;
use crate::world::UpdateOrder;

section! {
    /// How an update proceeds. What is left out is Swarm's: one task at a time, stop first,
    /// pause on failure, 5 s of watching.
    pub struct UpdateConfig = "`update_config`" {
        /// How many tasks are updated at once; 0 for all.
        optional parallelism: Natural,
        /// The pause between two batches, for example "10s".
        optional delay: Duration,
        /// What a failure leads to: "pause", "continue" or "rollback".
        optional failure_action: UpdateAction,
        /// How long each task is watched after its start, for example "5s".
        optional monitor: Duration,
        /// The share of tasks that may fail, 0 to 1.
        optional max_failure_ratio: Number,
        /// "stop-first", or "start-first": the new task runs before the old one stops.
        optional order: UpdateOrder,
    }
}

section! {
    /// How a rollback proceeds; as `update_config`.
    pub struct RollbackConfig = "`rollback_config`" {
        /// How many tasks go back at once; 0 for all.
        optional parallelism: Natural,
        /// The pause between two batches, for example "10s".
        optional delay: Duration,
        /// What a failure leads to: "pause" or "continue".
        optional failure_action: RollbackAction,
        /// How long each task is watched after its start, for example "5s".
        optional monitor: Duration,
        /// The share of tasks that may fail, 0 to 1.
        optional max_failure_ratio: Number,
        /// "stop-first", or "start-first": the new task runs before the old one stops.
        optional order: UpdateOrder,
    }
}

/// What a failed update leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpdateAction(pub &'static str);

/// What a failed rollback leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollbackAction(pub &'static str);

keywords!(UpdateAction, "\"pause\", \"continue\" or \"rollback\"", {
    "pause" => UpdateAction("pause"),
    "continue" => UpdateAction("continue"),
    "rollback" => UpdateAction("rollback"),
});
keywords!(RollbackAction, "\"pause\" or \"continue\"", {
    "pause" => RollbackAction("pause"),
    "continue" => RollbackAction("continue"),
});
keywords!(UpdateOrder, "\"stop-first\" or \"start-first\"", {
    "stop-first" => UpdateOrder::StopFirst,
    "start-first" => UpdateOrder::StartFirst,
});
plain_schema! {
    UpdateAction => "UpdateAction" { "enum": ["pause", "continue", "rollback"] },
    RollbackAction => "RollbackAction" { "enum": ["pause", "continue"] },
}
