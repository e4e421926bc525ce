//! Any spec, there and back again.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use super::engine::{ids, plain, read};
use crate::FileMount;
use crate::service::*;

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
    (
        kind,
        any::<bool>(),
        option::of(word()),
        word(),
        option::of(1_u64..1 << 40),
    )
        .prop_map(|(kind, read_only, source, target, size)| Mount {
            kind,
            read_only,
            source,
            target,
            tmpfs_size: size.filter(|_| kind == MountKind::Tmpfs),
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
    let placement = (vec(word(), 0..3), vec(word(), 0..3), number());
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
                max_replicas_per_node: placement.2,
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
        prop_assert_eq!(read(&spec.to_engine(&json!({}), &ids())), spec.without_defaults());
    }

    #[test]
    fn any_service_can_become_any_other(before in service(), after in service()) {
        let base = before.to_engine(&json!({}), &ids());
        let read = read(&after.to_engine(&base, &ids()));
        prop_assert_eq!(read.canonical(), after.canonical());
    }

    #[test]
    fn the_canonical_form_is_its_own_and_means_the_same(spec in service()) {
        let canonical = spec.clone().canonical();
        prop_assert_eq!(&canonical.clone().canonical(), &canonical);
        prop_assert_eq!(&spec.clone().without_defaults().canonical(), &canonical);
    }

    #[test]
    fn another_spelling_is_the_same_service_and_is_left_alone(
        spec in service(),
        seed in any::<u64>(),
    ) {
        let other = respelled(spec.clone(), seed);
        prop_assert_eq!(other.clone().canonical(), spec.clone().canonical());
        // Written over what is there, nothing changes: no task restarts.
        let there = spec.to_engine(&json!({}), &ids());
        prop_assert_eq!(&other.to_engine(&there, &ids()), &there);
        let mut aligned = other;
        aligned.align(&spec);
        prop_assert_eq!(aligned, spec);
    }

    #[test]
    fn what_differs_in_meaning_is_written_beside_other_spellings(
        spec in service(),
        seed in any::<u64>(),
        replicas in 30_u64..40,
    ) {
        let other = ServiceSpec { mode: Mode::Replicated(replicas), ..respelled(spec.clone(), seed) };
        let there = spec.to_engine(&json!({}), &ids());
        let mut sent = other.to_engine(&there, &ids());
        prop_assert_eq!(&sent["Mode"]["Replicated"]["Replicas"], &json!(replicas));
        sent["Mode"] = there["Mode"].clone();
        prop_assert_eq!(sent, there);
    }

    #[test]
    fn what_is_nobodys_is_masked_and_what_is_spelled_out_is_compared(
        spoken in service(),
        live in service(),
    ) {
        let mut seen = live.clone().without_defaults();
        seen.mask(&spoken);
        seen.align(&spoken);
        // Masking twice is masking once, and what is as spoken of is seen as spoken.
        let mut again = seen.clone();
        again.mask(&spoken);
        again.align(&spoken);
        prop_assert_eq!(&again, &seen);
        let mut own = spoken.clone().without_defaults();
        own.mask(&spoken);
        own.align(&spoken);
        prop_assert_eq!(&own, &spoken);
        prop_assert_eq!(seen.user.is_some(), spoken.user.is_some());
        prop_assert_eq!(seen.stop_grace_period.is_some(), spoken.stop_grace_period.is_some());
    }
}

/// A live service as a plan compares it (`seen` of the kind): the settings that neither the record
/// nor the manifest speaks of are unmanaged.
fn seen(live: &ServiceSpec, recorded: &ServiceSpec, wanted: &ServiceSpec) -> ServiceSpec {
    let mut seen = live.clone().without_defaults();
    seen.mask(&wanted.clone().either(recorded.clone().without_defaults()));
    seen.align(recorded);
    seen
}

proptest! {
    #[test]
    fn a_change_leaves_alone_what_it_does_not_speak_of_and_its_undo_restores_what_was_there(
        recorded in service(),
        by_hand in service(),
        wanted in service(),
        seed in any::<u64>(),
    ) {
        // Of a service that was made as recorded some keys were set by hand, and the manifest has
        // changed some: each of the three has a key from one side or the other.
        let live = mixed(&recorded, &by_hand, seed);
        let wanted = mixed(&recorded, &wanted, seed.rotate_left(32));
        let before = seen(&live, &recorded, &wanted);
        let mut changed = wanted.clone();
        changed.keep(&before, &live);
        // As wanted, as far as a plan looks.
        prop_assert_eq!(seen(&changed, &wanted, &wanted).canonical(), wanted.clone().canonical());
        let mut back = before.clone();
        back.keep(&wanted, &changed);
        prop_assert_eq!(back.canonical(), live.clone().canonical());
        // A change that speaks of nothing changes nothing.
        let mut same = respelled(before.clone(), seed);
        same.keep(&before, &live);
        prop_assert_eq!(same.canonical(), live.canonical());
    }
}

/// One service with some keys of another.
fn mixed(one: &ServiceSpec, other: &ServiceSpec, seed: u64) -> ServiceSpec {
    let pick = |bit: u32| seed >> bit & 1 == 1;
    let mut mixed = one.clone();
    if pick(0) {
        mixed.stop_grace_period = other.stop_grace_period;
    }
    if pick(1) {
        mixed.user.clone_from(&other.user);
        mixed.init = other.init;
    }
    if pick(2) {
        mixed.resources.clone_from(&other.resources);
    }
    if pick(3) {
        mixed.restart_policy.clone_from(&other.restart_policy);
    }
    if pick(4) {
        mixed.update_config.clone_from(&other.update_config);
    }
    if pick(5) {
        mixed.rollback_config.clone_from(&other.rollback_config);
    }
    if pick(6) {
        mixed.healthcheck.clone_from(&other.healthcheck);
    }
    if pick(7) {
        mixed.environment.clone_from(&other.environment);
        mixed.labels.clone_from(&other.labels);
    }
    if pick(8) {
        mixed.mode = other.mode;
        mixed.ports.clone_from(&other.ports);
    }
    if pick(9) {
        mixed.hostname.clone_from(&other.hostname);
        mixed.working_dir.clone_from(&other.working_dir);
        mixed.constraints.clone_from(&other.constraints);
    }
    mixed
}

/// The same service, spelled in another way: defaults left out or written down, lists turned round,
/// names that Docker fills in filled in.
fn respelled(mut spec: ServiceSpec, seed: u64) -> ServiceSpec {
    let coin = |bit: u32| seed >> bit & 1 == 1;
    if coin(0) {
        spec = spec.without_defaults();
    }
    if coin(1) {
        spec.constraints.reverse();
        spec.ports.reverse();
        spec.networks.reverse();
        spec.secrets.reverse();
    }
    if coin(2) {
        spec.constraints = spec
            .constraints
            .iter()
            .map(|text| match text.split_once("==") {
                // A second operator is part of the value, whose spaces mean something.
                Some((key, value)) if !text.contains("!=") && !value.contains('=') => {
                    format!("{key} == {value}")
                }
                _ => text.clone(),
            })
            .collect();
    }
    if coin(3) {
        spec.image = crate::image::canonical(&spec.image);
    }
    spell_out(&mut spec, coin);
    spec
}

fn spell_out(spec: &mut ServiceSpec, coin: impl Fn(u32) -> bool) {
    let second = 1_000_000_000;
    if coin(4) {
        spec.stop_grace_period.get_or_insert(10 * second);
        spec.user.get_or_insert_with(String::new);
        spec.working_dir.get_or_insert_with(String::new);
    }
    if coin(5) {
        let policy = spec.restart_policy.get_or_insert(RestartPolicy {
            condition: RestartCondition::Any,
            delay: None,
            max_attempts: None,
            window: None,
        });
        policy.delay.get_or_insert(5 * second);
        policy.max_attempts.get_or_insert(0);
    }
    if coin(6) {
        let resources = spec.resources.get_or_insert_with(Resources::default);
        resources.limit_cpus.get_or_insert(0);
    }
    for (bit, config) in [(7, &mut spec.update_config), (8, &mut spec.rollback_config)] {
        if coin(bit) {
            let config = config.get_or_insert_with(UpdateConfig::default);
            config.parallelism.get_or_insert(1);
            config.order.get_or_insert(UpdateOrder::StopFirst);
            config.failure_action.get_or_insert_with(|| "pause".to_owned());
            config.monitor.get_or_insert(5 * second);
        }
    }
    if coin(9) {
        let check = spec.healthcheck.get_or_insert_with(HealthCheck::default);
        check.retries.get_or_insert(0);
    }
}
