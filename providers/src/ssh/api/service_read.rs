//! The Engine API's JSON → `Service`.
//!
//! The engine writes some of its defaults into what it was sent without them; they are read as not
//! given ([`ServiceSpec::canonical`]).

use std::collections::BTreeMap;

use serde_json::Value;
use subako_world::{
    Endpoint, FileMount, HealthCheck, Mode, Mount, PublishMode, Resources, RestartCondition, RestartPolicy,
    Result, Service, ServiceNetwork, ServiceSpec, UpdateConfig, UpdateStatus,
};

use super::read::{flag, list, map, number, some_number, some_text, text, texts, unexpected, word};
use super::services::has_update;

/// Reads a service; `networks` gives names by id. `None` for those that no manifest can describe:
/// jobs, and plugins run as services.
pub(super) fn read_service(
    doing: &str,
    service: &Value,
    networks: &BTreeMap<String, String>,
) -> Result<Option<Service>> {
    let spec = service.get("Spec").unwrap_or(&Value::Null);
    let Some(mode) = read_mode(spec) else {
        return Ok(None);
    };
    let template = spec.get("TaskTemplate").unwrap_or(&Value::Null);
    let Some(container) = template.get("ContainerSpec") else {
        return Ok(None);
    };
    let (id, name) = (text(service, "/ID"), text(spec, "/Name"));
    if id.is_empty() || name.is_empty() {
        return Err(unexpected(doing, "a service with an ID and a name"));
    }
    let update = if has_update(service) {
        Some(UpdateStatus {
            state: word(doing, service, "/UpdateStatus/State")?,
            message: text(service, "/UpdateStatus/Message").to_owned(),
        })
    } else {
        None
    };
    let ports = list(spec, "/EndpointSpec/Ports")
        .iter()
        .map(|port| read_port(doing, port))
        .collect::<Result<_>>()?;
    let spec = ServiceSpec {
        command: texts(container, "/Args"),
        configs: read_files(container, "Config"),
        constraints: texts(template, "/Placement/Constraints"),
        container_labels: map(container, "/Labels"),
        endpoint_mode: some_text(spec, "/EndpointSpec/Mode").unwrap_or_else(|| "vip".to_owned()),
        entrypoint: texts(container, "/Command"),
        environment: read_environment(container),
        healthcheck: read_check(container),
        image: text(container, "/Image").to_owned(),
        labels: map(spec, "/Labels"),
        mode,
        mounts: read_mounts(container),
        name: name.to_owned(),
        networks: read_networks(spec, template, networks),
        ports,
        preferences: read_preferences(template),
        resources: read_resources(template),
        restart_policy: read_restart(doing, template)?,
        rollback_config: read_config(doing, spec.get("RollbackConfig"))?,
        secrets: read_files(container, "Secret"),
        stop_grace_period: number(container, "/StopGracePeriod"),
        update_config: read_config(doing, spec.get("UpdateConfig"))?,
        user: some_text(container, "/User"),
        working_dir: some_text(container, "/Dir"),
    };
    Ok(Some(Service {
        id: id.to_owned(),
        spec: spec.canonical(),
        update,
    }))
}

/// Secrets or configs that are files; a config may be a credential instead, which is left alone.
fn read_files(container: &Value, kind: &str) -> Vec<FileMount> {
    list(container, &format!("/{kind}s"))
        .iter()
        .filter(|file| file.get("File").is_some_and(Value::is_object))
        .map(|file| FileMount {
            gid: text(file, "/File/GID").to_owned(),
            mode: number(file, "/File/Mode")
                .and_then(|mode| u32::try_from(mode).ok())
                .unwrap_or(0),
            name: text(file, &format!("/{kind}Name")).to_owned(),
            target: text(file, "/File/Name").to_owned(),
            uid: text(file, "/File/UID").to_owned(),
        })
        .collect()
}

fn read_mode(spec: &Value) -> Option<Mode> {
    let mode = spec.get("Mode")?;
    if mode.get("Global").is_some_and(|global| !global.is_null()) {
        return Some(Mode::Global);
    }
    mode.get("Replicated")
        .filter(|replicated| !replicated.is_null())?;
    Some(Mode::Replicated(
        number(mode, "/Replicated/Replicas").unwrap_or(1),
    ))
}

fn read_port(doing: &str, port: &Value) -> Result<Endpoint> {
    let number = |pointer| match number(port, pointer).map(u16::try_from) {
        // A port that the engine chose itself is not in the spec.
        None => Ok(0),
        Some(Ok(number)) => Ok(number),
        Some(Err(_)) => Err(unexpected(doing, "a port up to 65535")),
    };
    Ok(Endpoint {
        mode: match text(port, "/PublishMode") {
            "" => PublishMode::Ingress,
            _ => word(doing, port, "/PublishMode")?,
        },
        protocol: some_text(port, "/Protocol").unwrap_or_else(|| "tcp".to_owned()),
        published: number("/PublishedPort")?,
        target: number("/TargetPort")?,
    })
}

fn read_environment(container: &Value) -> BTreeMap<String, String> {
    texts(container, "/Env")
        .iter()
        .map(|entry| entry.split_once('=').unwrap_or((entry, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn read_check(container: &Value) -> Option<HealthCheck> {
    let check = container.get("Healthcheck").filter(|check| check.is_object())?;
    Some(HealthCheck {
        interval: some_number(check, "/Interval"),
        retries: some_number(check, "/Retries"),
        start_period: some_number(check, "/StartPeriod"),
        test: texts(check, "/Test"),
        timeout: some_number(check, "/Timeout"),
    })
}

/// Mounts of kinds that a manifest can name; the others are left alone.
fn read_mounts(container: &Value) -> Vec<Mount> {
    list(container, "/Mounts")
        .iter()
        .filter_map(|mount| {
            Some(Mount {
                kind: serde_json::from_value(mount.get("Type")?.clone()).ok()?,
                read_only: flag(mount, "/ReadOnly"),
                source: some_text(mount, "/Source"),
                target: text(mount, "/Target").to_owned(),
            })
        })
        .collect()
}

fn read_networks(spec: &Value, template: &Value, names: &BTreeMap<String, String>) -> Vec<ServiceNetwork> {
    let attached = match list(template, "/Networks") {
        // Where old engines keep them.
        [] => list(spec, "/Networks"),
        attached => attached,
    };
    attached
        .iter()
        .map(|network| {
            let target = text(network, "/Target");
            ServiceNetwork {
                aliases: texts(network, "/Aliases"),
                name: names.get(target).map_or(target, String::as_str).to_owned(),
            }
        })
        .collect()
}

fn read_preferences(template: &Value) -> Vec<String> {
    list(template, "/Placement/Preferences")
        .iter()
        .filter_map(|preference| some_text(preference, "/Spread/SpreadDescriptor"))
        .collect()
}

fn read_resources(template: &Value) -> Option<Resources> {
    let resources = template
        .get("Resources")
        .filter(|resources| resources.is_object())?;
    Some(Resources {
        limit_cpus: some_number(resources, "/Limits/NanoCPUs"),
        limit_memory: some_number(resources, "/Limits/MemoryBytes"),
        reserve_cpus: some_number(resources, "/Reservations/NanoCPUs"),
        reserve_memory: some_number(resources, "/Reservations/MemoryBytes"),
    })
}

fn read_restart(doing: &str, template: &Value) -> Result<Option<RestartPolicy>> {
    let Some(policy) = template.get("RestartPolicy").filter(|policy| policy.is_object()) else {
        return Ok(None);
    };
    Ok(Some(RestartPolicy {
        condition: match text(policy, "/Condition") {
            "" => RestartCondition::Any,
            _ => word(doing, policy, "/Condition")?,
        },
        delay: number(policy, "/Delay"),
        max_attempts: some_number(policy, "/MaxAttempts"),
        window: some_number(policy, "/Window"),
    }))
}

fn read_config(doing: &str, config: Option<&Value>) -> Result<Option<UpdateConfig>> {
    let Some(config) = config.filter(|config| config.is_object()) else {
        return Ok(None);
    };
    // A 32-bit float in the engine: parts per million are what survives it.
    let ratio = config.get("MaxFailureRatio").and_then(Value::as_f64);
    let ppm = ratio.map(|ratio| (ratio.clamp(0.0, 1.0) * 1e6).round() as u32);
    Ok(Some(UpdateConfig {
        delay: some_number(config, "/Delay"),
        failure_action: some_text(config, "/FailureAction"),
        max_failure_ppm: ppm,
        monitor: some_number(config, "/Monitor"),
        order: match text(config, "/Order") {
            "" => None,
            _ => Some(word(doing, config, "/Order")?),
        },
        // Missing is Go's zero, which means all at once.
        parallelism: Some(number(config, "/Parallelism").unwrap_or(0)),
    }))
}
