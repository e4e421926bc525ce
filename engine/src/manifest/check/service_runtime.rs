//! `healthcheck`, `resources`, `restart_policy`, `update_config` and `rollback_config`.

use super::value;
use crate::manifest::decode::{Context, Number};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::formats::Duration;
use crate::manifest::raw;
use crate::manifest::span::At;
use crate::world::{HealthCheck, Resources, RestartCondition, RestartPolicy, UpdateConfig};

/// Docker refuses shorter times for health checks, but for zero.
const SHORTEST_CHECK: Duration = Duration(1_000_000);

/// Checks a health check; `None` if it says nothing.
pub fn healthcheck(cx: &mut Context<'_>, raw: Option<At<raw::HealthCheck>>) -> Option<HealthCheck> {
    let raw = raw?.value;
    let test = match (&raw.test, raw.disable.as_ref().filter(|disable| disable.value)) {
        (Some(test), Some(disable)) => {
            cx.report(
                ManifestError::new(
                    Code::Conflict,
                    "a health check is either described or switched off",
                )
                .at(disable.span, "switched off")
                .at(test.span, "described")
                .help("remove one of the two"),
            );
            Vec::new()
        }
        (None, Some(_)) => vec!["NONE".to_owned()],
        (Some(test), None) => test.0.clone(),
        (None, None) => Vec::new(),
    };
    let mut time = |key: &str, field: Option<At<Duration>>| {
        let at = field?;
        if at.value > Duration(0) && at.value < SHORTEST_CHECK {
            cx.report(
                ManifestError::new(
                    Code::OutOfRange,
                    format!("`{key}` must be 1ms or more, or 0 for the default"),
                )
                .at(at.span, "too short"),
            );
        }
        Some(at.value.0)
    };
    let check = HealthCheck {
        interval: time("interval", raw.interval),
        retries: raw.retries.map(|at| at.0),
        start_period: time("start_period", raw.start_period),
        test,
        timeout: time("timeout", raw.timeout),
    };
    (check != HealthCheck::default()).then_some(check)
}

/// Checks that no more is reserved than a task may use; `None` if nothing is said.
pub fn resources(cx: &mut Context<'_>, raw: Option<At<raw::Resources>>) -> Option<Resources> {
    let raw = raw?.value;
    let (limits, reservations) = (value(raw.limits), value(raw.reservations));
    compare(cx, "CPU", &reservations.cpus, &limits.cpus);
    compare(cx, "memory", &reservations.memory, &limits.memory);
    let resources = Resources {
        limit_cpus: limits.cpus.map(|at| at.value.0),
        limit_memory: limits.memory.map(|at| at.value.0),
        reserve_cpus: reservations.cpus.map(|at| at.value.0),
        reserve_memory: reservations.memory.map(|at| at.value.0),
    };
    (resources != Resources::default()).then_some(resources)
}

fn compare<T: PartialOrd>(cx: &mut Context<'_>, what: &str, reserved: &Option<At<T>>, limit: &Option<At<T>>) {
    let (Some(reserved), Some(limit)) = (reserved, limit) else {
        return;
    };
    if reserved.value > limit.value {
        cx.report(
            ManifestError::new(
                Code::Conflict,
                format!("more {what} is reserved for a task than it may use"),
            )
            .at(reserved.span, "reserved")
            .at(limit.span, "the limit")
            .help("raise the limit, or reserve less"),
        );
    }
}

/// Fills in the condition.
pub fn restart_policy(raw: Option<At<raw::RestartPolicy>>) -> Option<RestartPolicy> {
    let raw = raw?.value;
    Some(RestartPolicy {
        condition: raw.condition.map_or(RestartCondition::Any, |at| at.value),
        delay: raw.delay.map(|at| at.value.0),
        max_attempts: raw.max_attempts.map(|at| at.0),
        window: raw.window.map(|at| at.value.0),
    })
}

/// Checks how an update proceeds; `None` if nothing is said.
pub fn update_config(cx: &mut Context<'_>, raw: Option<At<raw::UpdateConfig>>) -> Option<UpdateConfig> {
    let raw = raw?.value;
    said(UpdateConfig {
        delay: raw.delay.map(|at| at.value.0),
        failure_action: raw.failure_action.map(|at| at.value.0.to_owned()),
        max_failure_ppm: parts_per_million(cx, raw.max_failure_ratio),
        monitor: raw.monitor.map(|at| at.value.0),
        order: raw.order.map(|at| at.value),
        parallelism: raw.parallelism.map(|at| at.0),
    })
}

/// Checks how a rollback proceeds; `None` if nothing is said.
pub fn rollback_config(cx: &mut Context<'_>, raw: Option<At<raw::RollbackConfig>>) -> Option<UpdateConfig> {
    let raw = raw?.value;
    said(UpdateConfig {
        delay: raw.delay.map(|at| at.value.0),
        failure_action: raw.failure_action.map(|at| at.value.0.to_owned()),
        max_failure_ppm: parts_per_million(cx, raw.max_failure_ratio),
        monitor: raw.monitor.map(|at| at.value.0),
        order: raw.order.map(|at| at.value),
        parallelism: raw.parallelism.map(|at| at.0),
    })
}

fn said(config: UpdateConfig) -> Option<UpdateConfig> {
    (config != UpdateConfig::default()).then_some(config)
}

fn parts_per_million(cx: &mut Context<'_>, ratio: Option<At<Number>>) -> Option<u32> {
    let ratio = ratio?;
    if !(0.0..=1.0).contains(&ratio.0) {
        let help = (1.0..=100.0)
            .contains(&ratio.0)
            .then(|| format!("for {} %, write {}", ratio.0, ratio.0 / 100.0));
        cx.report(
            ManifestError::new(Code::OutOfRange, "`max_failure_ratio` must be from 0 to 1")
                .at(ratio.span, "this is not a share")
                .maybe_help(help),
        );
        return None;
    }
    Some((ratio.0 * 1_000_000.0).round() as u32)
}
