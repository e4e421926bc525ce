//! A manifest as the search holds it: small enough to be edited and shrunk, written as TOML for
//! the real parser.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// The cluster's name, everywhere.
pub const NAME: &str = "search";
/// The region; its zones are `a`, `c` and `d`.
pub const REGION: &str = "ap-northeast-1";
/// The pool that Docker cuts overlay networks from without a word.
pub const DOCKERS_POOL: &str = "10.0.0.0/8";
/// Public keys to choose from.
const KEYS: [&str; 2] = [
    "AAAAC3NzaC1lZDI1NTE5AAAAIGqcLkuqN1vPQMgC3pQ3q9hfFFPKZ1Tt1d4mGeZYXz0a",
    "AAAAC3NzaC1lZDI1NTE5AAAAIGqcLkuqN1vPQMgC3pQ3q9hfFFPKZ1Tt1d4mGeZYXz1b",
];

/// A whole manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// Zones by their letters; empty leaves them out.
    pub zones: Vec<char>,
    pub tags: BTreeMap<String, String>,
    /// The key pair's name, and which key it is.
    pub key: Option<(String, usize)>,
    pub group: Option<String>,
    pub publish_to: Option<String>,
    pub rules: Vec<Rule>,
    pub addr_pool: Option<String>,
    /// The engine's version.
    #[serde(default)]
    pub engine: Option<String>,
    /// The comment of the public key.
    #[serde(default = "me")]
    pub comment: String,
    pub pools: Vec<Pool>,
    pub networks: Vec<Network>,
    /// Versions of contents, by name.
    pub secrets: BTreeMap<String, u32>,
    pub configs: BTreeMap<String, u32>,
    pub services: Vec<Service>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub ports: String,
    pub from: String,
    pub words: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    pub name: String,
    pub manager: bool,
    pub count: u32,
    pub instance_type: String,
    pub ami: Option<String>,
    pub disk: u32,
    pub encrypted: bool,
    pub labels: BTreeMap<String, String>,
    /// `active`, `pause` or `drain`.
    pub availability: String,
    pub pinned: Vec<String>,
    pub public_ip: Option<bool>,
    /// Whether that is an elastic one.
    #[serde(default)]
    pub elastic: bool,
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Network {
    pub name: String,
    pub range: Option<String>,
    pub encrypted: bool,
    pub attachable: bool,
    pub internal: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    pub image: String,
    /// `None` for a global one.
    pub replicas: Option<u32>,
    pub ports: Vec<Port>,
    pub networks: Vec<String>,
    pub secrets: Vec<String>,
    pub configs: Vec<String>,
    pub constraints: Vec<String>,
    pub spread: Option<String>,
    pub env: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
    pub command: Option<String>,
    pub volume: Option<String>,
    pub grace: Option<u32>,
    pub health: bool,
    pub reserve_mib: Option<u32>,
    pub restart: Option<String>,
    pub update: Option<Update>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    pub published: u16,
    pub target: u16,
    pub host: bool,
    pub udp: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// How many at once; 0 for all.
    pub parallelism: u32,
    pub start_first: bool,
    /// `pause`, `continue` or `rollback`.
    pub on_failure: String,
    pub delay: u32,
}

/// The comment of a public key, unless it is another.
pub fn me() -> String {
    "me".to_owned()
}

impl Cluster {
    pub fn pool(&mut self, name: &str) -> Option<&mut Pool> {
        self.pools.iter_mut().find(|pool| pool.name == name)
    }

    pub fn service(&mut self, name: &str) -> Option<&mut Service> {
        self.services.iter_mut().find(|service| service.name == name)
    }

    pub fn network(&mut self, name: &str) -> Option<&mut Network> {
        self.networks.iter_mut().find(|network| network.name == name)
    }

    pub fn managers(&self) -> u32 {
        let managers = self.pools.iter().filter(|pool| pool.manager);
        managers.map(|pool| pool.count).sum()
    }

    /// The names of every instance.
    pub fn instances(&self) -> Vec<String> {
        let of = |pool: &Pool| {
            (0..pool.count)
                .map(|index| format!("{}-{index}", pool.name))
                .collect::<Vec<_>>()
        };
        self.pools.iter().flat_map(of).collect()
    }

    /// The manifest. `seed` is that of the simulator, for whoever runs it with the program.
    pub fn toml(&self, seed: u64) -> String {
        let mut out = format!("[cluster]\nname = \"{NAME}\"\n");
        table(&mut out, "tags", &self.tags);
        let zones: Vec<String> = self.zones.iter().map(|z| format!("{REGION}{z}")).collect();
        let _ = writeln!(out, "\n[aws]\nregion = \"{REGION}\"");
        list(&mut out, "availability_zones", &zones);
        if let Some((name, key)) = &self.key {
            let key = KEYS[key % KEYS.len()];
            let _ = writeln!(
                out,
                "\n[key_pair]\nname = {name:?}\npublic_key = \"ssh-ed25519 {key} {}\"",
                self.comment
            );
        }
        let _ = writeln!(out, "\n[security_group]\nssh_from = \"198.51.100.7/32\"");
        option(&mut out, "name", self.group.as_ref());
        option(&mut out, "publish_to", self.publish_to.as_ref());
        for (index, rule) in self.rules.iter().enumerate() {
            out.push_str(if index == 0 { "ingress = [\n" } else { "" });
            let Rule { ports, from, words } = rule;
            let _ = writeln!(
                out,
                "    {{ protocol = \"tcp\", ports = {ports:?}, from = {from:?}, description = {words:?} }},"
            );
        }
        out.push_str(if self.rules.is_empty() { "" } else { "]\n" });
        if self.addr_pool.is_some() || self.engine.is_some() {
            out.push_str("\n[swarm]\n");
        }
        option(&mut out, "addr_pool", self.addr_pool.as_ref());
        option(&mut out, "engine_version", self.engine.as_ref());
        self.pools.iter().for_each(|pool| pool.write(&mut out));
        self.networks.iter().for_each(|network| network.write(&mut out));
        for name in self.secrets.keys() {
            let _ = writeln!(out, "\n[secret.{name}]\nenv = \"SECRET_{name}\"");
        }
        for (name, version) in &self.configs {
            let _ = writeln!(out, "\n[config.{name}]\ncontent = \"version {version}\"");
        }
        self.services.iter().for_each(|service| service.write(&mut out));
        let _ = writeln!(out, "\n[sim]\nseed = {seed}\ntime = \"instant\"");
        out
    }

    /// The environment that holds the secrets' contents.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let secrets = self.secrets.iter();
        secrets
            .map(|(name, version)| (format!("SECRET_{name}"), format!("content {version}")))
            .collect()
    }
}

impl Pool {
    fn write(&self, out: &mut String) {
        let role = if self.manager { "manager" } else { "worker" };
        let _ = writeln!(
            out,
            "\n[[pool]]\nname = {:?}\nrole = {role:?}\ncount = {}\ninstance_type = {:?}",
            self.name, self.count, self.instance_type
        );
        option(out, "ami", self.ami.as_ref());
        if self.disk != 8 {
            let _ = writeln!(out, "disk_gib = {}", self.disk);
        }
        flag(out, "disk_encrypted", self.encrypted);
        table(out, "labels", &self.labels);
        if self.availability != "active" {
            let _ = writeln!(out, "availability = {:?}", self.availability);
        }
        list(out, "private_ips", &self.pinned);
        match (self.elastic, self.public_ip) {
            (true, _) => out.push_str("public_ip = \"elastic\"\n"),
            (false, Some(public)) => {
                let _ = writeln!(out, "public_ip = {public}");
            }
            (false, None) => {}
        }
        table(out, "tags", &self.tags);
    }
}

impl Network {
    fn write(&self, out: &mut String) {
        let _ = writeln!(out, "\n[[network]]\nname = {:?}", self.name);
        option(out, "subnet", self.range.as_ref());
        flag(out, "encrypted", self.encrypted);
        flag(out, "attachable", self.attachable);
        flag(out, "internal", self.internal);
    }
}

impl Service {
    fn write(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "\n[[service]]\nname = {:?}\nimage = {:?}",
            self.name, self.image
        );
        match self.replicas {
            Some(replicas) => writeln!(out, "replicas = {replicas}"),
            None => writeln!(out, "mode = \"global\""),
        }
        .unwrap_or_default();
        let ports: Vec<String> = self.ports.iter().map(Port::inline).collect();
        if !ports.is_empty() {
            let _ = writeln!(out, "ports = [{}]", ports.join(", "));
        }
        list(out, "networks", &self.networks);
        list(out, "secrets", &self.secrets);
        list(out, "configs", &self.configs);
        list(out, "constraints", &self.constraints);
        list(out, "preferences", self.spread.as_slice());
        table(out, "environment", &self.env);
        table(out, "labels", &self.labels);
        option(out, "command", self.command.as_ref());
        list(out, "volumes", self.volume.as_slice());
        if let Some(grace) = self.grace {
            let _ = writeln!(out, "stop_grace_period = \"{grace}s\"");
        }
        if self.health {
            let _ = writeln!(
                out,
                "healthcheck = {{ test = \"true\", interval = \"5s\", retries = 3 }}"
            );
        }
        if let Some(mib) = self.reserve_mib {
            let _ = writeln!(out, "resources = {{ reservations = {{ memory = \"{mib}M\" }} }}");
        }
        if let Some(condition) = &self.restart {
            let _ = writeln!(out, "restart_policy = {{ condition = {condition:?} }}");
        }
        if let Some(update) = &self.update {
            let order = if update.start_first {
                "start-first"
            } else {
                "stop-first"
            };
            let _ = writeln!(
                out,
                "update_config = {{ parallelism = {}, order = {order:?}, failure_action = {:?}, delay = \"{}s\" }}",
                update.parallelism, update.on_failure, update.delay
            );
        }
    }
}

impl Port {
    fn inline(&self) -> String {
        format!(
            "{{ target = {}, published = {}, protocol = \"{}\", mode = \"{}\" }}",
            self.target,
            self.published,
            if self.udp { "udp" } else { "tcp" },
            if self.host { "host" } else { "ingress" }
        )
    }
}

fn option(out: &mut String, key: &str, value: Option<&String>) {
    if let Some(value) = value {
        let _ = writeln!(out, "{key} = {value:?}");
    }
}

fn flag(out: &mut String, key: &str, value: bool) {
    if value {
        let _ = writeln!(out, "{key} = true");
    }
}

fn list(out: &mut String, key: &str, values: &[String]) {
    if !values.is_empty() {
        let _ = writeln!(out, "{key} = {values:?}");
    }
}

fn table(out: &mut String, key: &str, values: &BTreeMap<String, String>) {
    if !values.is_empty() {
        let pairs: Vec<String> = values.iter().map(|(k, v)| format!("{k} = {v:?}")).collect();
        let _ = writeln!(out, "{key} = {{ {} }}", pairs.join(", "));
    }
}
