//! Any spec, there and back again.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::json;
use subako_world::{
    Endpoint, FileMount, HealthCheck, Mode, Mount, MountKind, PublishMode, Resources, RestartCondition,
    RestartPolicy, ServiceNetwork, ServiceSpec, UpdateConfig, UpdateOrder,
};

use super::service_tests::{ids, plain, read};
use super::service_write::write_service;

fn word() -> BoxedStrategy<String> {
    "[a-zA-Z0-9/ ={}:._-]{1,12}".boxed()
}

fn key() -> BoxedStrategy<String> {
    "[A-Z_]{1,8}".boxed()
}

fn nanoseconds() -> BoxedStrategy<Option<u64>> {
    option::of(prop_oneof![
        Just(0_u64),
        Just(5_000_000_000),
        Just(10_000_000_000),
        1..1_u64 << 50
    ])
    .boxed()
}

fn number() -> BoxedStrategy<Option<u64>> {
    option::of(0_u64..5).boxed()
}

fn config() -> BoxedStrategy<UpdateConfig> {
    let action = option::of(prop_oneof![Just("pause"), Just("continue"), Just("rollback")]);
    let order = option::of(prop_oneof![
        Just(UpdateOrder::StopFirst),
        Just(UpdateOrder::StartFirst)
    ]);
    (
        nanoseconds(),
        action,
        option::of(0_u32..=1_000_000),
        nanoseconds(),
        order,
        number(),
    )
        .prop_map(
            |(delay, action, max_failure_ppm, monitor, order, parallelism)| UpdateConfig {
                delay,
                failure_action: action.map(str::to_owned),
                max_failure_ppm,
                monitor,
                order,
                parallelism,
            },
        )
        .boxed()
}

fn restart() -> BoxedStrategy<RestartPolicy> {
    let condition = prop_oneof![
        Just(RestartCondition::None),
        Just(RestartCondition::OnFailure),
        Just(RestartCondition::Any)
    ];
    (condition, nanoseconds(), number(), nanoseconds())
        .prop_map(|(condition, delay, max_attempts, window)| RestartPolicy {
            condition,
            delay,
            max_attempts,
            window,
        })
        .boxed()
}

fn mount() -> BoxedStrategy<Mount> {
    let kind = prop_oneof![
        Just(MountKind::Volume),
        Just(MountKind::Bind),
        Just(MountKind::Tmpfs)
    ];
    (kind, any::<bool>(), option::of(word()), word())
        .prop_map(|(kind, read_only, source, target)| Mount {
            kind,
            read_only,
            source,
            target,
        })
        .boxed()
}

fn port() -> BoxedStrategy<Endpoint> {
    let mode = prop_oneof![Just(PublishMode::Ingress), Just(PublishMode::Host)];
    let protocol = prop_oneof![Just("tcp"), Just("udp")];
    (mode, protocol, 1_u16.., 1_u16..)
        .prop_map(|(mode, protocol, published, target)| Endpoint {
            mode,
            protocol: protocol.to_owned(),
            published,
            target,
        })
        .boxed()
}

fn check() -> BoxedStrategy<HealthCheck> {
    (
        nanoseconds(),
        number(),
        nanoseconds(),
        vec(word(), 0..3),
        nanoseconds(),
    )
        .prop_map(|(interval, retries, start_period, test, timeout)| HealthCheck {
            interval,
            retries,
            start_period,
            test,
            timeout,
        })
        .boxed()
}

fn resources() -> BoxedStrategy<Resources> {
    (number(), number(), number(), number())
        .prop_map(
            |(limit_cpus, limit_memory, reserve_cpus, reserve_memory)| Resources {
                limit_cpus,
                limit_memory,
                reserve_cpus,
                reserve_memory,
            },
        )
        .boxed()
}

fn container() -> BoxedStrategy<ServiceSpec> {
    let texts = (
        vec(word(), 0..3),
        vec(word(), 0..3),
        btree_map(key(), word(), 0..3),
    );
    let maps = (btree_map(key(), word(), 0..3), btree_map(key(), word(), 0..3));
    let options = (
        option::of(word()),
        option::of(word()),
        nanoseconds(),
        option::of(check()),
    );
    (texts, maps, options, vec(mount(), 0..3))
        .prop_map(|(texts, maps, options, mounts)| ServiceSpec {
            command: texts.0,
            entrypoint: texts.1,
            environment: texts.2,
            labels: maps.0,
            container_labels: maps.1,
            user: options.0,
            working_dir: options.1,
            stop_grace_period: options.2,
            healthcheck: options.3,
            mounts,
            ..plain("reply")
        })
        .boxed()
}

fn files() -> BoxedStrategy<Vec<FileMount>> {
    let file = (word(), word(), 0_u32..0o7777).prop_map(|(name, target, mode)| FileMount {
        gid: "0".to_owned(),
        mode,
        name,
        target,
        uid: "1000".to_owned(),
    });
    vec(file, 0..3).boxed()
}

fn service() -> BoxedStrategy<ServiceSpec> {
    let placement = (vec(word(), 0..3), vec(word(), 0..3));
    let mode = prop_oneof![Just(Mode::Global), (0_u64..20).prop_map(Mode::Replicated)];
    let endpoint = (prop_oneof![Just("vip"), Just("dnsrr")], vec(port(), 0..3));
    let network = (
        prop_oneof![Just("back"), Just("my-overlay"), Just("net")],
        vec(word(), 0..2),
    );
    let policies = (option::of(restart()), option::of(config()), option::of(config()));
    let rest = (
        placement,
        mode,
        endpoint,
        vec(network, 0..3),
        policies,
        option::of(resources()),
    );
    (container(), rest, files(), files())
        .prop_map(|(spec, rest, secrets, configs)| {
            let (placement, mode, endpoint, networks, policies, resources) = rest;
            // A service is on a network once.
            let networks: BTreeMap<_, _> = networks.into_iter().collect();
            let networks = networks.into_iter().map(|(name, aliases)| ServiceNetwork {
                aliases,
                name: name.to_owned(),
            });
            ServiceSpec {
                secrets,
                configs,
                constraints: placement.0,
                preferences: placement.1,
                mode,
                endpoint_mode: endpoint.0.to_owned(),
                ports: endpoint.1,
                networks: networks.collect(),
                restart_policy: policies.0,
                update_config: policies.1,
                rollback_config: policies.2,
                resources,
                ..spec
            }
        })
        .boxed()
}

proptest! {
    #[test]
    fn any_service_reads_back_as_it_was_written(spec in service()) {
        prop_assert_eq!(read(write_service(&json!({}), &spec, &ids())), spec.canonical());
    }

    #[test]
    fn any_service_can_become_any_other(before in service(), after in service()) {
        let base = write_service(&json!({}), &before, &ids());
        prop_assert_eq!(read(write_service(&base, &after, &ids())), after.canonical());
    }

    #[test]
    fn the_canonical_form_is_its_own(spec in service()) {
        let canonical = spec.canonical();
        prop_assert_eq!(canonical.clone().canonical(), canonical);
    }
}
