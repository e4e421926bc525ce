//! The Engine API: what is sent, what is made of the answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use subako_engine::world::{
    Availability, Certainty, Endpoint, Host, JoinRequest, Mode, NetworkSpec, NodeUpdate, PublishMode, Secret,
    ServiceSpec, TaskFilter,
};

use subako_world::Code;

use crate::docker::{Answer, Asked, Docker, error, ok};
use crate::sshd::{Sshd, available};
use crate::{connect, failure, info, notes, options};

/// A host whose engine follows `script`; `None` where there is no sshd.
pub async fn host(
    script: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static,
) -> Option<(Sshd, Docker, Arc<dyn Host>)> {
    if !available() {
        return None;
    }
    let sshd = Sshd::started("");
    let docker = Docker::start(sshd.dir.path(), script);
    let mut options = options(&sshd, sshd.port, "user");
    options.command_timeout = Duration::from_secs(3);
    let host = connect(options).await;
    Some((sshd, docker, host))
}

fn join() -> JoinRequest {
    JoinRequest {
        token: Secret::new("SWMTKN-1-x-y"),
        remote_addrs: vec!["10.0.0.235:2377".into()],
        advertise_addr: "10.0.0.7".into(),
    }
}

const GOES_ON: &str = "Timeout was reached before node joined. The attempt to join the swarm will continue in \
    the background. Use the \"docker info\" command to see the current swarm status of your node.";

#[tokio::test]
async fn a_join_that_outlives_its_call_is_waited_for() {
    let Some((_sshd, docker, host)) = host(|asked, before| match asked.path.as_str() {
        "/swarm/join" => error(503, GOES_ON),
        "/info" if before < 2 => ok(info("pending")),
        "/info" => ok(info("active")),
        _ => error(404, "page not found"),
    })
    .await
    else {
        return;
    };
    let (progress, notes) = notes();
    assert_eq!(host.swarm_join(&join(), &progress).await.unwrap(), "n1");
    assert!(
        notes
            .lock()
            .unwrap()
            .iter()
            .any(|note| note.contains("in the background"))
    );
    let sent = &docker.asked()[0];
    assert_eq!(
        sent.body,
        json!({ "ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": "10.0.0.7",
            "RemoteAddrs": ["10.0.0.235:2377"], "JoinToken": "SWMTKN-1-x-y" })
    );
}

#[tokio::test]
async fn a_join_that_never_completes_is_given_up_and_names_the_port() {
    let Some((_sshd, docker, host)) = host(|asked, _| match asked.path.as_str() {
        "/swarm/join" => error(503, GOES_ON),
        "/info" => ok(info("pending")),
        _ => ok(Value::Null),
    })
    .await
    else {
        return;
    };
    let failure = failure(host.swarm_join(&join(), &notes().0).await);
    assert_eq!(failure.certainty, Certainty::Unknown);
    let hint = failure.hint.clone().unwrap();
    assert!(
        hint.contains("2377/tcp") && hint.contains("10.0.0.235:2377"),
        "{hint}"
    );
    assert!(!format!("{failure:?}").contains("SWMTKN"));
    assert_eq!(docker.count("POST", "/swarm/leave?force=true"), 1);
}

#[tokio::test]
async fn a_second_join_is_refused_and_one_that_goes_on_is_waited_for() {
    for (earlier, joined) in [("pending", true), ("active", false)] {
        let Some((_sshd, docker, host)) = host(move |asked, before| match asked.path.as_str() {
            "/swarm/join" => error(503, "This node is already part of a swarm."),
            "/info" if before == 0 => ok(info(earlier)),
            "/info" => ok(info("active")),
            _ => ok(Value::Null),
        })
        .await
        else {
            return;
        };
        match host.swarm_join(&join(), &notes().0).await {
            Ok(id) => assert!(joined && id == "n1"),
            Err(failure) => {
                assert!(!joined, "{failure}");
                assert_eq!(failure.code, Code::AlreadyInSwarm);
                assert_eq!(failure.certainty, Certainty::NotApplied);
            }
        }
        assert_eq!(docker.count("POST", "/swarm/leave"), 0);
    }
}

#[tokio::test]
async fn an_update_out_of_sequence_is_read_again_and_tried_again() {
    let Some((_sshd, docker, host)) = host(|asked, before| match (asked.method.as_str(), before) {
        ("GET", _) => ok(json!({ "ID": "n1", "Version": { "Index": 10 + before },
            "Spec": { "Name": "kept", "Role": "worker", "Availability": "active", "Labels": { "by": before.to_string() } } })),
        _ if asked.path.ends_with("version=12") => ok(Value::Null),
        _ => error(500, "rpc error: code = Unknown desc = update out of sequence"),
    })
    .await
    else {
        return;
    };
    let drain = NodeUpdate {
        availability: Some(Availability::Drain),
        ..NodeUpdate::default()
    };
    host.update_node("n1", &drain).await.unwrap();
    let asked = docker.asked();
    let last = asked.last().unwrap();
    assert_eq!(last.path, "/nodes/n1/update?version=12");
    // What somebody else changed in between is what is sent on.
    assert_eq!(
        last.body,
        json!({ "Name": "kept", "Role": "worker", "Availability": "drain", "Labels": { "by": "2" } })
    );
}

pub fn spec(name: &str) -> ServiceSpec {
    ServiceSpec {
        mode: Mode::Replicated(8),
        ..ServiceSpec::new(name, "mingsiro71/replyhost")
    }
}

/// An engine with the services `reply` (s1) and `reply2` (s2), and a network.
pub fn two_services(asked: &Asked, _: usize) -> Answer {
    let service = |id: &str, name: &str| {
        json!({ "ID": id, "Version": { "Index": 5 }, "Spec": { "Name": name,
            "TaskTemplate": { "ContainerSpec": { "Image": "old", "Isolation": "default" }, "ForceUpdate": 2,
                "Networks": [{ "Target": "net-o" }] },
            "Mode": { "Replicated": { "Replicas": 5 } } } })
    };
    let path = asked
        .path
        .split_once('?')
        .map_or(asked.path.as_str(), |(path, _)| path);
    match (asked.method.as_str(), path) {
        // A filter by name answers every name that begins so.
        ("GET", "/services") => ok(json!([service("s2", "reply2"), service("s1", "reply")])),
        ("GET", "/services/s1") => ok(service("s1", "reply")),
        ("GET", "/networks") => ok(json!([
            { "Name": "ingress", "Id": "net-i", "Driver": "overlay", "Scope": "swarm", "Ingress": true },
            { "Name": "my-overlay", "Id": "net-o", "Driver": "overlay", "Scope": "swarm" },
            { "Name": "my-overlay", "Id": "net-o", "Driver": "overlay", "Scope": "swarm" }
        ])),
        ("GET", "/tasks") => ok(json!([
            { "ID": "t1", "ServiceID": "s1", "Slot": 1, "NodeID": "n1", "Status": { "State": "running" },
              "DesiredState": "running", "Spec": { "ContainerSpec": { "Image": "old" } } }
        ])),
        ("POST", "/services/create") if asked.body["EndpointSpec"].get("Ports").is_some() => error(
            400,
            "rpc error: code = InvalidArgument desc = port '80' is already in use by service 'reply' (s1) as an ingress port",
        ),
        ("POST", "/services/create") => error(
            409,
            "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service reply already exists",
        ),
        ("POST", "/networks/create") => error(409, "network with name my-overlay already exists"),
        ("POST" | "DELETE", _) => ok(json!({ "Warnings": null })),
        _ => error(404, "not found"),
    }
}

#[tokio::test]
async fn services_and_networks_are_read_sorted_with_names_for_ids() {
    let Some((_sshd, _docker, host)) = host(two_services).await else {
        return;
    };
    let services = host.services().await.unwrap();
    let names: Vec<&str> = services
        .iter()
        .map(|service| service.spec.name.as_str())
        .collect();
    assert_eq!(names, ["reply", "reply2"]);
    assert_eq!(services[0].spec.networks[0].name, "my-overlay");
    let networks = host.networks().await.unwrap();
    assert_eq!(networks.len(), 1);
    assert_eq!(networks[0].id, "net-o");
}

#[tokio::test]
async fn one_node_or_service_is_read_alone_and_by_its_whole_name() {
    let Some((_sshd, docker, host)) = host(|asked, before| {
        let node = json!({ "ID": "n1", "Spec": { "Role": "worker", "Availability": "active" },
            "Description": { "Hostname": "ip-10-0-0-1", "Engine": { "EngineVersion": "25.0.8" } },
            "Status": { "State": "ready", "Addr": "10.0.0.1" } });
        match asked.path.as_str() {
            // The engine finds a node by the beginning of its id, too.
            "/nodes/n1" | "/nodes/n" => ok(node),
            "/nodes/gone" => error(404, "node gone not found"),
            _ => two_services(asked, before),
        }
    })
    .await
    else {
        return;
    };
    let read = host.node("n1").await.unwrap();
    assert_eq!(read.map(|node| node.id).as_deref(), Some("n1"));
    assert_eq!(host.node("n").await.unwrap(), None);
    assert_eq!(host.node("gone").await.unwrap(), None);
    assert_eq!(
        docker
            .asked()
            .iter()
            .filter(|asked| asked.path == "/nodes")
            .count(),
        0
    );
    let service = host.service("reply").await.unwrap().unwrap();
    assert_eq!((service.id.as_str(), service.spec.name.as_str()), ("s1", "reply"));
    assert_eq!(service.spec.networks[0].name, "my-overlay");
    assert_eq!(host.service("rep").await.unwrap(), None);
    assert_eq!(
        docker
            .asked()
            .iter()
            .filter(|asked| asked.path == "/services")
            .count(),
        0
    );
}

#[tokio::test]
async fn an_update_starts_from_what_is_there_and_forces_when_asked_to() {
    let Some((_sshd, docker, host)) = host(two_services).await else {
        return;
    };
    host.update_service(&spec("reply"), true).await.unwrap();
    let asked = docker.asked();
    let last = asked.last().unwrap();
    assert_eq!(last.path, "/services/s1/update?version=5");
    let template = &last.body["TaskTemplate"];
    assert_eq!(
        template["ContainerSpec"],
        json!({ "Image": "mingsiro71/replyhost", "Isolation": "default" })
    );
    assert_eq!(template["ForceUpdate"], json!(3));
    assert_eq!(template.get("Networks"), None);
    let missing = failure(host.update_service(&spec("rep"), false).await);
    assert_eq!(missing.code, Code::NotFound);
}

#[tokio::test]
async fn what_exists_already_is_a_conflict_and_what_is_gone_is_removed_already() {
    let Some((_sshd, docker, host)) = host(two_services).await else {
        return;
    };
    let service = failure(host.create_service(&spec("reply")).await);
    assert_eq!(service.code, Code::AlreadyExists, "{service}");
    assert_eq!(service.certainty, Certainty::NotApplied);
    // Its own port comes first, and is not what matters; another's is.
    let with_port = |name| ServiceSpec {
        ports: vec![Endpoint {
            mode: PublishMode::Ingress,
            protocol: "tcp".into(),
            published: 80,
            target: 80,
        }],
        ..spec(name)
    };
    let own = failure(host.create_service(&with_port("reply")).await);
    assert_eq!(own.code, Code::AlreadyExists, "{own}");
    let others = failure(host.create_service(&with_port("third")).await);
    assert_eq!(others.code, Code::Taken, "{others}");
    let network = failure(host.create_network(&overlay()).await);
    assert_eq!(network.code, Code::AlreadyExists, "{network}");
    // `rep` is no service, although a service's name begins with it.
    host.remove_service("rep").await.unwrap();
    host.remove_network("net-o").await.unwrap();
    assert_eq!(docker.count("DELETE", "/"), 0);
    host.remove_service("reply").await.unwrap();
    assert_eq!(docker.count("DELETE", "/services/s1"), 1);
}

fn overlay() -> NetworkSpec {
    NetworkSpec {
        attachable: false,
        driver: "overlay".into(),
        encrypted: false,
        internal: false,
        labels: BTreeMap::new(),
        name: "my-overlay".into(),
        options: BTreeMap::new(),
        subnet: None,
    }
}

#[tokio::test]
async fn a_network_is_there_once_it_is_allocated_and_gone_once_its_last_copy_is() {
    let network =
        |driver: &str| json!({ "Name": "my-overlay", "Id": "net-o", "Driver": driver, "Scope": "swarm" });
    let Some((_sshd, docker, host)) =
        host(
            move |asked, before| match (asked.method.as_str(), asked.path.as_str(), before) {
                ("POST", "/networks/create", _) => Answer::Json(201, json!({ "Id": "net-o" })),
                ("GET", "/networks/net-o", 0) => ok(network("")),
                ("GET", "/networks/net-o", _) => ok(network("overlay")),
                ("DELETE", _, 0) => error(400, "network my-overlay is in use by task t1"),
                ("DELETE", _, 1) => Answer::Json(204, Value::Null),
                ("DELETE", _, _) => error(500, "network net-o not found"),
                // In use, then removed, then only this node's own copy, then nothing.
                ("GET", _, 0..3) => ok(json!([network("overlay")])),
                _ => ok(json!([])),
            },
        )
        .await
    else {
        return;
    };
    assert_eq!(host.create_network(&overlay()).await.unwrap(), "net-o");
    assert_eq!(docker.count("GET", "/networks/net-o"), 2);
    host.remove_network("my-overlay").await.unwrap();
    assert_eq!(docker.count("DELETE", "/networks/net-o"), 3);
}

#[tokio::test]
async fn tasks_are_filtered_by_the_engine_and_carry_the_services_name() {
    let Some((_sshd, docker, host)) = host(two_services).await else {
        return;
    };
    let filter = TaskFilter {
        service: Some("reply".into()),
        node: Some("n1".into()),
        up_to_date: true,
    };
    let tasks = host.tasks(&filter).await.unwrap();
    assert_eq!(tasks[0].service, "reply");
    assert_eq!(
        docker.asked().last().unwrap().path,
        r#"/tasks?filters={"_up-to-date":["true"],"node":["n1"],"service":["s1"]}"#
    );
    let unknown = TaskFilter {
        service: Some("rep".into()),
        ..TaskFilter::default()
    };
    assert_eq!(host.tasks(&unknown).await.unwrap(), []);
}

#[tokio::test]
async fn leaving_no_swarm_and_removing_no_node_are_fine() {
    let Some((_sshd, _docker, host)) = host(|asked, _| match asked.path.as_str() {
        "/swarm/leave?force=false" => error(503, "This node is not part of a swarm"),
        _ => error(404, "node n9 not found"),
    })
    .await
    else {
        return;
    };
    host.swarm_leave(false).await.unwrap();
    host.remove_node("n9", false).await.unwrap();
}
