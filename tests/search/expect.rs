//! Whether a world is what a manifest says: counts, addresses, no twins, no strays, no dead voters.

use std::collections::BTreeMap;

use serde_json::Value;
use subako_engine::manifest::{Manifest, PublicIp};
use subako_providers::sim::Simulator;
use subako_world::{Mode, Role, image, tag};

use super::cluster::NAME;

/// What differs: a kind of difference, and the one that was found.
pub type Difference = (&'static str, String);

/// The first difference between the world and the manifest, if there is one.
pub fn difference(sim: &Simulator, manifest: &Manifest) -> Option<Difference> {
    let world = sim.dump();
    instances(&world, manifest)
        .or_else(|| elastic_ips(&world, manifest))
        .or_else(|| doors(&world, manifest))
        .or_else(|| swarm(sim, &world, manifest))
}

/// Whether an engine's version is the one wanted, `25.0.8` being of `25.0`.
fn meets(runs: &str, wanted: &str) -> bool {
    runs == wanted || runs.starts_with(&format!("{wanted}."))
}

/// The cluster's instances by their addresses' names.
fn ours(world: &Value) -> BTreeMap<&str, Vec<&Value>> {
    let mut by_name: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for instance in values(&world["instances"]) {
        let tags = &instance["tags"];
        if tags[tag::CLUSTER] == NAME {
            let address = tags[tag::ADDRESS].as_str().unwrap_or_default();
            by_name
                .entry(address.trim_start_matches("instance."))
                .or_default()
                .push(instance);
        }
    }
    by_name
}

fn values(map: &Value) -> impl Iterator<Item = &Value> {
    map.as_object().into_iter().flat_map(|map| map.values())
}

fn instances(world: &Value, manifest: &Manifest) -> Option<Difference> {
    let mut there = ours(world);
    for pool in &manifest.pools {
        for (index, name) in Manifest::instance_names(pool).enumerate() {
            let found = there.remove(name.as_str()).unwrap_or_default();
            let [instance] = found[..] else {
                let what = if found.is_empty() {
                    "an instance is missing"
                } else {
                    "an instance has a twin"
                };
                return Some((what, name));
            };
            if instance["state"] != "running" || instance["killed"] == true {
                return Some(("an instance does not run", name));
            }
            if instance["instance_type"] != pool.instance_type.as_str() {
                return Some(("an instance is of another type", name));
            }
            if let Some(version) = &manifest.swarm.engine_version
                && !instance["engine"]
                    .as_str()
                    .is_some_and(|runs| meets(runs, version))
            {
                return Some(("an engine is of another version", name));
            }
            if instance["disk_gib"].as_u64() < Some(u64::from(pool.disk_gib)) {
                return Some(("an instance has another disk", name));
            }
            if pool
                .private_ips
                .get(index)
                .is_some_and(|wanted| instance["private_ip"] != wanted.as_str())
            {
                return Some(("an instance has another address", name));
            }
            if pool.public_ip.is_some_and(|public| public != PublicIp::No) && instance["public_ip"].is_null()
            {
                return Some(("an instance has no public address", name));
            }
        }
    }
    let (name, _) = there.first_key_value()?;
    Some(("an instance is a stray", (*name).to_owned()))
}

/// Every instance that wants an elastic address has its own, and there is no other.
fn elastic_ips(world: &Value, manifest: &Manifest) -> Option<Difference> {
    let instances = ours(world);
    let there: BTreeMap<String, &Value> = values(&world["elastic_ips"])
        .filter(|address| address["tags"][tag::CLUSTER] == NAME)
        .map(|address| {
            let of = address["tags"][tag::ADDRESS].as_str().unwrap_or_default();
            (of.trim_start_matches("elastic_ip.").to_owned(), address)
        })
        .collect();
    let pools = manifest.pools.iter();
    let wanted: Vec<String> = pools
        .filter(|pool| pool.public_ip == Some(PublicIp::Elastic))
        .flat_map(Manifest::instance_names)
        .collect();
    for name in &wanted {
        let holder = there.get(name).map(|address| &address["instance_id"]);
        let own = instances.get(name.as_str()).and_then(|found| found.first());
        if holder.is_none() || holder != own.map(|instance| &instance["id"]) {
            return Some(("an instance has not its elastic address", name.clone()));
        }
    }
    let stray = there.into_keys().find(|name| !wanted.contains(name))?;
    Some(("an elastic address is a stray", stray))
}

fn doors(world: &Value, manifest: &Manifest) -> Option<Difference> {
    let tagged = |kind: &str| -> Vec<String> {
        values(&world[kind])
            .filter(|object| object["tags"][tag::CLUSTER] == NAME)
            .map(|object| object["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let groups = tagged("security_groups");
    if groups != [manifest.security_group.name.clone()] {
        return Some(("the security groups differ", groups.join(", ")));
    }
    let mut rules =
        values(&world["security_groups"]).flat_map(|group| group["rules"].as_array().into_iter().flatten());
    if let Some(rule) = rules.find(|rule| rule["source"].get("group").is_some()) {
        return Some(("a security group lets in another one", rule["source"].to_string()));
    }
    let pairs = tagged("key_pairs");
    let wanted: Vec<String> = manifest.key_pair.iter().map(|pair| pair.name.clone()).collect();
    (pairs != wanted).then(|| ("the key pairs differ", pairs.join(", ")))
}

fn swarm(sim: &Simulator, world: &Value, manifest: &Manifest) -> Option<Difference> {
    let swarms: Vec<(&String, &Value)> = world["swarms"].as_object().into_iter().flatten().collect();
    let [(id, swarm)] = swarms[..] else {
        return Some(("there is not one swarm", swarms.len().to_string()));
    };
    let moment = sim.moment();
    let seen = moment.swarms.get(id)?;
    let managers: u32 = manifest
        .pools
        .iter()
        .filter(|p| p.role == Role::Manager)
        .map(|p| p.count)
        .sum();
    if (seen.voters, seen.alive) != (managers as usize, managers as usize) {
        let words = format!("{} of {} voters live, {managers} wanted", seen.alive, seen.voters);
        return Some(("the voters differ", words));
    }
    nodes(world, swarm, manifest)
        .or_else(|| names(swarm, manifest))
        .or_else(|| services(swarm, &seen.services, manifest))
}

fn nodes(world: &Value, swarm: &Value, manifest: &Manifest) -> Option<Difference> {
    let nodes = swarm["nodes"].as_object()?;
    let wanted: u32 = manifest.pools.iter().map(|pool| pool.count).sum();
    if nodes.len() != wanted as usize {
        return Some((
            "the number of nodes differs",
            format!("{} of {wanted}", nodes.len()),
        ));
    }
    let there = ours(world);
    for pool in &manifest.pools {
        for name in Manifest::instance_names(pool) {
            let id = there
                .get(name.as_str())
                .and_then(|all| all.first())
                .map(|instance| &instance["id"]);
            let Some(node) = nodes.values().find(|node| Some(&node["instance"]) == id) else {
                return Some(("an instance is no node", name));
            };
            if node["role"] != pool.role.to_string() {
                return Some(("a node has another role", name));
            }
            if node["availability"] != pool.availability.to_string() {
                return Some(("a node has another availability", name));
            }
            if node["ready"] != true {
                return Some(("a node is down", name));
            }
            let has = |key: &String, value: &String| node["labels"][key] == value.as_str();
            if !pool.labels.iter().all(|(key, value)| has(key, value)) {
                return Some(("a node has other labels", name));
            }
        }
    }
    None
}

/// Networks, secrets, configs and services by name.
fn names(swarm: &Value, manifest: &Manifest) -> Option<Difference> {
    let keys = |kind: &str| -> Vec<String> {
        swarm[kind]
            .as_object()
            .into_iter()
            .flat_map(|m| m.keys().cloned())
            .collect()
    };
    let listed = |kind: &str| -> Vec<String> {
        let list = swarm[kind]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        list.filter(|name| *name != "by-hand")
            .map(str::to_owned)
            .collect()
    };
    let objects =
        |files: &[subako_engine::manifest::File]| files.iter().map(|file| file.object.clone()).collect();
    let differs = |what, there: Vec<String>, mut wanted: Vec<String>| {
        wanted.sort();
        (there != wanted).then(|| (what, format!("{there:?}, not {wanted:?}")))
    };
    let networks = manifest
        .networks
        .iter()
        .map(|network| network.name.clone())
        .collect();
    let services = manifest
        .services
        .iter()
        .map(|service| service.spec.name.clone())
        .collect();
    differs("the networks differ", keys("networks"), networks)
        .or_else(|| differs("the services differ", keys("services"), services))
        .or_else(|| {
            differs(
                "the secrets differ",
                listed("secrets"),
                objects(&manifest.secrets),
            )
        })
        .or_else(|| {
            differs(
                "the configs differ",
                listed("configs"),
                objects(&manifest.configs),
            )
        })
        .or_else(|| {
            manifest.networks.iter().find_map(|network| {
                let there = &swarm["networks"][&network.name];
                let same = there["encrypted"] == network.encrypted
                    && there["attachable"] == network.attachable
                    && there["internal"] == network.internal
                    && network
                        .subnet
                        .as_ref()
                        .is_none_or(|range| there["subnet"] == range.as_str());
                (!same).then(|| ("a network differs", network.name.clone()))
            })
        })
}

/// A field whose order in a list means nothing.
fn unordered(field: Option<&Value>) -> Option<Value> {
    let mut field = field.cloned()?;
    if let Some(list) = field.as_array_mut() {
        list.sort_by_key(Value::to_string);
    }
    Some(field)
}

fn services(
    swarm: &Value,
    counts: &BTreeMap<String, subako_providers::sim::TaskCount>,
    manifest: &Manifest,
) -> Option<Difference> {
    manifest.services.iter().find_map(|service| {
        let (wanted, there) = (&service.spec, &swarm["services"][&service.spec.name]);
        let running = image::split_digest(there["image"].as_str().unwrap_or_default()).0;
        if image::canonical(running) != image::canonical(&wanted.image) {
            return Some(("a service has another image", wanted.name.clone()));
        }
        for field in ["mode", "ports", "networks", "environment", "constraints"] {
            let wanted = serde_json::to_value(wanted).unwrap_or_default();
            if unordered(there.get(field)) != unordered(wanted.get(field)) {
                return Some((
                    "a service has another spec",
                    format!("{}: {field}", service.spec.name),
                ));
            }
        }
        let count = counts.get(&wanted.name)?;
        let replicas = match wanted.mode {
            Mode::Replicated(replicas) => replicas,
            Mode::Global => count.wanted,
        };
        (count.current != replicas).then(|| {
            (
                "a service does not have its tasks",
                format!("{}: {} of {replicas}", wanted.name, count.current),
            )
        })
    })
}
