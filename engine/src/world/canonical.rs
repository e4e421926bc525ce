//! One form for service specs that mean the same.

use super::swarm::{Resources, RestartCondition, RestartPolicy, ServiceSpec, UpdateConfig, UpdateOrder};

const SECOND: u64 = 1_000_000_000;

impl ServiceSpec {
    /// The same service with everything left out that equals Swarm's default, and with the lists
    /// whose order means nothing sorted. The engine writes some of its defaults into what it was
    /// sent without them: compare specs in this form only. Defaults as in swarmkit's
    /// `api/defaults/service.go`.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        self.ports.sort();
        self.networks.sort();
        self.stop_grace_period = self.stop_grace_period.filter(|period| *period != 10 * SECOND);
        self.user = self.user.filter(|user| !user.is_empty());
        self.working_dir = self.working_dir.filter(|dir| !dir.is_empty());
        self.resources = self
            .resources
            .map(resources)
            .filter(|given| *given != Resources::default());
        self.restart_policy = self
            .restart_policy
            .map(restart)
            .filter(|policy| *policy != default_restart());
        self.update_config = self
            .update_config
            .map(update)
            .filter(|given| *given != UpdateConfig::default());
        self.rollback_config = self
            .rollback_config
            .map(update)
            .filter(|given| *given != UpdateConfig::default());
        self.healthcheck = self.healthcheck.map(|mut check| {
            // In a health check, zero stands for the image's own value.
            for field in [
                &mut check.interval,
                &mut check.retries,
                &mut check.start_period,
                &mut check.timeout,
            ] {
                *field = some_positive(*field);
            }
            check
        });
        self
    }
}

fn some_positive(number: Option<u64>) -> Option<u64> {
    number.filter(|number| *number > 0)
}

fn resources(given: Resources) -> Resources {
    Resources {
        limit_cpus: some_positive(given.limit_cpus),
        limit_memory: some_positive(given.limit_memory),
        reserve_cpus: some_positive(given.reserve_cpus),
        reserve_memory: some_positive(given.reserve_memory),
    }
}

fn default_restart() -> RestartPolicy {
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
