//! What the unit tests of the kinds share: small worlds, written down.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Serialize;
use subako_state::{Address, Json};

use super::labels::{self, label};
use crate::fast::FastMap;
use crate::kind::{Item, Kind, Sighting};
use crate::survey::{Survey, SwarmSurvey, SwarmView};
use crate::world::{
    Availability, CloudSurvey, Endpoint, HealthCheck, Instance, InstanceState, Mode, Mount, MountKind, Node,
    NodeState, Ownership, PublishMode, Resources, RestartCondition, RestartPolicy, Role, ServiceNetwork,
    ServiceSpec, UpdateConfig, UpdateOrder,
};

pub fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// Holds that a type's fields are declared in alphabetical order.
#[track_caller]
pub fn assert_canonical<T: Serialize + Debug>(value: &T) {
    let sorted = Json::sorted(value).expect("json");
    assert_eq!(sorted, Json::canonical(value).expect("json"));
}

pub fn ownership(address: &str, generation: u32) -> Ownership {
    Ownership {
        cluster: "sandbox".into(),
        address: address.into(),
        generation,
        token: "token".into(),
    }
}

pub fn item<K: Kind>(address: &str, spec: &K, outputs: Option<&K::Outputs>) -> Item {
    Item {
        address: address.parse().expect("an address"),
        spec: Json::sorted(spec).expect("json"),
        wanted: None,
        outputs: outputs.map(|outputs| Json::sorted(outputs).expect("json")),
        deposed: false,
        generation: 0,
    }
}

/// Sights one item. Sighting waits for nothing.
pub fn sight<K: Kind>(survey: &Survey, item: &Item) -> Sighting {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let mut found = runtime
        .block_on(K::sight(survey, std::slice::from_ref(item)))
        .expect("a sighting");
    found.pop().expect("one sighting")
}

fn outputs() -> FastMap<Address, Json> {
    let json = |text: &str| serde_json::from_str(text).expect("json");
    FastMap::from_iter([
        (
            Address::new("security_group", "sandbox"),
            json(r#"{"group_id":"sg-1"}"#),
        ),
        (
            Address::new("instance", "node-0"),
            json(r#"{"instance_id":"i-1"}"#),
        ),
        (
            Address::new("swarm", "sandbox"),
            json(r#"{"cluster_id":"swarm-1"}"#),
        ),
        (Address::new("member", "node-0"), json(r#"{"node_id":"n1"}"#)),
    ])
}

/// A survey of a cloud, without a swarm.
pub fn survey(fill: impl FnOnce(&mut CloudSurvey)) -> Survey {
    let mut cloud = CloudSurvey::default();
    fill(&mut cloud);
    Survey::assemble(
        "sandbox",
        cloud,
        BTreeMap::new(),
        SwarmSurvey::None,
        false,
        outputs(),
    )
}

/// A survey of a swarm and of the instance `i-1`.
pub fn survey_of_swarm(view: SwarmView) -> Survey {
    let cloud = CloudSurvey {
        instances: vec![instance("i-1", ownership("instance.node-0", 0).tags())],
        ..CloudSurvey::default()
    };
    let swarm = SwarmSurvey::Read(Box::new(view));
    Survey::assemble("sandbox", cloud, BTreeMap::new(), swarm, false, outputs())
}

pub fn view() -> SwarmView {
    SwarmView {
        via: "manager-0".into(),
        silent: Default::default(),
        id: "swarm-1".into(),
        addr_pool: vec!["10.0.0.0/8".into()],
        subnet_size: 24,
        labels: labels::owned(&BTreeMap::new(), &ownership("swarm.sandbox", 0)),
        nodes: vec![],
        networks: vec![],
        secrets: vec![],
        configs: vec![],
        services: vec![],
        tasks: vec![],
    }
}

pub fn node(id: &str, address: &str) -> Node {
    let mut labels = labels::owned(&BTreeMap::new(), &ownership(address, 0));
    let name = address.split_once('.').expect("an address").1;
    labels.insert(label::NAME.into(), name.into());
    Node {
        id: id.into(),
        hostname: format!("ip-{id}"),
        addr: "10.0.0.5".into(),
        role: Role::Worker,
        availability: Availability::Active,
        labels,
        state: NodeState::Ready,
        reachability: None,
        leader: false,
        engine_version: "25.0.8".into(),
    }
}

pub fn instance(id: &str, tags: BTreeMap<String, String>) -> Instance {
    Instance {
        id: id.into(),
        state: InstanceState::Running,
        image_id: "ami-1".into(),
        instance_type: "t3.micro".into(),
        subnet_id: "subnet-1".into(),
        zone: "a".into(),
        security_group_ids: vec!["sg-1".into()],
        key_name: Some("key".into()),
        private_ip: "10.0.0.5".into(),
        public_ip: Some("1.2.3.4".into()),
        disk_gib: Some(8),
        disk_encrypted: Some(false),
        protect: Some(false),
        imdsv2_required: true,
        tags,
    }
}

pub fn service_spec(name: &str) -> ServiceSpec {
    ServiceSpec {
        mode: Mode::Replicated(8),
        networks: vec![ServiceNetwork {
            aliases: vec![],
            name: "my-overlay".into(),
        }],
        ports: vec![Endpoint {
            mode: PublishMode::Ingress,
            protocol: "tcp".into(),
            published: 80,
            target: 80,
        }],
        ..ServiceSpec::new(name, "mingsiro71/replyhost")
    }
}

/// A service that says something of everything.
pub fn full_service_spec() -> ServiceSpec {
    let update = UpdateConfig {
        delay: Some(1),
        failure_action: Some("rollback".into()),
        max_failure_ppm: Some(100_000),
        monitor: Some(5_000_000_000),
        order: Some(UpdateOrder::StartFirst),
        parallelism: Some(2),
    };
    ServiceSpec {
        command: vec!["--verbose".into()],
        constraints: vec!["node.role == worker".into()],
        container_labels: map(&[("b", "2"), ("a", "1")]),
        entrypoint: vec!["/bin/reply".into()],
        environment: map(&[("Z", "1"), ("A", "2")]),
        healthcheck: Some(HealthCheck {
            interval: Some(1),
            retries: Some(3),
            start_period: Some(2),
            test: vec!["CMD".into(), "true".into()],
            timeout: Some(4),
        }),
        labels: map(&[("tier", "front")]),
        mode: Mode::Global,
        mounts: vec![Mount {
            kind: MountKind::Bind,
            read_only: true,
            source: Some("/srv".into()),
            target: "/srv".into(),
            tmpfs_size: None,
        }],
        preferences: vec!["node.labels.zone".into()],
        resources: Some(Resources {
            limit_cpus: Some(1),
            limit_memory: Some(2),
            reserve_cpus: Some(3),
            reserve_memory: Some(4),
        }),
        restart_policy: Some(RestartPolicy {
            condition: RestartCondition::OnFailure,
            delay: Some(1),
            max_attempts: Some(2),
            window: Some(3),
        }),
        rollback_config: Some(update.clone()),
        stop_grace_period: Some(1),
        update_config: Some(update),
        user: Some("nobody".into()),
        working_dir: Some("/".into()),
        ..service_spec("full")
    }
}
