//! A manifest to lower in unit tests: the article's cluster, three managers and two workers.

use std::collections::BTreeMap;

use subako_state::{Digest, Json, Resource, Snapshot};

use crate::desired::DesiredSet;
use crate::kinds;
use crate::manifest::{
    Aws, Cluster, Docker, KeyPair, Lines, Manifest, Pool, Provider, SecurityGroup, Service, Sim, Ssh,
    SwarmSettings,
};
use crate::money::Prices;
use crate::world::{
    Availability, Endpoint, ImageAnswer, Lookup, LookupAnswer, Mode, NetworkSpec, PublishMode, Role,
    ServiceNetwork, ServiceSpec, Subnet,
};

pub fn sandbox() -> Manifest {
    Manifest {
        cluster: Cluster {
            name: "sandbox".into(),
            provider: Provider::Sim,
            tags: map(&[("Unit", "Sandbox")]),
        },
        aws: Aws {
            account: None,
            region: None,
            availability_zones: vec![],
            vpc: None,
            subnets: vec![],
        },
        key_pair: Some(KeyPair {
            name: "Sandbox-master-key".into(),
            public_key: "ssh-ed25519 AAAA me".into(),
        }),
        ssh: Ssh {
            user: "ec2-user".into(),
            port: 22,
            private_key: None,
            private: false,
            jump: None,
            known_hosts: None,
            boot_timeout_s: 300,
            command_timeout_s: 300,
        },
        security_group: SecurityGroup {
            name: "Sandbox-public-web-maintenance".into(),
            ssh_from: vec!["203.0.113.7/32".into()],
            publish_to: vec!["0.0.0.0/0".into()],
            ingress: vec![],
        },
        swarm: SwarmSettings {
            addr_pool: vec![],
            subnet_size: 24,
            engine_version: None,
            converge_timeout_s: 300,
        },
        docker: Docker {
            log_driver: "json-file".into(),
            ..Docker::default()
        },
        pools: vec![pool("manager", Role::Manager, 3), pool("node", Role::Worker, 2)],
        networks: vec![NetworkSpec {
            attachable: false,
            driver: "overlay".into(),
            encrypted: false,
            internal: false,
            labels: BTreeMap::new(),
            name: "my-overlay".into(),
            options: BTreeMap::new(),
            subnet: None,
        }],
        docker_config: None,
        state: crate::manifest::StateBackend::Local,
        secrets: vec![],
        configs: vec![],
        services: vec![service("reply", 8, 80), service("reply2", 5, 8080)],
        prices: Prices::default(),
        moved: vec![],
        protected: std::collections::BTreeSet::new(),
        ignored: Default::default(),
        checks: std::collections::BTreeMap::new(),
        sim: Sim::default(),
        lines: Lines::default(),
    }
}

pub fn pool(name: &str, role: Role, count: u32) -> Pool {
    Pool {
        name: name.into(),
        role,
        count,
        instance_type: "t3.micro".into(),
        ami: "amazon-linux-2023".into(),
        disk_gib: 8,
        disk_encrypted: false,
        cpu_credits: None,
        labels: BTreeMap::new(),
        availability: Availability::Active,
        private_ips: vec![],
        public_ip: None,
        protect: false,
        tags: BTreeMap::new(),
    }
}

fn service(name: &str, replicas: u64, published: u16) -> Service {
    Service {
        spec: ServiceSpec {
            image: "mingsiro71/replyhost".into(),
            mode: Mode::Replicated(replicas),
            networks: vec![ServiceNetwork {
                aliases: vec![],
                name: "my-overlay".into(),
            }],
            ports: vec![Endpoint {
                mode: PublishMode::Ingress,
                protocol: "tcp".into(),
                published,
                target: 80,
            }],
            ..kinds::testing::service_spec(name)
        },
        depends_on: BTreeMap::new(),
        give_up_after_s: None,
    }
}

/// The answer to a lookup in the default VPC: `ami-1` for everything.
pub fn answer(lookup: &Lookup) -> LookupAnswer {
    let all = [("a", 0), ("b", 16), ("c", 32), ("d", 48)].map(|(zone, third)| Subnet {
        id: format!("subnet-{zone}"),
        zone: zone.into(),
        cidr: format!("172.31.{third}.0/20"),
    });
    let wanted = match lookup.zones.as_slice() {
        [] => all[..3].to_vec(),
        zones => zones
            .iter()
            .filter_map(|zone| {
                let subnet = all.iter().find(|subnet| zone.ends_with(&subnet.zone))?;
                Some(Subnet {
                    zone: zone.clone(),
                    ..subnet.clone()
                })
            })
            .collect(),
    };
    LookupAnswer {
        images: lookup
            .images
            .iter()
            .map(|query| {
                let image = ImageAnswer {
                    image_id: "ami-1".into(),
                    name: "an image".into(),
                };
                (query.clone(), image)
            })
            .collect(),
        vpc_id: "vpc-1".into(),
        vpc_cidrs: vec!["172.31.0.0/16".into()],
        subnets: wanted,
        used: all
            .into_iter()
            .filter(|subnet| lookup.used.contains(&subnet.id))
            .collect(),
        reach: BTreeMap::new(),
    }
}

pub fn empty() -> Snapshot {
    Snapshot::empty("lineage".into(), "sandbox".into(), "sim".into())
}

/// A snapshot in which everything is as wanted.
pub fn applied(desired: &DesiredSet) -> Snapshot {
    let outputs: Json = serde_json::from_str("{}").expect("json");
    let mut snapshot = empty();
    snapshot.resources = desired
        .resources
        .iter()
        .map(|wanted| Resource {
            address: wanted.address.clone(),
            depends_on: wanted.depends_on.clone(),
            deposed: false,
            generation: 0,
            made_with: Default::default(),
            outputs: outputs.clone(),
            protect: wanted.protect,
            spec: wanted.spec.clone(),
            spec_sha256: Digest::of(wanted.spec.as_str()),
        })
        .collect();
    snapshot.sort();
    snapshot
}

pub fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    kinds::testing::map(pairs)
}
