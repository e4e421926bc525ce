//! Every key that a manifest can give a service, each with a value and another one.
//!
//! The keys are read from the manifest's JSON Schema: one that stands there and not here fails.

use std::collections::BTreeSet;

use serde_json::Value;
use subako_engine::manifest::{self, Manifest, Source, Variables};
use subako_state::SealKey;

/// A key, with lines of a service before and after it changes.
pub struct Case {
    /// Its path in the schema.
    pub key: &'static str,
    /// Lines before.
    pub before: &'static str,
    /// Lines after.
    pub after: &'static str,
}

/// Keys that only this program acts on: Swarm is told nothing of them.
const OURS: [&str; 3] = ["depends_on.condition", "give_up_after", "protect"];

/// Keys that say what a plan compares: no resource has them, so that a change of one alone plans
/// nothing (unit tests of `engine/src/plan/ignore.rs`, integration `drift`).
const PLANNERS: [&str; 1] = ["ignore_changes"];

impl Case {
    /// Whether Swarm is told of its key.
    pub fn is_swarms(&self) -> bool {
        !OURS.contains(&self.key)
    }
}

const CASES: &[(&str, &str, &str)] = &[
    ("command", "command = 'a b'", "command = 'a c'"),
    ("configs", "", "configs = ['one']"),
    (
        "configs.gid",
        "configs = [{ source = 'one', gid = '1' }]",
        "configs = [{ source = 'one', gid = '2' }]",
    ),
    (
        "configs.mode",
        "configs = [{ source = 'one' }]",
        "configs = [{ source = 'one', mode = '0400' }]",
    ),
    (
        "configs.source",
        "configs = [{ source = 'one', target = '/x' }]",
        "configs = [{ source = 'two', target = '/x' }]",
    ),
    (
        "configs.target",
        "configs = [{ source = 'one' }]",
        "configs = [{ source = 'one', target = '/x' }]",
    ),
    (
        "configs.uid",
        "configs = [{ source = 'one', uid = '1' }]",
        "configs = [{ source = 'one', uid = '2' }]",
    ),
    (
        "constraints",
        "constraints = ['node.role == worker']",
        "constraints = ['node.role != worker']",
    ),
    (
        "container_labels",
        "container_labels = { a = '1' }",
        "container_labels = { a = '2' }",
    ),
    (
        "endpoint_mode",
        "endpoint_mode = 'vip'",
        "endpoint_mode = 'dnsrr'",
    ),
    (
        "depends_on.condition",
        "depends_on = ['job']",
        "depends_on = { job = { condition = 'service_completed_successfully' } }",
    ),
    ("entrypoint", "entrypoint = '/a'", "entrypoint = ['/a', 'b c']"),
    (
        "environment",
        "environment = { A = 'x=y' }",
        "environment = { A = '' }",
    ),
    ("give_up_after", "", "give_up_after = '90s'"),
    ("healthcheck.disable", "", "healthcheck = { disable = true }"),
    (
        "healthcheck.interval",
        "healthcheck = { test = 'a', interval = '5s' }",
        "healthcheck = { test = 'a', interval = '7s' }",
    ),
    (
        "healthcheck.retries",
        "healthcheck = { test = 'a', retries = 2 }",
        "healthcheck = { test = 'a' }",
    ),
    (
        "healthcheck.start_period",
        "healthcheck = { test = 'a' }",
        "healthcheck = { test = 'a', start_period = '1s' }",
    ),
    (
        "healthcheck.test",
        "healthcheck = { test = 'a' }",
        "healthcheck = { test = ['CMD', 'a'] }",
    ),
    (
        "healthcheck.timeout",
        "healthcheck = { timeout = '1s' }",
        "healthcheck = { timeout = '1500ms' }",
    ),
    (
        "hostname",
        "hostname = 'web-{{.Task.Slot}}'",
        "hostname = '{{.Node.Hostname}}'",
    ),
    ("init", "", "init = true"),
    ("image", "image = 'nginx:1'", "image = 'nginx:2'"),
    ("labels", "labels = { a = '1' }", "labels = { b = '1' }"),
    ("max_replicas_per_node", "", "max_replicas_per_node = 5"),
    ("mode", "mode = 'replicated'", "mode = 'global'"),
    (
        "mounts.read_only",
        "mounts = [{ source = 'vol', target = '/x' }]",
        "mounts = [{ source = 'vol', target = '/x', read_only = true }]",
    ),
    ("mounts.source", "mounts = ['vol:/x']", "mounts = ['wol:/x']"),
    ("mounts.target", "mounts = ['vol:/x']", "mounts = ['vol:/y']"),
    (
        "mounts.tmpfs.size",
        "mounts = [{ type = 'tmpfs', target = '/x', tmpfs = { size = '64M' } }]",
        "mounts = [{ type = 'tmpfs', target = '/x', tmpfs = { size = '32M' } }]",
    ),
    (
        "mounts.type",
        "mounts = [{ target = '/x' }]",
        "mounts = [{ type = 'tmpfs', target = '/x' }]",
    ),
    ("name", "name = 'web'", "name = 'www'"),
    ("networks", "networks = ['back']", "networks = ['back', 'front']"),
    (
        "networks.aliases",
        "networks = { back = { aliases = ['a', 'b'] } }",
        "networks = { back = { aliases = ['b'] } }",
    ),
    (
        "ports.mode",
        "ports = [{ target = 80, published = 80 }]",
        "ports = [{ target = 80, published = 80, mode = 'host' }]",
    ),
    ("ports.protocol", "ports = ['53:53']", "ports = ['53:53/udp']"),
    (
        "ports.published",
        "ports = ['80:80', '443:443']",
        "ports = ['81:80', '443:443']",
    ),
    ("ports.target", "ports = ['80:80']", "ports = ['80:81']"),
    (
        "preferences",
        "preferences = ['node.labels.a', 'node.labels.b']",
        "preferences = ['node.labels.b', 'node.labels.a']",
    ),
    (
        "preferences.spread",
        "",
        "preferences = [{ spread = 'node.labels.a' }]",
    ),
    ("protect", "protect = true", "protect = false"),
    ("replicas", "replicas = 2", "replicas = 3"),
    (
        "resources.limits.cpus",
        "resources.limits = { cpus = 0.5 }",
        "resources.limits = { cpus = 0.25 }",
    ),
    (
        "resources.limits.memory",
        "resources.limits = { memory = '64M' }",
        "resources.limits = { memory = '65M' }",
    ),
    (
        "resources.reservations.cpus",
        "",
        "resources.reservations = { cpus = 0.1 }",
    ),
    (
        "resources.reservations.memory",
        "resources.reservations = { memory = '16M' }",
        "",
    ),
    (
        "restart_policy.condition",
        "restart_policy = { delay = '1s' }",
        "restart_policy = { delay = '1s', condition = 'on-failure' }",
    ),
    (
        "restart_policy.delay",
        "restart_policy = { delay = '1s' }",
        "restart_policy = { delay = '0s' }",
    ),
    (
        "restart_policy.max_attempts",
        "restart_policy = { max_attempts = 3 }",
        "restart_policy = { max_attempts = 4 }",
    ),
    (
        "restart_policy.window",
        "restart_policy = { window = '1m' }",
        "restart_policy = { window = '2m' }",
    ),
    (
        "rollback_config.delay",
        "rollback_config = { delay = '1s' }",
        "rollback_config = { delay = '2s' }",
    ),
    (
        "rollback_config.failure_action",
        "",
        "rollback_config = { failure_action = 'continue' }",
    ),
    (
        "rollback_config.max_failure_ratio",
        "rollback_config = { max_failure_ratio = 0.1 }",
        "rollback_config = { max_failure_ratio = 0.123457 }",
    ),
    (
        "rollback_config.monitor",
        "rollback_config = { monitor = '1s' }",
        "rollback_config = { monitor = '2s' }",
    ),
    (
        "rollback_config.order",
        "rollback_config = { order = 'start-first' }",
        "rollback_config = { order = 'stop-first' }",
    ),
    (
        "rollback_config.parallelism",
        "rollback_config = { parallelism = 0 }",
        "rollback_config = { parallelism = 1 }",
    ),
    ("secrets", "secrets = ['pw']", ""),
    (
        "secrets.gid",
        "secrets = [{ source = 'pw', gid = '1' }]",
        "secrets = [{ source = 'pw', gid = '2' }]",
    ),
    (
        "secrets.mode",
        "secrets = [{ source = 'pw', mode = '0400' }]",
        "secrets = [{ source = 'pw', mode = '0440' }]",
    ),
    (
        "secrets.source",
        "secrets = [{ source = 'pw', target = 'x' }]",
        "secrets = [{ source = 'key', target = 'x' }]",
    ),
    (
        "secrets.target",
        "secrets = ['pw']",
        "secrets = [{ source = 'pw', target = 'x' }]",
    ),
    (
        "secrets.uid",
        "secrets = [{ source = 'pw' }]",
        "secrets = [{ source = 'pw', uid = '7' }]",
    ),
    ("stop_grace_period", "", "stop_grace_period = '30s'"),
    (
        "update_config.delay",
        "update_config = { delay = '1s' }",
        "update_config = { delay = '2s' }",
    ),
    (
        "update_config.failure_action",
        "update_config = { failure_action = 'rollback' }",
        "update_config = { failure_action = 'continue' }",
    ),
    (
        "update_config.max_failure_ratio",
        "",
        "update_config = { max_failure_ratio = 0.25 }",
    ),
    (
        "update_config.monitor",
        "update_config = { monitor = '1s' }",
        "update_config = { monitor = '2s' }",
    ),
    (
        "update_config.order",
        "",
        "update_config = { order = 'start-first' }",
    ),
    (
        "update_config.parallelism",
        "update_config = { parallelism = 2 }",
        "update_config = { parallelism = 0 }",
    ),
    ("user", "user = '1000'", "user = 'www-data:www-data'"),
    (
        "volumes.read_only",
        "volumes = ['vol:/x:ro']",
        "volumes = ['vol:/x']",
    ),
    ("volumes.source", "volumes = ['/srv:/x']", "volumes = ['/tmp:/x']"),
    (
        "volumes.target",
        "volumes = ['vol:/x']",
        "volumes = ['vol:/x', 'wol:/y']",
    ),
    (
        "volumes.tmpfs.size",
        "volumes = [{ type = 'tmpfs', target = '/x', tmpfs = { size = '64M' } }]",
        "volumes = [{ type = 'tmpfs', target = '/x', tmpfs = { size = '32M' } }]",
    ),
    (
        "volumes.type",
        "volumes = [{ type = 'bind', source = '/srv', target = '/x' }]",
        "volumes = [{ type = 'volume', source = 'aa', target = '/x' }]",
    ),
    ("working_dir", "working_dir = '/a'", "working_dir = '/'"),
];

/// All cases; every key of the schema has one, and nothing else does.
pub fn cases() -> Vec<Case> {
    let schema = manifest::schema();
    let mut keys = BTreeSet::new();
    walk(&schema["properties"]["service"]["items"], "", &mut keys);
    assert!(keys.len() > 50, "the schema was not walked: {keys:?}");
    let have: BTreeSet<&str> = CASES.iter().map(|(key, _, _)| *key).collect();
    let is_parent = |key: &str| keys.iter().any(|other| other.starts_with(&format!("{key}.")));
    for key in PLANNERS {
        assert!(keys.contains(key), "`{key}` is no key of a service");
    }
    for key in keys.iter().filter(|key| !PLANNERS.contains(&key.as_str())) {
        assert!(
            have.contains(key.as_str()) || is_parent(key),
            "`{key}` has no case"
        );
    }
    for key in &have {
        assert!(keys.contains(*key), "`{key}` is no key of a service");
    }
    let cases = CASES.iter();
    cases
        .map(|(key, before, after)| Case { key, before, after })
        .collect()
}

fn walk(schema: &Value, path: &str, keys: &mut BTreeSet<String>) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        keys.insert(format!("{path}{key}"));
        walk(property, &format!("{path}{key}."), keys);
    }
    for nested in ["items", "additionalProperties"] {
        if let Some(schema) = schema.get(nested) {
            walk(schema, path, keys);
        }
    }
    let alternatives = schema["anyOf"].as_array().into_iter().flatten();
    alternatives.for_each(|schema| walk(schema, path, keys));
}

/// A small cluster whose service has these lines.
pub fn manifest(lines: &str) -> Manifest {
    let given = |key: &str| lines.starts_with(&format!("{key} ="));
    let name = if given("name") { "" } else { "name = 'web'\n" };
    let image = if given("image") { "" } else { "image = 'nginx:1'\n" };
    let text = format!(
        "cluster = {{ name = 'sandbox', provider = 'sim' }}\n\
         pool = [\n\
         {{ name = 'manager', role = 'manager', count = 1, instance_type = 't3.micro' }},\n\
         {{ name = 'node', role = 'worker', count = 1, instance_type = 't3.micro' }},\n]\n\
         network = [{{ name = 'back' }}, {{ name = 'front' }}]\n\
         secret = {{ pw = {{ env = 'PW' }}, key = {{ env = 'KEY' }} }}\n\
         config = {{ one = {{ content = '1' }}, two = {{ content = '2' }} }}\n\
         security_group.ssh_from = ['198.51.100.7/32']\n\
         [[service]]\n{name}{image}{lines}\n\
         [[service]]\nname = 'job'\nimage = 'alpine'\ncommand = 'sleep 2'\n\
         restart_policy = {{ condition = 'on-failure' }}\n"
    );
    let source = Source {
        name: "cluster.toml".into(),
        text: text.as_str().into(),
        dir: std::env::temp_dir(),
    };
    let env = [("PW", "hunter2"), ("KEY", "hunter3")];
    let variables = Variables {
        env: env.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        ..Variables::default()
    };
    let mut manifest =
        manifest::parse(&source, &variables).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
    manifest.seal(&SealKey::new([7; 32]));
    manifest
}
