//! What is wanted of a service, as plans show it, and how it maps to what Swarm is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::reference::Ref;
use crate::world::canonical::{SECOND, default_restart};
use crate::world::{
    Endpoint, FileMount, HealthCheck, Mode, Mount, Resources, RestartPolicy, ServiceNetwork, ServiceSpec,
    UpdateConfig, UpdateOrder,
};

/// How a service decides on the number of its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceMode {
    /// As many as `replicas` says.
    Replicated,
    /// One on every node that qualifies.
    Global,
}

/// What is wanted of a service: the fields of [`ServiceSpec`], the mode in two of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Arguments (Compose `command`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Configs, sorted by target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub configs: Vec<FileMount>,
    /// Placement constraints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
    /// Labels of each container.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub container_labels: BTreeMap<String, String>,
    /// `vip` or `dnsrr`.
    pub endpoint_mode: String,
    /// The program (Compose `entrypoint`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// Environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Health check; `None` for the image's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<HealthCheck>,
    /// The image, as written.
    pub image: String,
    /// The user's labels of the service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Replicated or global.
    pub mode: ServiceMode,
    /// Mounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// The name, unique in the swarm.
    pub name: String,
    /// Networks, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<ServiceNetwork>,
    /// Published ports, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Endpoint>,
    /// Placement preferences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferences: Vec<String>,
    /// How many tasks; `None` for a global service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u64>,
    /// CPU and memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// What happens when a task ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<RestartPolicy>,
    /// How a rollback proceeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_config: Option<UpdateConfig>,
    /// Secrets, sorted by target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<FileMount>,
    /// How long a container may take to stop, nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_grace_period: Option<u64>,
    /// The `cluster_id` of the swarm.
    pub swarm: Ref,
    /// How an update proceeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_config: Option<UpdateConfig>,
    /// The user in the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The working directory in the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
}

impl Service {
    /// A service of the manifest (or as the engine has it), in a swarm. What is spelled out stays,
    /// Swarm's own defaults too: somebody may change the service away from them.
    pub fn of(spec: &ServiceSpec, swarm: Ref) -> Self {
        let mut spec = spec.clone().sorted();
        for config in [&mut spec.update_config, &mut spec.rollback_config]
            .into_iter()
            .flatten()
        {
            // The engine reads zero as not given.
            config.monitor = config.monitor.filter(|monitor| *monitor > 0);
        }
        let (mode, replicas) = match spec.mode {
            Mode::Replicated(count) => (ServiceMode::Replicated, Some(count)),
            Mode::Global => (ServiceMode::Global, None),
        };
        Self {
            command: spec.command,
            configs: spec.configs,
            constraints: spec.constraints,
            container_labels: spec.container_labels,
            endpoint_mode: spec.endpoint_mode,
            entrypoint: spec.entrypoint,
            environment: spec.environment,
            healthcheck: spec.healthcheck,
            image: spec.image,
            labels: spec.labels,
            mode,
            mounts: spec.mounts,
            name: spec.name,
            networks: spec.networks,
            ports: spec.ports,
            preferences: spec.preferences,
            replicas,
            resources: spec.resources,
            restart_policy: spec.restart_policy,
            rollback_config: spec.rollback_config,
            secrets: spec.secrets,
            stop_grace_period: spec.stop_grace_period,
            swarm,
            update_config: spec.update_config,
            user: spec.user,
            working_dir: spec.working_dir,
        }
    }

    /// What Swarm is told, with these labels.
    pub(super) fn request(&self, labels: BTreeMap<String, String>) -> ServiceSpec {
        let this = self.clone();
        ServiceSpec {
            mode: self.engine_mode(),
            labels,
            command: this.command,
            configs: this.configs,
            constraints: this.constraints,
            container_labels: this.container_labels,
            endpoint_mode: this.endpoint_mode,
            entrypoint: this.entrypoint,
            environment: this.environment,
            healthcheck: this.healthcheck,
            image: this.image,
            mounts: this.mounts,
            name: this.name,
            networks: this.networks,
            ports: this.ports,
            preferences: this.preferences,
            resources: this.resources,
            restart_policy: this.restart_policy,
            rollback_config: this.rollback_config,
            secrets: this.secrets,
            stop_grace_period: this.stop_grace_period,
            update_config: this.update_config,
            user: this.user,
            working_dir: this.working_dir,
        }
    }

    /// The mode in Swarm's terms.
    pub(super) fn engine_mode(&self) -> Mode {
        match self.mode {
            ServiceMode::Replicated => Mode::Replicated(self.replicas.unwrap_or(1)),
            ServiceMode::Global => Mode::Global,
        }
    }

    /// Makes what was read (in canonical form) comparable with `self`: takes out the settings that
    /// `self` leaves to the engine, and fills in Swarm's defaults for those that it spells out.
    /// What the manifest spells out is compared with what holds, what it leaves out is nobody's.
    pub(super) fn mask(&self, live: &mut Self) {
        mask(&self.stop_grace_period, &mut live.stop_grace_period, 10 * SECOND);
        mask(&self.user, &mut live.user, String::new());
        mask(&self.working_dir, &mut live.working_dir, String::new());
        mask(&self.healthcheck, &mut live.healthcheck, HealthCheck::default());
        mask(&self.resources, &mut live.resources, Resources::default());
        mask(&self.restart_policy, &mut live.restart_policy, default_restart());
        if let (Some(wanted), Some(live)) = (&self.healthcheck, &mut live.healthcheck) {
            // Zero is the image's own.
            mask(&wanted.interval, &mut live.interval, 0);
            mask(&wanted.retries, &mut live.retries, 0);
            mask(&wanted.start_period, &mut live.start_period, 0);
            mask(&wanted.timeout, &mut live.timeout, 0);
        }
        if let (Some(wanted), Some(live)) = (&self.resources, &mut live.resources) {
            mask(&wanted.limit_cpus, &mut live.limit_cpus, 0);
            mask(&wanted.limit_memory, &mut live.limit_memory, 0);
            mask(&wanted.reserve_cpus, &mut live.reserve_cpus, 0);
            mask(&wanted.reserve_memory, &mut live.reserve_memory, 0);
        }
        if let (Some(wanted), Some(live)) = (&self.restart_policy, &mut live.restart_policy) {
            mask(&wanted.delay, &mut live.delay, 5 * SECOND);
            mask(&wanted.max_attempts, &mut live.max_attempts, 0);
            mask(&wanted.window, &mut live.window, 0);
        }
        for (wanted, live) in [
            (&self.update_config, &mut live.update_config),
            (&self.rollback_config, &mut live.rollback_config),
        ] {
            mask(wanted, live, UpdateConfig::default());
            if let (Some(wanted), Some(live)) = (wanted, live) {
                mask(&wanted.delay, &mut live.delay, 0);
                mask(
                    &wanted.failure_action,
                    &mut live.failure_action,
                    "pause".to_owned(),
                );
                mask(&wanted.max_failure_ppm, &mut live.max_failure_ppm, 0);
                mask(&wanted.monitor, &mut live.monitor, 5 * SECOND);
                mask(&wanted.order, &mut live.order, UpdateOrder::StopFirst);
                mask(&wanted.parallelism, &mut live.parallelism, 1);
            }
        }
    }
}

/// One setting: nothing where nothing is wanted, else what holds.
fn mask<T>(wanted: &Option<T>, live: &mut Option<T>, default: T) {
    if wanted.is_none() {
        *live = None;
    } else {
        live.get_or_insert(default);
    }
}
