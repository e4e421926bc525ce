//! `healthcheck`, `restart_policy` and `resources` of a service.

use crate::manifest::decode::{Natural, keywords, section};
use crate::manifest::formats::{Bytes, Cpus, Duration, HealthTest};
use crate::world::RestartCondition;

section! {
    /// How to see that a task is well.
    pub struct HealthCheck = "`healthcheck`" {
        /// The test: a string for the container's shell, or a list that begins with "CMD",
        /// "CMD-SHELL" or "NONE". Left out, the image's own test with the settings below.
        optional test: HealthTest,
        /// The time between two tests, for example "30s".
        optional interval: Duration,
        /// How long one test may take, for example "5s".
        optional timeout: Duration,
        /// Failures in a row until the task counts as unhealthy.
        optional retries: Natural,
        /// How long failures after the start do not count, for example "10s".
        optional start_period: Duration,
        /// Switches the image's own check off.
        optional disable: bool,
    }
    later {
        "start_interval" => "until then, `interval` holds during the start too",
    }
}

section! {
    /// What happens when a task ends.
    pub struct RestartPolicy = "`restart_policy`" {
        /// When it is started again: "none", "on-failure" or "any" (the default).
        optional condition: RestartCondition,
        /// The pause before a restart, for example "5s".
        optional delay: Duration,
        /// How many restarts at most; left out, without end.
        optional max_attempts: Natural,
        /// The time over which restarts are counted, for example "2m".
        optional window: Duration,
    }
}

section! {
    /// CPU and memory of each task.
    pub struct Resources = "`resources`" {
        /// The most that a task may use.
        optional limits: Amount,
        /// What a node must have free for a task.
        optional reservations: Amount,
    }
    elsewhere {
        "cpus" => "say which: limits = { cpus = … } or reservations = { cpus = … }",
        "memory" => "say which: limits = { memory = … } or reservations = { memory = … }",
    }
}

section! {
    /// An amount of CPU and memory.
    pub struct Amount = "an amount" {
        /// CPUs: 0.5 or "0.5".
        optional cpus: Cpus,
        /// Memory: "512M", "2G".
        optional memory: Bytes,
    }
    later {
        "pids" => "until then, the engine's own limit holds",
        "devices" => "until then, tasks get no devices",
    }
}

keywords!(RestartCondition, "\"none\", \"on-failure\" or \"any\"", {
    "none" => RestartCondition::None,
    "on-failure" => RestartCondition::OnFailure,
    "any" => RestartCondition::Any,
});
