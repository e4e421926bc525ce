//! One form for service specs that mean the same.

use super::files::FileMount;
use super::swarm::{
    HealthCheck, Resources, RestartCondition, RestartPolicy, ServiceSpec, UpdateConfig, UpdateOrder,
};

/// A second in nanoseconds, the unit of the Engine API.
pub const SECOND: u64 = 1_000_000_000;

impl ServiceSpec {
    /// The same service with the lists whose order means nothing sorted.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.ports.sort();
        self.networks
            .iter_mut()
            .for_each(|network| network.aliases.sort());
        self.networks.sort();
        FileMount::sort(&mut self.secrets);
        FileMount::sort(&mut self.configs);
        self
    }

    /// The same service with everything left out that equals Swarm's default, and with the lists
    /// whose order means nothing sorted. The engine writes some of its defaults into what it was
    /// sent without them: compare specs in this form only. Defaults as in swarmkit's
    /// `api/defaults/service.go`.
    #[must_use]
    pub fn canonical(self) -> Self {
        let mut this = self.sorted();
        this.stop_grace_period = this.stop_grace_period.filter(|period| *period != 10 * SECOND);
        this.user = this.user.filter(|user| !user.is_empty());
        this.working_dir = this.working_dir.filter(|dir| !dir.is_empty());
        this.resources = this
            .resources
            .map(resources)
            .filter(|given| *given != Resources::default());
        this.restart_policy = this
            .restart_policy
            .map(restart)
            .filter(|policy| *policy != default_restart());
        this.update_config = this
            .update_config
            .map(update)
            .filter(|given| *given != UpdateConfig::default());
        this.rollback_config = this
            .rollback_config
            .map(update)
            .filter(|given| *given != UpdateConfig::default());
        this.healthcheck = this
            .healthcheck
            .map(check)
            .filter(|check| *check != HealthCheck::default());
        this
    }
}

fn some_positive(number: Option<u64>) -> Option<u64> {
    number.filter(|number| *number > 0)
}

/// In a health check, zero stands for the image's own value.
fn check(given: HealthCheck) -> HealthCheck {
    HealthCheck {
        interval: some_positive(given.interval),
        retries: some_positive(given.retries),
        start_period: some_positive(given.start_period),
        test: given.test,
        timeout: some_positive(given.timeout),
    }
}

fn resources(given: Resources) -> Resources {
    Resources {
        limit_cpus: some_positive(given.limit_cpus),
        limit_memory: some_positive(given.limit_memory),
        reserve_cpus: some_positive(given.reserve_cpus),
        reserve_memory: some_positive(given.reserve_memory),
    }
}

/// Swarm's restart policy where none is given.
pub fn default_restart() -> RestartPolicy {
    RestartPolicy {
        condition: RestartCondition::Any,
        delay: None,
        max_attempts: None,
        window: None,
    }
}

fn restart(given: RestartPolicy) -> RestartPolicy {
    RestartPolicy {
        condition: given.condition,
        delay: given.delay.filter(|delay| *delay != 5 * SECOND),
        max_attempts: some_positive(given.max_attempts),
        window: some_positive(given.window),
    }
}

fn update(given: UpdateConfig) -> UpdateConfig {
    UpdateConfig {
        delay: some_positive(given.delay),
        failure_action: given.failure_action.filter(|action| action != "pause"),
        max_failure_ppm: given.max_failure_ppm.filter(|ppm| *ppm > 0),
        // Zero is read as not given by the engine itself.
        monitor: some_positive(given.monitor).filter(|monitor| *monitor != 5 * SECOND),
        order: given.order.filter(|order| *order != UpdateOrder::StopFirst),
        // Not zero: that means all at once.
        parallelism: given.parallelism.filter(|parallelism| *parallelism != 1),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::swarm::{Endpoint, Mode, PublishMode};
    use super::*;

    fn plain() -> ServiceSpec {
        ServiceSpec {
            command: vec![],
            configs: vec![],
            constraints: vec![],
            container_labels: BTreeMap::new(),
            endpoint_mode: "vip".into(),
            entrypoint: vec![],
            environment: BTreeMap::new(),
            healthcheck: None,
            image: "i".into(),
            labels: BTreeMap::new(),
            mode: Mode::Replicated(1),
            mounts: vec![],
            name: "s".into(),
            networks: vec![],
            ports: vec![],
            preferences: vec![],
            resources: None,
            restart_policy: None,
            rollback_config: None,
            secrets: vec![],
            stop_grace_period: None,
            update_config: None,
            user: None,
            working_dir: None,
        }
    }

    #[test]
    fn swarms_own_defaults_are_the_same_as_nothing() {
        let spelled_out = ServiceSpec {
            healthcheck: Some(HealthCheck::default()),
            resources: Some(Resources {
                limit_cpus: Some(0),
                ..Resources::default()
            }),
            restart_policy: Some(RestartPolicy {
                condition: RestartCondition::Any,
                delay: Some(5 * SECOND),
                max_attempts: Some(0),
                window: Some(0),
            }),
            stop_grace_period: Some(10 * SECOND),
            update_config: Some(UpdateConfig {
                delay: Some(0),
                failure_action: Some("pause".into()),
                max_failure_ppm: Some(0),
                monitor: Some(5 * SECOND),
                order: Some(UpdateOrder::StopFirst),
                parallelism: Some(1),
            }),
            user: Some(String::new()),
            ..plain()
        };
        assert_eq!(spelled_out.canonical(), plain());
    }

    #[test]
    fn what_differs_from_the_defaults_is_kept() {
        let all_at_once = ServiceSpec {
            update_config: Some(UpdateConfig {
                parallelism: Some(0),
                ..UpdateConfig::default()
            }),
            restart_policy: Some(RestartPolicy {
                condition: RestartCondition::None,
                delay: Some(0),
                max_attempts: None,
                window: None,
            }),
            stop_grace_period: Some(0),
            ..plain()
        };
        assert_eq!(all_at_once.clone().canonical(), all_at_once);
    }

    #[test]
    fn ports_are_sorted() {
        let port = |published| Endpoint {
            mode: PublishMode::Ingress,
            protocol: "tcp".into(),
            published,
            target: 80,
        };
        let spec = ServiceSpec {
            ports: vec![port(81), port(80)],
            ..plain()
        };
        assert_eq!(spec.canonical().ports, [port(80), port(81)]);
    }
}
