//! Specs there and back again: what is written reads back as it was, and what nobody manages stays.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::FileMount;
use crate::service::*;

pub(super) fn ids() -> Ids {
    let of = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        pairs
            .map(|(name, id)| ((*name).to_owned(), (*id).to_owned()))
            .collect()
    };
    let networks = of(&[("back", "net-b"), ("my-overlay", "net-o")]);
    Ids::new(networks).with_files(of(&[("pw-1", "sec-1")]), of(&[("nginx-1", "con-1")]))
}

pub(super) fn read(spec: &Value) -> ServiceSpec {
    ServiceSpec::from_engine(spec, &ids()).unwrap().unwrap()
}

/// The least that a service is.
pub(super) fn plain(name: &str) -> ServiceSpec {
    ServiceSpec {
        mode: Mode::Replicated(8),
        ..ServiceSpec::new(name, "mingsiro71/replyhost")
    }
}

fn file(name: &str, target: &str, mode: u32) -> FileMount {
    FileMount {
        gid: "33".into(),
        mode,
        name: name.into(),
        target: target.into(),
        uid: "0".into(),
    }
}

/// A service with something in every field.
pub(super) fn full() -> ServiceSpec {
    ServiceSpec {
        command: vec!["--port".into(), "80".into()],
        constraints: vec!["node.role == worker".into()],
        configs: vec![file("nginx-1", "/etc/nginx.conf", 0o444)],
        container_labels: BTreeMap::from([("c".into(), "1".into())]),
        entrypoint: vec!["/reply".into()],
        environment: BTreeMap::from([("EMPTY".into(), String::new()), ("X".into(), "a=b".into())]),
        healthcheck: Some(HealthCheck {
            interval: Some(5_000_000_000),
            retries: Some(3),
            start_period: Some(1_000_000_000),
            test: vec!["CMD-SHELL".into(), "true".into()],
            timeout: Some(2_000_000_000),
        }),
        hostname: Some("{{.Node.Hostname}}-{{.Task.Slot}}".into()),
        init: Some(true),
        labels: BTreeMap::from([("l".into(), "1".into())]),
        max_replicas_per_node: Some(4),
        mounts: vec![Mount {
            kind: MountKind::Volume,
            read_only: true,
            source: Some("data".into()),
            target: "/data".into(),
            tmpfs_size: None,
        }],
        networks: vec![ServiceNetwork {
            aliases: vec!["echo".into()],
            name: "my-overlay".into(),
        }],
        ports: vec![Endpoint {
            mode: PublishMode::Ingress,
            protocol: "tcp".into(),
            published: 80,
            target: 80,
        }],
        preferences: vec!["node.labels.zone".into()],
        resources: Some(Resources {
            limit_cpus: Some(500_000_000),
            limit_memory: Some(64 << 20),
            reserve_cpus: Some(100_000_000),
            reserve_memory: Some(16 << 20),
        }),
        restart_policy: Some(RestartPolicy {
            condition: RestartCondition::OnFailure,
            delay: Some(2_000_000_000),
            max_attempts: Some(4),
            window: Some(60_000_000_000),
        }),
        rollback_config: Some(UpdateConfig {
            parallelism: Some(0),
            ..UpdateConfig::default()
        }),
        secrets: vec![file("pw-1", "pw", 0o400)],
        stop_grace_period: Some(3_000_000_000),
        update_config: Some(UpdateConfig {
            delay: Some(1_000_000_000),
            failure_action: Some("rollback".into()),
            max_failure_ppm: Some(250_000),
            monitor: Some(2_000_000_000),
            order: Some(UpdateOrder::StartFirst),
            parallelism: Some(2),
        }),
        user: Some("1000".into()),
        working_dir: Some("/srv".into()),
        ..plain("reply")
    }
}

#[test]
fn the_json_is_what_the_engine_api_documents() {
    assert_eq!(
        full().to_engine(&json!({}), &ids()),
        json!({
            "Name": "reply",
            "Labels": { "l": "1" },
            "TaskTemplate": {
                "ContainerSpec": {
                    "Hostname": "{{.Node.Hostname}}-{{.Task.Slot}}",
                    "Image": "mingsiro71/replyhost",
                    "Init": true,
                    "Labels": { "c": "1" },
                    "Command": ["/reply"],
                    "Args": ["--port", "80"],
                    "Env": ["EMPTY=", "X=a=b"],
                    "Dir": "/srv",
                    "User": "1000",
                    "StopGracePeriod": 3_000_000_000_u64,
                    "Mounts": [{ "Type": "volume", "Source": "data", "Target": "/data", "ReadOnly": true }],
                    "Healthcheck": {
                        "Test": ["CMD-SHELL", "true"], "Interval": 5_000_000_000_u64,
                        "Timeout": 2_000_000_000, "StartPeriod": 1_000_000_000, "Retries": 3
                    },
                    "Secrets": [{
                        "SecretID": "sec-1", "SecretName": "pw-1",
                        "File": { "Name": "pw", "UID": "0", "GID": "33", "Mode": 0o400 }
                    }],
                    "Configs": [{
                        "ConfigID": "con-1", "ConfigName": "nginx-1",
                        "File": { "Name": "/etc/nginx.conf", "UID": "0", "GID": "33", "Mode": 0o444 }
                    }]
                },
                "Resources": {
                    "Limits": { "NanoCPUs": 500_000_000, "MemoryBytes": 64 << 20 },
                    "Reservations": { "NanoCPUs": 100_000_000, "MemoryBytes": 16 << 20 }
                },
                "RestartPolicy": {
                    "Condition": "on-failure", "Delay": 2_000_000_000, "MaxAttempts": 4,
                    "Window": 60_000_000_000_u64
                },
                "Placement": {
                    "Constraints": ["node.role == worker"],
                    "MaxReplicas": 4,
                    "Preferences": [{ "Spread": { "SpreadDescriptor": "node.labels.zone" } }]
                },
                "Networks": [{ "Target": "net-o", "Aliases": ["echo"] }]
            },
            "Mode": { "Replicated": { "Replicas": 8 } },
            "UpdateConfig": {
                "Parallelism": 2, "Delay": 1_000_000_000, "FailureAction": "rollback",
                "Monitor": 2_000_000_000, "MaxFailureRatio": 0.25, "Order": "start-first"
            },
            "RollbackConfig": { "Parallelism": 0 },
            "EndpointSpec": {
                "Mode": "vip",
                "Ports": [
                    { "Protocol": "tcp", "TargetPort": 80, "PublishedPort": 80, "PublishMode": "ingress" }
                ]
            }
        })
    );
}

#[test]
fn a_plain_service_has_nothing_in_it_that_was_not_asked_for() {
    assert_eq!(
        plain("reply").to_engine(&json!({}), &ids()),
        json!({
            "Name": "reply",
            "TaskTemplate": { "ContainerSpec": { "Image": "mingsiro71/replyhost" } },
            "Mode": { "Replicated": { "Replicas": 8 } },
            "EndpointSpec": { "Mode": "vip" }
        })
    );
}

#[test]
fn a_full_service_reads_back_as_it_was_written() {
    assert_eq!(read(&full().to_engine(&json!({}), &ids())), full());
}

#[test]
fn the_size_of_a_mount_of_memory_is_beside_what_else_it_has() {
    let mount = |tmpfs_size| Mount {
        kind: MountKind::Tmpfs,
        read_only: false,
        source: None,
        target: "/run".into(),
        tmpfs_size,
    };
    let with = |tmpfs_size| ServiceSpec {
        mounts: vec![mount(tmpfs_size)],
        ..plain("reply")
    };
    let base = json!({ "TaskTemplate": { "ContainerSpec": { "Mounts": [
        { "Type": "tmpfs", "Target": "/run", "TmpfsOptions": { "SizeBytes": 1024, "Mode": 448 } },
    ] } } });
    let written = |tmpfs_size, base: &Value| with(tmpfs_size).to_engine(base, &ids());
    let options = |spec: &Value| spec["TaskTemplate"]["ContainerSpec"]["Mounts"][0]["TmpfsOptions"].clone();
    let larger = written(Some(2048), &base);
    assert_eq!(options(&larger), json!({ "SizeBytes": 2048, "Mode": 448 }));
    assert_eq!(read(&larger).mounts, [mount(Some(2048))]);
    let unlimited = written(None, &base);
    assert_eq!(options(&unlimited), json!({ "Mode": 448 }));
    assert_eq!(read(&unlimited).mounts, [mount(None)]);
    assert_eq!(options(&written(None, &json!({}))), Value::Null);
}

#[test]
fn what_nobody_manages_survives_an_update() {
    let base = json!({
        "Name": "reply",
        "Labels": { "old": "1" },
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "old", "Isolation": "default", "Hostname": "h", "Env": ["OLD=1"],
                "DNSConfig": { "Nameservers": ["10.0.0.2"] },
                "Secrets": [{ "SecretID": "x", "SecretName": "x" }],
                "Configs": [{ "ConfigID": "c", "ConfigName": "c", "Runtime": {} }],
                "Healthcheck": { "Test": ["NONE"], "StartInterval": 1_000_000 },
                "Mounts": [
                    { "Type": "volume", "Source": "old", "Target": "/data", "VolumeOptions": { "NoCopy": true } },
                    { "Type": "bind", "Source": "/gone", "Target": "/gone" },
                    { "Type": "cluster", "Source": "group:x", "Target": "/csi" }
                ]
            },
            "Resources": { "Limits": { "Pids": 100, "NanoCPUs": 1 }, "Reservations": { "GenericResources": [] } },
            "Placement": { "Platforms": [{ "OS": "linux" }], "Constraints": ["old"] },
            "Networks": [{ "Target": "net-o", "DriverOpts": { "a": "b" } }, { "Target": "net-gone" }],
            "LogDriver": { "Name": "json-file" },
            "ForceUpdate": 3,
            "Runtime": "container"
        },
        "Mode": { "Replicated": { "Replicas": 1 } },
        "Networks": [{ "Target": "net-o" }],
        "EndpointSpec": { "Mode": "dnsrr" }
    });
    let after = full().to_engine(&base, &ids());
    let container = &after["TaskTemplate"]["ContainerSpec"];
    for key in ["Isolation", "DNSConfig"] {
        assert_eq!(
            container[key], base["TaskTemplate"]["ContainerSpec"][key],
            "{key}"
        );
    }
    // Secrets are the manifest's; a config that is no file is not.
    assert_eq!(container["Secrets"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        container["Configs"][1],
        json!({ "ConfigID": "c", "ConfigName": "c", "Runtime": {} })
    );
    assert_eq!(container["Healthcheck"]["StartInterval"], json!(1_000_000));
    assert_eq!(container["Healthcheck"]["Test"], json!(["CMD-SHELL", "true"]));
    assert_eq!(
        container["Mounts"],
        json!([
            { "Type": "volume", "Source": "data", "Target": "/data", "ReadOnly": true,
              "VolumeOptions": { "NoCopy": true } },
            { "Type": "cluster", "Source": "group:x", "Target": "/csi" }
        ])
    );
    let template = &after["TaskTemplate"];
    assert_eq!(template["Resources"]["Limits"]["Pids"], json!(100));
    assert_eq!(template["Resources"]["Limits"]["NanoCPUs"], json!(500_000_000));
    assert_eq!(
        template["Resources"]["Reservations"]["GenericResources"],
        json!([])
    );
    assert_eq!(template["Placement"]["Platforms"], json!([{ "OS": "linux" }]));
    assert_eq!(
        template["Placement"]["Constraints"],
        json!(["node.role == worker"])
    );
    assert_eq!(
        template["Networks"],
        json!([{ "Target": "net-o", "DriverOpts": { "a": "b" }, "Aliases": ["echo"] }])
    );
    for key in ["LogDriver", "ForceUpdate", "Runtime"] {
        assert_eq!(template[key], base["TaskTemplate"][key], "{key}");
    }
    assert_eq!(after.get("Networks"), None);
    assert_eq!(read(&after), full());
}

#[test]
fn what_is_no_longer_wanted_is_removed() {
    let base = full().to_engine(&json!({}), &ids());
    let after = plain("reply").to_engine(&base, &ids());
    assert_eq!(after, plain("reply").to_engine(&json!({}), &ids()));
}

#[test]
fn the_mode_is_kept_apart_and_read_with_its_default() {
    let global = ServiceSpec {
        mode: Mode::Global,
        ..plain("agent")
    };
    assert_eq!(read(&global.to_engine(&json!({}), &ids())).mode, Mode::Global);
    let mut one = plain("reply").to_engine(&json!({}), &ids());
    one["Mode"] = json!({ "Replicated": {} });
    assert_eq!(read(&one).mode, Mode::Replicated(1));
}

#[test]
fn a_network_that_is_not_known_goes_by_its_name() {
    let spec = ServiceSpec {
        networks: vec![ServiceNetwork {
            aliases: vec![],
            name: "nowhere".into(),
        }],
        ..plain("reply")
    };
    let written = spec.to_engine(&json!({}), &ids());
    assert_eq!(
        written["TaskTemplate"]["Networks"],
        json!([{ "Target": "nowhere" }])
    );
}
