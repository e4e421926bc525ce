//! The table: each key of a service once, with its type, its default in Swarm, its unit and its
//! place in the Engine API. Defaults as in swarmkit's `api/defaults/service.go`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::composed::{Constraints, Environment, Labels, Words, nested};
use super::key::{Style, Unit, record};
use super::parts::{Endpoint, Mode, Mount, RestartCondition, ServiceNetwork, UpdateOrder};
use super::shapes::{Files, Image, Mounts, Networks, Ports, Spreads, Tasks};
use super::styles::{Flag, Maybe, Name, Parallelism, Share, Text, Word, number};
use crate::files::FileMount;

/// A second in nanoseconds, the unit of the Engine API.
const SECOND: u64 = 1_000_000_000;

record! {
    /// A service wanted, or as the engine has it.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct ServiceSpec {
        /// Arguments (Compose `command`).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        command: Vec<String> = Words, at ["TaskTemplate", "ContainerSpec", "Args"];
        /// Configs, sorted by target.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        configs: Vec<FileMount> = Files::Configs, at ["TaskTemplate", "ContainerSpec", "Configs"];
        /// Placement constraints, `node.role == worker`, in the order written.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        constraints: Vec<String> = Constraints, at ["TaskTemplate", "Placement", "Constraints"];
        /// Labels of each container.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        container_labels: BTreeMap<String, String> = Labels, at ["TaskTemplate", "ContainerSpec", "Labels"];
        /// `vip` or `dnsrr`.
        endpoint_mode: String = Name("vip"), at ["EndpointSpec", "Mode"];
        /// The program (Compose `entrypoint`).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        entrypoint: Vec<String> = Words, at ["TaskTemplate", "ContainerSpec", "Command"];
        /// Environment.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        environment: BTreeMap<String, String> = Environment, at ["TaskTemplate", "ContainerSpec", "Env"];
        /// Health check; `None` for the image's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        healthcheck: Option<HealthCheck> = nested::<HealthCheck>(),
            at ["TaskTemplate", "ContainerSpec", "Healthcheck"];
        /// The host name of each container, with Swarm's templates; `None` for its id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hostname: Option<String> = Text(""), at ["TaskTemplate", "ContainerSpec", "Hostname"];
        /// The image, as written.
        image: String = Image, at ["TaskTemplate", "ContainerSpec", "Image"];
        /// Whether an init process runs before the program in each container.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        init: Option<bool> = Flag, at ["TaskTemplate", "ContainerSpec", "Init"];
        /// Labels of the service.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        labels: BTreeMap<String, String> = Labels, at ["Labels"];
        /// The most tasks on one node; `None` for no limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_replicas_per_node: Option<u64> = number(0), at ["TaskTemplate", "Placement", "MaxReplicas"];
        /// How many tasks.
        mode: Mode = Tasks, at ["Mode"];
        /// Mounts.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mounts: Vec<Mount> = Mounts, at ["TaskTemplate", "ContainerSpec", "Mounts"];
        /// The name.
        name: String = Name(""), at ["Name"];
        /// Networks, sorted by name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        networks: Vec<ServiceNetwork> = Networks, at ["TaskTemplate", "Networks"];
        /// Published ports, sorted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ports: Vec<Endpoint> = Ports, at ["EndpointSpec", "Ports"];
        /// Placement preferences, `node.labels.zone` to spread over.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        preferences: Vec<String> = Spreads, at ["TaskTemplate", "Placement", "Preferences"];
        /// CPU and memory.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resources: Option<Resources> = nested::<Resources>().shared(), at ["TaskTemplate", "Resources"];
        /// What happens when a task ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restart_policy: Option<RestartPolicy> = nested::<RestartPolicy>(), at ["TaskTemplate", "RestartPolicy"];
        /// How a rollback proceeds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rollback_config: Option<UpdateConfig> = nested::<UpdateConfig>(), at ["RollbackConfig"];
        /// Secrets, sorted by target.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        secrets: Vec<FileMount> = Files::Secrets, at ["TaskTemplate", "ContainerSpec", "Secrets"];
        /// How long a container may take to stop, nanoseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop_grace_period: Option<u64> = number(10 * SECOND).of(Unit::Nanoseconds),
            at ["TaskTemplate", "ContainerSpec", "StopGracePeriod"];
        /// How an update proceeds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        update_config: Option<UpdateConfig> = nested::<UpdateConfig>(), at ["UpdateConfig"];
        /// The user in the container.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String> = Text(""), at ["TaskTemplate", "ContainerSpec", "User"];
        /// The working directory in the container.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        working_dir: Option<String> = Text(""), at ["TaskTemplate", "ContainerSpec", "Dir"];
    }
}

record! {
    /// A health check, as in Compose. Durations are nanoseconds, as in the Engine API; zero stands
    /// for the image's own value.
    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct HealthCheck {
        /// Between two checks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interval: Option<u64> = number(0).of(Unit::Nanoseconds), at ["Interval"];
        /// Failures in a row until unhealthy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retries: Option<u64> = number(0), at ["Retries"];
        /// Grace after the start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start_period: Option<u64> = number(0).of(Unit::Nanoseconds), at ["StartPeriod"];
        /// The command: `["CMD", …]`, `["CMD-SHELL", …]` or `["NONE"]`.
        test: Vec<String> = Words, at ["Test"];
        /// How long one check may take.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout: Option<u64> = number(0).of(Unit::Nanoseconds), at ["Timeout"];
    }
}

record! {
    /// CPU and memory: nano-CPUs and bytes, as in the Engine API.
    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Resources {
        /// The most CPU a task may use, in billionths of a CPU.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit_cpus: Option<u64> = number(0).of(Unit::NanoCpus), at ["Limits", "NanoCPUs"];
        /// The most memory a task may use, bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit_memory: Option<u64> = number(0).of(Unit::Bytes), at ["Limits", "MemoryBytes"];
        /// CPU that a node must have free, in billionths of a CPU.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reserve_cpus: Option<u64> = number(0).of(Unit::NanoCpus), at ["Reservations", "NanoCPUs"];
        /// Memory that a node must have free, bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reserve_memory: Option<u64> = number(0).of(Unit::Bytes), at ["Reservations", "MemoryBytes"];
    }
}

record! {
    /// What happens when a task ends. Durations are nanoseconds.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct RestartPolicy {
        /// When.
        condition: RestartCondition = Word(RestartCondition::Any, "Condition"), at ["Condition"];
        /// Between two attempts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delay: Option<u64> = number(5 * SECOND).of(Unit::Nanoseconds), at ["Delay"];
        /// How often at most; `None` for ever.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_attempts: Option<u64> = number(0), at ["MaxAttempts"];
        /// Over which time the attempts are counted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window: Option<u64> = number(0).of(Unit::Nanoseconds), at ["Window"];
    }
}

record! {
    /// How an update (or a rollback) proceeds. Durations are nanoseconds; fields not given are
    /// the engine's: parallelism 1, failure action pause, stop-first, monitor 5 s.
    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct UpdateConfig {
        /// Between two batches.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delay: Option<u64> = number(0).of(Unit::Nanoseconds), at ["Delay"];
        /// `pause`, `continue` or `rollback`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure_action: Option<String> = Text("pause"), at ["FailureAction"];
        /// The share of failures tolerated, parts per million (kept whole so that digests are exact).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_failure_ppm: Option<u32> = Share, at ["MaxFailureRatio"];
        /// How long a task is watched after its start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        monitor: Option<u64> = number(5 * SECOND).zero_is_absent().of(Unit::Nanoseconds), at ["Monitor"];
        /// Which comes first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<UpdateOrder> = Maybe(Word(UpdateOrder::StopFirst, "Order")), at ["Order"];
        /// How many at once; 0 for all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parallelism: Option<u64> = Parallelism, at ["Parallelism"];
    }
}
