//! The kind `service` over ssh: a service whose tasks only ever fail is not waited for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use subako_engine::kind::{Known, Machines, StepContext};
use subako_engine::kinds::registry;
use subako_engine::world::{Certainty, Failure, Ownership, Progress, ScaledClock, World};
use subako_providers::sim::{SimOptions, Simulator};
use subako_state::{Address, Json};

use crate::docker::{Answer, Asked, Docker, error, ok};
use crate::sshd::{Sshd, available};
use crate::{failure, hosts, options};

/// One manager, and nothing else.
struct OneManager;

impl Known for OneManager {
    fn get(&self, address: &Address) -> Option<(Json, Json)> {
        let json = |value: Value| Json::canonical(&value).expect("json");
        (address.as_str() == "instance.manager-0").then(|| {
            let spec = json!({ "ami": "a", "disk_encrypted": false, "disk_gib": 8, "image_id": "ami-1",
                "instance_type": "t3.micro", "key_name": null, "name": "manager-0", "private_ip": null,
                "protect": false, "public_ip": null, "running": true, "security_group": "sg-1",
                "subnet_id": "subnet-1", "tags": {}, "zone": "a" });
            let outputs = json!({ "instance_id": "i-0", "private_ip": "127.0.0.1", "public_ip": null });
            (json(spec), json(outputs))
        })
    }

    fn of_kind(&self, _kind: &str) -> Vec<Address> {
        Vec::new()
    }

    fn of_group(&self, _group: &str) -> Vec<Address> {
        vec![Address::new("member", "manager-0")]
    }

    fn machines(&self) -> Vec<&'static dyn Machines> {
        registry().machines()
    }
}

/// Creates the service `reply` on an engine whose tasks are as `tasks` says, look by look.
async fn created(tasks: impl Fn(usize) -> Value + Send + Sync + 'static) -> Option<Failure> {
    if !available() {
        return None;
    }
    let sshd = Sshd::started("");
    let service = json!([{ "ID": "s1", "Version": { "Index": 1 }, "Spec": { "Name": "reply",
        "TaskTemplate": { "ContainerSpec": { "Image": "reply" } }, "Mode": { "Replicated": { "Replicas": 2 } } } }]);
    let node = json!([{ "ID": "n1", "Spec": { "Role": "manager", "Availability": "active",
        "Labels": { "subako.name": "manager-0" } }, "Description": { "Hostname": "ip-10-0-0-1",
        "Engine": { "EngineVersion": "25.0.8" } }, "Status": { "State": "ready", "Addr": "10.0.0.1" },
        "ManagerStatus": { "Leader": true, "Reachability": "reachable", "Addr": "10.0.0.1:2377" } }]);
    let _docker = Docker::start(sshd.dir.path(), move |asked: &Asked, before| -> Answer {
        match asked.path.split('?').next().unwrap_or_default() {
            "/info" => ok(
                json!({ "ServerVersion": "25.0.8", "Swarm": { "NodeID": "n1", "LocalNodeState": "active",
                "ControlAvailable": true, "Error": "", "RemoteManagers": null } }),
            ),
            "/networks" => ok(json!([])),
            "/nodes" => ok(node.clone()),
            "/services" => ok(service.clone()),
            "/services/create" => ok(json!({ "ID": "s1" })),
            "/tasks" => ok(tasks(before)),
            _ => error(404, "page not found"),
        }
    });
    let clock = Arc::new(ScaledClock::new(1));
    let sim = Simulator::open(SimOptions::default()).expect("a world");
    let cx = StepContext {
        world: World {
            hosts: Arc::new(hosts(options(&sshd, sshd.port, "user"))),
            clock,
            ..sim.world()
        },
        address: Address::new("service", "reply"),
        ownership: Ownership {
            cluster: "sandbox".into(),
            address: "service.reply".into(),
            generation: 0,
            token: "t".into(),
        },
        known: Arc::new(OneManager),
        progress: Progress::silent(),
        stop: None,
        former: None,
        lost: None,
        in_flight: Default::default(),
        had_converged: true,
    };
    let kinds = subako_engine::kinds::registry();
    let spec = json!({ "endpoint_mode": "vip", "image": "reply", "mode": "replicated", "name": "reply",
        "replicas": 2, "swarm": "c1" });
    let spec = Json::canonical(&spec).expect("json");
    let begun = Instant::now();
    let created = kinds.get("service").expect("a kind").create(&spec, &cx).await;
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    Some(failure(created))
}

fn task(slot: u64, attempt: usize, state: &str, desired: &str, error: &str) -> Value {
    json!({ "ID": format!("t{slot}-{attempt}"), "ServiceID": "s1", "Slot": slot, "NodeID": "n1",
        "Spec": { "ContainerSpec": { "Image": "reply" } }, "DesiredState": desired,
        "Status": { "State": state, "Err": error } })
}

#[tokio::test]
async fn a_container_that_crashes_again_and_again_fails_early_with_its_own_error() {
    // The engine remembers one failed task a slot, and always shows the next attempt.
    let Some(failure) = created(|look| {
        let of = |slot| {
            [
                task(slot, look, "failed", "shutdown", "task: non-zero exit (7)"),
                task(slot, look + 1, "running", "running", ""),
            ]
        };
        Value::from([of(1), of(2)].concat())
    })
    .await
    else {
        return;
    };
    assert_eq!(failure.certainty, Certainty::Unknown);
    assert_eq!(
        failure.message,
        "no task stays up: reply.1 on manager-0: task: non-zero exit (7)"
    );
}

#[tokio::test]
async fn an_image_that_no_node_can_pull_fails_early() {
    let said = "No such image: reply:latest";
    let Some(failure) = created(move |look| {
        let mut tasks: Vec<Value> = (0..=look.min(5))
            .flat_map(|n| [1, 2].map(|slot| task(slot, n, "rejected", "shutdown", said)))
            .collect();
        tasks.extend([1, 2].map(|slot| task(slot, look + 1, "ready", "ready", "")));
        Value::from(tasks)
    })
    .await
    else {
        return;
    };
    assert_eq!(
        failure.message,
        format!("the nodes reject its tasks: reply.1 on manager-0: {said}")
    );
    assert!(failure.hint.is_some_and(|hint| hint.contains("name and tag")));
}
