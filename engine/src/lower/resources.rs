//! Puts the resources together, in the order in which others need them.

use std::collections::BTreeMap;

use serde::Serialize;
use subako_state::{Address, Json};

use super::daemon::Daemons;
use super::images::PoolImages;
use super::placement::Place;
use super::rules::rules;
use crate::desired::{Desired, DesiredSet};
use crate::kind::Kind as _;
use crate::kinds::{
    Configs, Docker, ElasticIp, File, Instance, KeyPair, Member, Network, Secrets, SecurityGroup, Service,
    Swarm,
};
use crate::manifest::{self, Manifest, Pool, PublicIp};
use crate::reference::Ref;
use crate::world::FileMount;

/// The tag that EC2's own pages show as an object's name.
const NAME_TAG: &str = "Name";

/// What was decided before: by pool, in the order of the manifest.
pub(super) struct Facts<'a> {
    /// The manager that the swarm is started on; `None` only where nothing is checked.
    pub advertise: Option<String>,
    /// The swarm's address pool.
    pub addr_pool: Vec<String>,
    /// What engines are told.
    pub daemons: Daemons,
    /// Images.
    pub images: Vec<PoolImages>,
    /// The place of each instance.
    pub places: Vec<Vec<Place<'a>>>,
    /// The VPC.
    pub vpc_id: &'a str,
}

/// The text of a spec. Specs are plain data with text keys, which always has a JSON form; their
/// fields stand in alphabetical order, which their tests hold.
fn text<T: Serialize>(spec: &T) -> Json {
    Json::sorted(spec).unwrap_or_else(|error| unreachable!("a spec has a JSON form: {error}"))
}

fn desired<T: Serialize>(address: Address, spec: &T, depends_on: Vec<Address>) -> Desired {
    Desired {
        address,
        spec: text(spec),
        depends_on,
        protect: false,
    }
}

/// All resources. Specs of a pool are made once and changed from instance to instance.
pub(super) fn assemble(manifest: &Manifest, facts: &Facts<'_>) -> DesiredSet {
    let cluster = manifest.cluster.name.as_str();
    let nodes: usize = manifest.pools.iter().map(|pool| pool.count as usize).sum();
    let swarm = Address::new("swarm", cluster);
    let swarm_ref = Ref::to(swarm.clone(), "cluster_id");
    let mut resources = Vec::with_capacity(3 * nodes + manifest.networks.len() + manifest.services.len() + 3);
    let key_pair = manifest.key_pair.as_ref().map(|key| {
        let address = Address::new("key_pair", cluster);
        let spec = KeyPair {
            name: key.name.clone(),
            public_key: key.public_key.clone(),
            tags: manifest.cluster.tags.clone(),
        };
        resources.push(desired(address.clone(), &spec, Vec::new()));
        address
    });
    let group = Address::new("security_group", cluster);
    let spec = SecurityGroup {
        description: format!("Subako cluster {cluster}"),
        name: manifest.security_group.name.clone(),
        rules: rules(manifest),
        tags: manifest.cluster.tags.clone(),
        vpc_id: facts.vpc_id.to_owned(),
    };
    resources.push(desired(group.clone(), &spec, Vec::new()));
    for (position, pool) in manifest.pools.iter().enumerate() {
        instances(
            manifest,
            pool,
            &facts.images[position],
            &facts.places[position],
            &group,
            key_pair.as_ref(),
            &mut resources,
        );
    }
    let instances: Vec<Address> = resources
        .iter()
        .filter(|resource| resource.address.kind() == "instance")
        .map(|resource| resource.address.clone())
        .collect();
    let elastic = elastic_ips(manifest, &mut resources);
    for instance in &instances {
        let spec = Docker {
            daemon: facts.daemons.for_machine(instance.name()),
            machine: Ref::to(instance.clone(), "instance_id"),
            running: true,
            version: manifest.swarm.engine_version.clone(),
        };
        resources.push(desired(
            Address::new("docker", instance.name()),
            &spec,
            elastic.get(instance.name()).cloned().into_iter().collect(),
        ));
    }
    let first = facts.advertise.as_ref().map(|name| Address::new("docker", name));
    let spec = Swarm {
        addr_pool: facts.addr_pool.clone(),
        advertise: facts.advertise.clone().unwrap_or_default(),
        converge_timeout_s: manifest.swarm.converge_timeout_s,
        subnet_size: manifest.swarm.subnet_size,
    };
    resources.push(desired(swarm, &spec, first.into_iter().collect()));
    let mut instances = instances.into_iter();
    for pool in &manifest.pools {
        members(
            pool,
            instances.by_ref().take(pool.count as usize),
            &swarm_ref,
            &elastic,
            &mut resources,
        );
    }
    for network in &manifest.networks {
        let spec = Network::of(network, swarm_ref.clone());
        resources.push(desired(Address::new("network", &network.name), &spec, Vec::new()));
    }
    for secret in &manifest.secrets {
        let spec = File::<Secrets>::new(&secret.object, swarm_ref.clone());
        resources.push(desired(Address::new("secret", &secret.name), &spec, Vec::new()));
    }
    for config in &manifest.configs {
        let spec = File::<Configs>::new(&config.object, swarm_ref.clone());
        resources.push(desired(Address::new("config", &config.name), &spec, Vec::new()));
    }
    for service in &manifest.services {
        let mut wanted = service.spec.clone();
        let secrets = resolve(&mut wanted.secrets, &manifest.secrets, "secret");
        let configs = resolve(&mut wanted.configs, &manifest.configs, "config");
        let spec = Service {
            depends_on: service.depends_on.clone(),
            give_up_after_s: service.give_up_after_s,
            ..Service::of(&wanted, swarm_ref.clone())
        };
        // A replica placed before the last node has joined is never moved by Swarm.
        let mut depends_on = vec![Address::new("member", "*")];
        let known = |name: &str| manifest.networks.iter().any(|network| network.name == name);
        let networks = spec.spec.networks.iter().filter(|network| known(&network.name));
        depends_on.extend(networks.map(|network| Address::new("network", &network.name)));
        depends_on.extend(secrets.into_iter().chain(configs));
        depends_on.extend(
            service
                .depends_on
                .keys()
                .map(|name| Address::new("service", name)),
        );
        resources.push(desired(
            Address::new("service", &spec.spec.name),
            &spec,
            depends_on,
        ));
    }
    for resource in &mut resources {
        resource.protect |= manifest.protected.contains(&resource.address);
    }
    DesiredSet {
        resources,
        ignored: manifest.ignored.clone(),
    }
}

/// Puts the names that files have in the swarm in the place of the manifest's; returns the
/// addresses of those files.
fn resolve(mounts: &mut [FileMount], files: &[manifest::File], kind: &str) -> Vec<Address> {
    let mut addresses = Vec::new();
    for mount in mounts {
        if let Some(file) = files.iter().find(|file| file.name == mount.name) {
            addresses.push(Address::new(kind, &file.name));
            mount.name.clone_from(&file.object);
        }
    }
    addresses.sort();
    addresses.dedup();
    addresses
}

fn instances(
    manifest: &Manifest,
    pool: &Pool,
    images: &PoolImages,
    places: &[Place<'_>],
    group: &Address,
    key_pair: Option<&Address>,
    resources: &mut Vec<Desired>,
) {
    let mut tags = manifest.cluster.tags.clone();
    tags.extend(pool.tags.clone());
    let mut spec = Instance {
        ami: pool.ami.clone(),
        cpu_credits: pool.cpu_credits.unwrap_or_default(),
        disk_encrypted: pool.disk_encrypted,
        disk_gib: pool.disk_gib,
        image_id: String::new(),
        instance_type: pool.instance_type.clone(),
        key_name: manifest.key_pair.as_ref().map(|key| key.name.clone()),
        name: String::new(),
        private_ip: None,
        protect: pool.protect,
        // What an elastic address is given to has one of its own until then, and again afterwards.
        public_ip: pool.public_ip.map(|public| public != PublicIp::No),
        running: true,
        security_group: Ref::to(group.clone(), "group_id"),
        subnet_id: String::new(),
        tags,
        zone: String::new(),
    };
    for (index, name) in Manifest::instance_names(pool).enumerate() {
        images.of(index).clone_into(&mut spec.image_id);
        let place = &places[index];
        place.subnet.id.clone_into(&mut spec.subnet_id);
        place.subnet.zone.clone_into(&mut spec.zone);
        spec.private_ip.clone_from(&place.private_ip);
        let shown = format!("{}-{name}", manifest.cluster.name);
        spec.tags.insert(NAME_TAG.to_owned(), shown);
        spec.name = name;
        resources.push(Desired {
            address: Address::new("instance", &spec.name),
            spec: text(&spec),
            depends_on: key_pair.into_iter().cloned().collect(),
            protect: pool.protect,
        });
    }
}

/// The elastic addresses, by the name of their instance: whoever logs in waits for them.
fn elastic_ips(manifest: &Manifest, resources: &mut Vec<Desired>) -> BTreeMap<String, Address> {
    let mut addresses = BTreeMap::new();
    let is_elastic = |pool: &&Pool| pool.public_ip == Some(PublicIp::Elastic);
    for pool in manifest.pools.iter().filter(is_elastic) {
        let mut tags = manifest.cluster.tags.clone();
        tags.extend(pool.tags.clone());
        for name in Manifest::instance_names(pool) {
            let shown = format!("{}-{name}", manifest.cluster.name);
            tags.insert(NAME_TAG.to_owned(), shown);
            let spec = ElasticIp {
                machine: Ref::to(Address::new("instance", &name), "instance_id"),
                tags: tags.clone(),
            };
            let address = Address::new(ElasticIp::NAME, &name);
            resources.push(desired(address.clone(), &spec, Vec::new()));
            addresses.insert(name, address);
        }
    }
    addresses
}

fn members(
    pool: &Pool,
    instances: impl Iterator<Item = Address>,
    swarm: &Ref,
    elastic: &BTreeMap<String, Address>,
    resources: &mut Vec<Desired>,
) {
    let mut spec = Member {
        availability: pool.availability,
        machine: Ref::Value(String::new()),
        labels: pool.labels.clone(),
        role: pool.role,
        swarm: swarm.clone(),
    };
    for instance in instances {
        let address = Address::new("member", instance.name());
        let docker = Address::new("docker", instance.name());
        let elastic = elastic.get(instance.name()).cloned();
        spec.machine = Ref::to(instance, "instance_id");
        let depends_on = [docker].into_iter().chain(elastic).collect();
        resources.push(desired(address, &spec, depends_on));
    }
}
