//! The kind `service` by itself.

use subako_state::Json;

use super::*;
use crate::kinds::testing;
use crate::reference::Ref;
use crate::world::{
    Mode, Resources, RestartCondition, RestartPolicy, ServiceSpec, UpdateConfig, UpdateOrder,
};

fn swarm() -> Ref {
    Ref::to(Address::new("swarm", "sandbox"), "cluster_id")
}

fn running(slot: u64) -> Task {
    Task {
        id: format!("t{slot}"),
        service: "reply".into(),
        slot: Some(slot),
        node_id: Some("n1".into()),
        state: TaskState::Running,
        desired: TaskState::Running,
        error: None,
        image: "mingsiro71/replyhost".into(),
    }
}

fn sighted(change: impl FnOnce(&mut ServiceSpec)) -> Sighting {
    let wanted = Service::of(&testing::service_spec("reply"), swarm());
    let mut live = wanted.request(labels::owned(
        &wanted.spec.labels,
        &testing::ownership("service.reply", 0),
    ));
    change(&mut live);
    let mut view = testing::view();
    view.services = vec![world::Service {
        id: "s1".into(),
        spec: live,
        update: None,
    }];
    view.tasks = (1..=8).map(running).collect();
    let item = testing::item("service.reply", &wanted, Some(&ServiceOutputs::default()));
    testing::sight::<Service>(&testing::survey_of_swarm(view), &item)
}

#[test]
fn the_json_of_a_service_is_canonical() {
    testing::assert_canonical(&Service::of(&testing::service_spec("reply"), swarm()));
    testing::assert_canonical(&Service::of(&testing::full_service_spec(), swarm()));
}

#[test]
fn a_service_maps_to_swarms_terms_and_back() {
    for spec in [testing::service_spec("reply"), testing::full_service_spec()] {
        let service = Service::of(&spec, swarm());
        assert_eq!(service.request(spec.labels.clone()), spec);
        let json = Json::sorted(&service).expect("json");
        assert_eq!(json.decode::<Service>().expect("a service"), service);
    }
}

/// Swarm's own defaults, spelled out.
fn spelled_out() -> ServiceSpec {
    let config = UpdateConfig {
        delay: Some(0),
        failure_action: Some("pause".into()),
        max_failure_ppm: Some(0),
        monitor: Some(5_000_000_000),
        order: Some(UpdateOrder::StopFirst),
        parallelism: Some(1),
    };
    ServiceSpec {
        resources: Some(Resources {
            limit_cpus: Some(0),
            ..Resources::default()
        }),
        restart_policy: Some(RestartPolicy {
            condition: RestartCondition::Any,
            delay: Some(5_000_000_000),
            max_attempts: Some(0),
            window: Some(0),
        }),
        rollback_config: Some(config.clone()),
        stop_grace_period: Some(10_000_000_000),
        update_config: Some(config),
        user: Some(String::new()),
        working_dir: Some(String::new()),
        ..testing::service_spec("reply")
    }
}

/// What is seen of a service with its defaults spelled out, as an engine shows it.
fn sighted_spelled_out(change: impl FnOnce(&mut ServiceSpec)) -> Sighting {
    let wanted = Service::of(&spelled_out(), swarm());
    let owner = testing::ownership("service.reply", 0);
    let mut live = wanted
        .request(labels::owned(&wanted.spec.labels, &owner))
        .without_defaults();
    change(&mut live);
    let mut view = testing::view();
    view.services = vec![world::Service {
        id: "s1".into(),
        spec: live,
        update: None,
    }];
    view.tasks = (1..=8).map(running).collect();
    let item = testing::item("service.reply", &wanted, Some(&ServiceOutputs::default()));
    testing::sight::<Service>(&testing::survey_of_swarm(view), &item)
}

#[test]
fn a_default_that_is_spelled_out_is_what_an_engine_without_it_has() {
    assert_eq!(sighted_spelled_out(|_| {}), Sighting::AsRecorded);
}

#[test]
fn a_change_away_from_a_default_is_drift_only_where_it_is_spelled_out() {
    let changes: [fn(&mut ServiceSpec); 5] = [
        |live| live.stop_grace_period = Some(30_000_000_000),
        |live| live.user = Some("root".into()),
        |live| {
            live.update_config = Some(UpdateConfig {
                parallelism: Some(3),
                ..UpdateConfig::default()
            });
        },
        |live| {
            live.restart_policy = Some(RestartPolicy {
                condition: RestartCondition::Any,
                delay: Some(1),
                max_attempts: None,
                window: None,
            });
        },
        |live| {
            live.resources = Some(Resources {
                limit_cpus: Some(1),
                ..Resources::default()
            });
        },
    ];
    for change in changes {
        assert!(matches!(sighted_spelled_out(change), Sighting::There { .. }));
        // Where nobody manages it the spec is as recorded, and what there is beside it is known.
        let Sighting::There { spec, whole, .. } = sighted(change) else {
            panic!("there is more than is recorded");
        };
        let recorded = Service::of(&testing::service_spec("reply"), swarm());
        assert_eq!(spec, Json::sorted(&recorded).expect("json"));
        assert!(whole.is_some_and(|whole| whole != spec));
    }
}

#[test]
fn a_digest_that_a_registry_gave_is_no_drift_of_the_spec_but_known() {
    let seen = sighted(|live| live.image = image::pinned(&live.image, "sha256:abc"));
    let Sighting::There { spec, outputs, .. } = seen else {
        panic!("another digest is news");
    };
    assert!(!spec.as_str().contains("sha256:abc"), "{spec:?}");
    assert_eq!(outputs.as_str(), r#"{"image_digest":"sha256:abc"}"#);
}

#[test]
fn the_engines_defaults_are_not_drift_and_a_scale_by_hand_is() {
    assert_eq!(
        sighted(|live| {
            live.update_config = Some(UpdateConfig {
                order: Some(UpdateOrder::StopFirst),
                ..Default::default()
            });
            live.stop_grace_period = Some(10_000_000_000);
        }),
        Sighting::AsRecorded
    );
    let by_hand = sighted(|live| live.mode = Mode::Replicated(3));
    assert_eq!(by_hand.unconverged(), None, "it has what it asks for");
    let Sighting::There { spec, .. } = by_hand else {
        panic!("a scale by hand is drift");
    };
    assert!(spec.as_str().contains("\"replicas\":3"));
}

#[test]
fn a_service_with_fewer_tasks_than_it_asks_for_is_as_recorded_but_not_converged() {
    let seen = sighted(|live| live.mode = Mode::Replicated(9));
    assert_eq!(
        seen.unconverged().map(|found| found.to_string()).as_deref(),
        Some("8 of 9 running")
    );
}
