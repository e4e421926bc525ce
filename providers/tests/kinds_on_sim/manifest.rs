//! The article's cluster as a manifest: three managers, two workers, a network, two services.

use std::collections::BTreeMap;

use subako_engine::manifest::{
    Aws, Cluster, Docker, KeyPair, Lines, Manifest, Pool, Provider, SecurityGroup, Service, Sim, Ssh,
    SwarmSettings,
};
use subako_engine::world::{
    Availability, Endpoint, Mode, NetworkSpec, PublishMode, Role, ServiceNetwork, ServiceSpec,
};

pub fn sandbox() -> Manifest {
    Manifest {
        cluster: Cluster {
            name: "sandbox".into(),
            provider: Provider::Sim,
            tags: BTreeMap::from([("Unit".into(), "Sandbox".into())]),
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
            public_key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGqcLkuqN1vPQMgC3pQ3q9hfFFPKZ1Tt1d4mGeZYXz0a me"
                .into(),
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
            ssh_from: vec!["198.51.100.7/32".into()],
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
        state: subako_engine::manifest::StateBackend::Local,
        secrets: vec![],
        configs: vec![],
        services: vec![service("reply", 8, 80), service("reply2", 5, 8080)],
        prices: subako_engine::money::Prices::default(),
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

pub fn service(name: &str, replicas: u64, published: u16) -> Service {
    Service {
        spec: ServiceSpec {
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
            ..ServiceSpec::new(name, "mingsiro71/replyhost")
        },
        depends_on: BTreeMap::new(),
        give_up_after_s: None,
    }
}
