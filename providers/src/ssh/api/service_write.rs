//! `ServiceSpec` → the Engine API's JSON, on top of what is there.
//!
//! Everything that `ServiceSpec` speaks of is set, or removed where it has `None`; everything else
//! stays: a service's update must not undo what somebody else manages.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use subako_world::{Endpoint, FileMount, HealthCheck, Mode, Mount, Resources, ServiceSpec, UpdateConfig};

use super::read::text;

type Object = Map<String, Value>;

/// Ids by name. A network that is not among them goes by its name, a secret or config without an
/// id: the engine says what it thinks of it.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// Networks.
    pub networks: BTreeMap<String, String>,
    /// Secrets.
    pub secrets: BTreeMap<String, String>,
    /// Configs.
    pub configs: BTreeMap<String, String>,
}

/// The spec to send: `base` is the one inspected, `{}` for a new service.
pub(super) fn write_service(base: &Value, spec: &ServiceSpec, ids: &Ids) -> Value {
    let mut root = base.as_object().cloned().unwrap_or_default();
    root.insert("Name".into(), json!(spec.name));
    set(&mut root, "Labels", some_map(&spec.labels));
    // Where old engines kept the networks: the task template's would be ignored beside it.
    root.remove("Networks");
    within(&mut root, "TaskTemplate", |template| {
        within(template, "ContainerSpec", |container| {
            write_container(container, spec);
            let secrets = spec.secrets.iter();
            set(
                container,
                "Secrets",
                some_list(secrets.map(|file| file_use("Secret", file, &ids.secrets))),
            );
            write_configs(container, spec, &ids.configs);
        });
        write_resources(template, spec.resources.as_ref());
        set(template, "RestartPolicy", restart_policy(spec));
        write_placement(template, spec);
        write_networks(template, spec, &ids.networks);
    });
    let mode = mode(root.get("Mode"), spec.mode);
    root.insert("Mode".into(), mode);
    set(
        &mut root,
        "UpdateConfig",
        spec.update_config.as_ref().map(update_config),
    );
    set(
        &mut root,
        "RollbackConfig",
        spec.rollback_config.as_ref().map(update_config),
    );
    within(&mut root, "EndpointSpec", |endpoint| {
        endpoint.insert("Mode".into(), json!(spec.endpoint_mode));
        set(endpoint, "Ports", some_list(spec.ports.iter().map(port)));
    });
    Value::Object(root)
}

fn write_container(container: &mut Object, spec: &ServiceSpec) {
    container.insert("Image".into(), json!(spec.image));
    set(container, "Labels", some_map(&spec.container_labels));
    set(
        container,
        "Command",
        some_list(spec.entrypoint.iter().map(|word| json!(word))),
    );
    set(
        container,
        "Args",
        some_list(spec.command.iter().map(|word| json!(word))),
    );
    let environment = spec
        .environment
        .iter()
        .map(|(name, value)| json!(format!("{name}={value}")));
    set(container, "Env", some_list(environment));
    set(container, "Dir", spec.working_dir.as_ref().map(|dir| json!(dir)));
    set(container, "User", spec.user.as_ref().map(|user| json!(user)));
    set(
        container,
        "StopGracePeriod",
        spec.stop_grace_period.map(|period| json!(period)),
    );
    let mounts = mounts(container.get("Mounts"), &spec.mounts);
    set(container, "Mounts", some_list(mounts.into_iter()));
    match &spec.healthcheck {
        Some(check) => within(container, "Healthcheck", |object| write_check(object, check)),
        None => {
            container.remove("Healthcheck");
        }
    }
}

fn file_use(kind: &str, file: &FileMount, ids: &BTreeMap<String, String>) -> Value {
    json!({
        format!("{kind}ID"): ids.get(&file.name).map_or("", String::as_str),
        format!("{kind}Name"): file.name,
        "File": { "Name": file.target, "UID": file.uid, "GID": file.gid, "Mode": file.mode },
    })
}

/// The wanted configs, and those that are no files (credentials for Windows), which no manifest
/// can name.
fn write_configs(container: &mut Object, spec: &ServiceSpec, ids: &BTreeMap<String, String>) {
    let before = container.remove("Configs").unwrap_or_default();
    let no_file = |config: &&Value| config.get("File").is_none_or(Value::is_null);
    let foreign = before.as_array().into_iter().flatten().filter(no_file).cloned();
    let wanted = spec.configs.iter().map(|file| file_use("Config", file, ids));
    set(container, "Configs", some_list(wanted.chain(foreign)));
}

fn write_check(object: &mut Object, check: &HealthCheck) {
    set(
        object,
        "Test",
        some_list(check.test.iter().map(|word| json!(word))),
    );
    for (key, value) in [
        ("Interval", check.interval),
        ("Timeout", check.timeout),
        ("StartPeriod", check.start_period),
        ("Retries", check.retries),
    ] {
        set(object, key, value.map(|value| json!(value)));
    }
}

/// The wanted mounts, each with what else its predecessor of the same kind and target had; and
/// those of kinds that a manifest cannot name (`npipe`, `cluster`).
fn mounts(before: Option<&Value>, wanted: &[Mount]) -> Vec<Value> {
    let before = before.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let foreign = before
        .iter()
        .filter(|mount| !["volume", "bind", "tmpfs"].contains(&text(mount, "/Type")))
        .cloned();
    let written = wanted.iter().map(|mount| {
        let kind = json!(mount.kind);
        let predecessor = before
            .iter()
            .find(|old| old.get("Type") == Some(&kind) && text(old, "/Target") == mount.target);
        let mut object = predecessor
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        object.insert("Type".into(), kind);
        object.insert("Target".into(), json!(mount.target));
        set(
            &mut object,
            "Source",
            mount.source.as_ref().map(|source| json!(source)),
        );
        set(
            &mut object,
            "ReadOnly",
            mount.read_only.then_some(Value::Bool(true)),
        );
        Value::Object(object)
    });
    written.chain(foreign).collect()
}

fn write_resources(template: &mut Object, resources: Option<&Resources>) {
    let none = Resources::default();
    let resources = resources.unwrap_or(&none);
    within(template, "Resources", |object| {
        for (key, cpus, memory) in [
            ("Limits", resources.limit_cpus, resources.limit_memory),
            ("Reservations", resources.reserve_cpus, resources.reserve_memory),
        ] {
            within(object, key, |object| {
                set(object, "NanoCPUs", cpus.map(|cpus| json!(cpus)));
                set(object, "MemoryBytes", memory.map(|memory| json!(memory)));
            });
        }
    });
}

fn restart_policy(spec: &ServiceSpec) -> Option<Value> {
    let policy = spec.restart_policy.as_ref()?;
    let mut object = Object::new();
    object.insert("Condition".into(), json!(policy.condition));
    for (key, value) in [
        ("Delay", policy.delay),
        ("MaxAttempts", policy.max_attempts),
        ("Window", policy.window),
    ] {
        set(&mut object, key, value.map(|value| json!(value)));
    }
    Some(Value::Object(object))
}

fn write_placement(template: &mut Object, spec: &ServiceSpec) {
    within(template, "Placement", |placement| {
        set(
            placement,
            "Constraints",
            some_list(spec.constraints.iter().map(|text| json!(text))),
        );
        let spread = |descriptor: &String| json!({ "Spread": { "SpreadDescriptor": descriptor } });
        set(
            placement,
            "Preferences",
            some_list(spec.preferences.iter().map(spread)),
        );
    });
}

fn write_networks(template: &mut Object, spec: &ServiceSpec, ids: &BTreeMap<String, String>) {
    let before = template.remove("Networks").unwrap_or_default();
    let attachments = spec.networks.iter().map(|network| {
        let target = ids.get(&network.name).unwrap_or(&network.name);
        let mut object = before
            .as_array()
            .into_iter()
            .flatten()
            .find(|old| text(old, "/Target") == target)
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        object.insert("Target".into(), json!(target));
        set(
            &mut object,
            "Aliases",
            some_list(network.aliases.iter().map(|alias| json!(alias))),
        );
        Value::Object(object)
    });
    set(template, "Networks", some_list(attachments));
}

/// An explicit parallelism 0 means all at once, so that one not given must be sent as 1.
fn update_config(config: &UpdateConfig) -> Value {
    let mut object = Object::new();
    object.insert("Parallelism".into(), json!(config.parallelism.unwrap_or(1)));
    set(&mut object, "Delay", config.delay.map(|delay| json!(delay)));
    set(
        &mut object,
        "FailureAction",
        config.failure_action.as_ref().map(|action| json!(action)),
    );
    set(
        &mut object,
        "Monitor",
        config.monitor.map(|monitor| json!(monitor)),
    );
    let ratio = config.max_failure_ppm.map(|ppm| json!(f64::from(ppm) / 1e6));
    set(&mut object, "MaxFailureRatio", ratio);
    set(&mut object, "Order", config.order.map(|order| json!(order)));
    Value::Object(object)
}

fn mode(before: Option<&Value>, wanted: Mode) -> Value {
    match wanted {
        Mode::Replicated(replicas) => {
            let mut mode = before.filter(|mode| mode.get("Replicated").is_some()).cloned();
            let mode = mode.get_or_insert_with(|| json!({ "Replicated": {} }));
            mode["Replicated"]["Replicas"] = json!(replicas);
            mode.clone()
        }
        Mode::Global => json!({ "Global": {} }),
    }
}

fn port(port: &Endpoint) -> Value {
    json!({
        "Protocol": port.protocol,
        "TargetPort": port.target,
        "PublishedPort": port.published,
        "PublishMode": port.mode,
    })
}

/// Sets a key, or removes it.
fn set(object: &mut Object, key: &str, value: Option<Value>) {
    match value {
        Some(value) => object.insert(key.to_owned(), value),
        None => object.remove(key),
    };
}

/// Changes the object under a key; one that ends up empty is removed.
fn within(object: &mut Object, key: &str, change: impl FnOnce(&mut Object)) {
    let mut inner = match object.remove(key) {
        Some(Value::Object(inner)) => inner,
        _ => Object::new(),
    };
    change(&mut inner);
    if !inner.is_empty() {
        object.insert(key.to_owned(), Value::Object(inner));
    }
}

fn some_list(elements: impl Iterator<Item = Value>) -> Option<Value> {
    let elements: Vec<Value> = elements.collect();
    (!elements.is_empty()).then_some(Value::Array(elements))
}

fn some_map(entries: &BTreeMap<String, String>) -> Option<Value> {
    (!entries.is_empty()).then(|| json!(entries))
}
