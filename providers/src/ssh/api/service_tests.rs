//! Services as an engine lists them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use subako_world::service::Ids;
use subako_world::{
    Endpoint, Mode, PublishMode, RestartCondition, RestartPolicy, ServiceSpec, UpdateConfig, UpdateState,
};

use super::service_read::read_service;

fn ids() -> Ids {
    Ids::new(BTreeMap::from([("my-overlay".to_owned(), "net-o".to_owned())]))
}

fn plain(name: &str) -> ServiceSpec {
    ServiceSpec {
        mode: Mode::Replicated(8),
        ..ServiceSpec::new(name, "mingsiro71/replyhost")
    }
}

fn published() -> ServiceSpec {
    ServiceSpec {
        ports: vec![Endpoint {
            mode: PublishMode::Ingress,
            protocol: "tcp".into(),
            published: 80,
            target: 80,
        }],
        update_config: Some(UpdateConfig {
            parallelism: Some(2),
            ..UpdateConfig::default()
        }),
        ..plain("reply")
    }
}

/// An answer of Docker 25.0 to `GET /services/{id}`, for a service created with an update config of
/// `{Parallelism: 2}` and a restart policy of `{Condition: "any"}`.
#[test]
fn defaults_that_the_engine_writes_into_a_service_are_read_as_not_given() {
    let service = json!({
        "ID": "s1",
        "Version": { "Index": 31 },
        "CreatedAt": "2024-05-01T09:40:00.1Z",
        "UpdatedAt": "2024-05-01T09:41:00.1Z",
        "Spec": {
            "Name": "reply", "Labels": {},
            "TaskTemplate": {
                "ContainerSpec": { "Image": "mingsiro71/replyhost", "Init": false, "DNSConfig": {},
                    "StopGracePeriod": 10_000_000_000_u64, "Isolation": "default" },
                "Resources": { "Limits": {}, "Reservations": {} },
                "RestartPolicy": { "Condition": "any", "Delay": 5_000_000_000_u64, "MaxAttempts": 0 },
                "Placement": {}, "ForceUpdate": 0, "Runtime": "container"
            },
            "Mode": { "Replicated": { "Replicas": 8 } },
            "UpdateConfig": { "Parallelism": 2, "FailureAction": "pause", "Monitor": 5_000_000_000_u64,
                "MaxFailureRatio": 0, "Order": "stop-first" },
            "RollbackConfig": { "Parallelism": 1, "FailureAction": "pause", "Monitor": 5_000_000_000_u64,
                "MaxFailureRatio": 0, "Order": "stop-first" },
            "EndpointSpec": { "Mode": "vip",
                "Ports": [{ "Protocol": "tcp", "TargetPort": 80, "PublishedPort": 80, "PublishMode": "ingress" }] }
        },
        "PreviousSpec": { "Name": "reply" },
        "Endpoint": { "Spec": {}, "VirtualIPs": [{ "NetworkID": "net-o", "Addr": "10.0.1.2/24" }] },
        "UpdateStatus": { "State": "rollback_completed", "StartedAt": "2024-05-01T09:41:00.1Z",
            "Message": "rollback completed" }
    });
    let service = read_service("read it", &service, &ids()).unwrap().unwrap();
    let wanted = ServiceSpec {
        ports: published().ports,
        update_config: Some(UpdateConfig {
            parallelism: Some(2),
            ..UpdateConfig::default()
        }),
        restart_policy: Some(RestartPolicy {
            condition: RestartCondition::Any,
            delay: None,
            max_attempts: None,
            window: None,
        }),
        ..plain("reply")
    };
    assert_eq!(service.spec, wanted.without_defaults());
    assert_eq!(service.update.unwrap().state, UpdateState::RollbackCompleted);
}

#[test]
fn jobs_and_plugins_are_passed_over_and_nonsense_is_an_error() {
    let with = |spec: Value| read_service("read it", &json!({ "ID": "s1", "Spec": spec }), &ids());
    let mut job = plain("job").to_engine(&json!({}), &ids());
    job["Mode"] = json!({ "ReplicatedJob": { "MaxConcurrent": 1 } });
    assert_eq!(with(job), Ok(None));
    let mut plugin = plain("plugin").to_engine(&json!({}), &ids());
    plugin["TaskTemplate"] = json!({ "PluginSpec": {}, "Runtime": "plugin" });
    assert_eq!(with(plugin), Ok(None));
    let mut port = published().to_engine(&json!({}), &ids());
    port["EndpointSpec"]["Ports"][0]["PublishedPort"] = json!(70_000);
    assert!(with(port).is_err());
    let mut order = published().to_engine(&json!({}), &ids());
    order["UpdateConfig"]["Order"] = json!("sideways");
    assert!(with(order).is_err());
}
