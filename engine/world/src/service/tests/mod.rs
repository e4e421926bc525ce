//! The table, and what follows from it.

mod engine;
mod properties;

use std::collections::BTreeMap;

use super::*;

const SECOND: u64 = 1_000_000_000;

fn plain() -> ServiceSpec {
    ServiceSpec::new("s", "docker.io/library/i:latest")
}

#[test]
fn swarms_own_defaults_are_the_same_as_nothing() {
    let spelled_out = ServiceSpec {
        healthcheck: Some(HealthCheck::default()),
        resources: Some(Resources {
            limit_cpus: Some(0),
            ..Resources::default()
        }),
        restart_policy: Some(RestartPolicy {
            condition: RestartCondition::Any,
            delay: Some(5 * SECOND),
            max_attempts: Some(0),
            window: Some(0),
        }),
        stop_grace_period: Some(10 * SECOND),
        update_config: Some(UpdateConfig {
            delay: Some(0),
            failure_action: Some("pause".into()),
            max_failure_ppm: Some(0),
            monitor: Some(5 * SECOND),
            order: Some(UpdateOrder::StopFirst),
            parallelism: Some(1),
        }),
        user: Some(String::new()),
        ..plain()
    };
    assert_eq!(spelled_out.canonical(), plain());
}

#[test]
fn what_differs_from_the_defaults_is_kept() {
    let all_at_once = ServiceSpec {
        update_config: Some(UpdateConfig {
            parallelism: Some(0),
            ..UpdateConfig::default()
        }),
        restart_policy: Some(RestartPolicy {
            condition: RestartCondition::None,
            delay: Some(0),
            max_attempts: None,
            window: None,
        }),
        stop_grace_period: Some(0),
        ..plain()
    };
    assert_eq!(all_at_once.clone().canonical(), all_at_once);
}

#[test]
fn ports_are_sorted() {
    let port = |published| Endpoint {
        mode: PublishMode::Ingress,
        protocol: "tcp".into(),
        published,
        target: 80,
    };
    let spec = ServiceSpec {
        ports: vec![port(81), port(80)],
        ..plain()
    };
    assert_eq!(spec.canonical().ports, [port(80), port(81)]);
}

#[test]
fn images_and_constraints_are_compared_by_what_they_mean() {
    let written = ServiceSpec {
        image: "i".into(),
        constraints: vec!["node.role==Worker".into(), "node.labels.a != b".into()],
        ..plain()
    };
    let meant = ServiceSpec {
        constraints: vec!["node.labels.a != b".into(), "node.role == worker".into()],
        ..plain()
    };
    assert_eq!(written.clone().canonical(), meant.clone().canonical());
    let mut shown = meant;
    shown.align(&written);
    assert_eq!(shown, written);
    let other = ServiceSpec {
        constraints: vec!["node.role != worker".into()],
        ..plain()
    };
    assert_ne!(other.canonical(), written.canonical());
}

#[test]
fn a_key_has_one_name_one_place_and_one_unit() {
    fn walk(keys: Vec<Key>, path: &[&'static str], seen: &mut Vec<Vec<&'static str>>) {
        for key in keys {
            let place: Vec<_> = path.iter().chain(key.at).copied().collect();
            assert!(!seen.contains(&place), "{} is where another is", key.name);
            assert_eq!(unit(key.name), key.unit, "{} has two units", key.name);
            seen.push(place.clone());
            walk(key.nested, &place, seen);
        }
    }
    walk(ServiceSpec::keys(), &[], &mut Vec::new());
}

#[test]
fn the_json_of_a_spec_has_the_keys_of_the_table_and_only_those_that_say_something() {
    let keys = |spec: &ServiceSpec| {
        let json = serde_json::to_value(spec).expect("json");
        let keys = json.as_object().expect("an object").keys();
        keys.cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys(&plain()), ["endpoint_mode", "image", "mode", "name"]);
    let all: Vec<&str> = ServiceSpec::keys().iter().map(|key| key.name).collect();
    assert_eq!(keys(&engine::full()), all);
}

#[test]
fn a_service_that_is_an_update_of_itself_is_not_touched() {
    let ids = engine::ids();
    let there = engine::full().to_engine(&serde_json::json!({}), &ids);
    assert_eq!(engine::full().to_engine(&there, &ids), there);
    let mut by_hand = there.clone();
    by_hand["TaskTemplate"]["Placement"]["Constraints"] = serde_json::json!(["node.role==worker"]);
    by_hand["TaskTemplate"]["ContainerSpec"]["Image"] = "docker.io/mingsiro71/replyhost:latest".into();
    assert_eq!(engine::full().to_engine(&by_hand, &ids), by_hand);
}

#[test]
fn a_secret_that_was_made_again_under_its_name_is_written_with_its_new_id() {
    let there = engine::full().to_engine(&serde_json::json!({}), &engine::ids());
    let secrets = BTreeMap::from([("pw-1".to_owned(), "sec-2".to_owned())]);
    let networks = BTreeMap::from([("my-overlay".to_owned(), "net-o".to_owned())]);
    let configs = BTreeMap::from([("nginx-1".to_owned(), "con-1".to_owned())]);
    let ids = Ids::new(networks).with_files(secrets, configs);
    let after = engine::full().to_engine(&there, &ids);
    assert_eq!(
        after["TaskTemplate"]["ContainerSpec"]["Secrets"][0]["SecretID"],
        "sec-2"
    );
}
