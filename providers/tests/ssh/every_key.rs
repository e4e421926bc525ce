//! Every key of a service, sent to a scripted engine and read back from it.

use std::sync::Mutex;

use serde_json::{Value, json};
use subako_engine::world::{Host, ServiceSpec};

use crate::docker::{Answer, Asked, error, ok};
use crate::engine::host;
use crate::service_keys::{Case, cases, manifest};

/// An engine that keeps one service as it is sent.
fn keeper() -> impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static {
    let kept: Mutex<(u64, Option<Value>)> = Mutex::new((1, None));
    move |asked, _| {
        let mut kept = kept.lock().unwrap();
        let list = |kept: &(u64, Option<Value>)| {
            let service = |spec| json!({ "ID": "s1", "Version": { "Index": kept.0 }, "Spec": spec });
            kept.1.iter().map(service).collect::<Vec<_>>()
        };
        let object = |name: &str| json!({ "ID": format!("id-{name}"), "Spec": { "Name": name } });
        let path = asked
            .path
            .split_once('?')
            .map_or(asked.path.as_str(), |(path, _)| path);
        match (asked.method.as_str(), path) {
            ("GET", "/networks") => ok(json!([
                { "Name": "back", "Id": "net-b", "Driver": "overlay", "Scope": "swarm" },
                { "Name": "front", "Id": "net-f", "Driver": "overlay", "Scope": "swarm" }
            ])),
            ("GET", "/secrets") => ok(json!(names("secret").map(|name| object(&name)))),
            ("GET", "/configs") => ok(json!(names("config").map(|name| object(&name)))),
            ("GET", "/services") => ok(json!(list(&kept))),
            ("GET", "/services/s1") => ok(list(&kept).remove(0)),
            ("POST", "/services/create") => {
                *kept = (kept.0 + 1, Some(asked.body.clone()));
                Answer::Json(201, json!({ "ID": "s1" }))
            }
            ("POST", "/services/s1/update") => {
                assert!(asked.path.ends_with(&format!("version={}", kept.0)));
                *kept = (kept.0 + 1, Some(asked.body.clone()));
                ok(json!({ "Warnings": null }))
            }
            ("DELETE", "/services/s1") => {
                kept.1 = None;
                ok(Value::Null)
            }
            _ => error(404, "not found"),
        }
    }
}

/// What the manifest's secrets or configs are called in the swarm.
fn names(kind: &str) -> [String; 2] {
    let manifest = manifest("");
    let files = match kind {
        "secret" => manifest.secrets,
        _ => manifest.configs,
    };
    let names: Vec<String> = files.into_iter().map(|file| file.object).collect();
    names.try_into().unwrap()
}

/// The service of a manifest, its files under their names in the swarm.
fn spec(lines: &str) -> ServiceSpec {
    let manifest = manifest(lines);
    let mut spec = manifest.services[0].spec.clone();
    for (mounts, files) in [
        (&mut spec.secrets, &manifest.secrets),
        (&mut spec.configs, &manifest.configs),
    ] {
        for mount in mounts {
            let file = files.iter().find(|file| file.name == mount.name).unwrap();
            mount.name.clone_from(&file.object);
        }
    }
    spec
}

async fn assert_is(host: &dyn Host, wanted: &ServiceSpec, key: &str) {
    let live = host.service(&wanted.name).await.unwrap().unwrap();
    let mut seen = live.spec;
    assert_eq!(seen.clone().canonical(), wanted.clone().canonical(), "{key}");
    seen.mask(wanted);
    seen.align(wanted);
    assert_eq!(seen, *wanted, "{key}");
}

#[tokio::test]
async fn every_key_of_a_service_is_sent_and_read_back() {
    let Some((_sshd, docker, host)) = host(keeper()).await else {
        return;
    };
    for case in cases().into_iter().filter(Case::is_swarms) {
        let (before, after) = (spec(case.before), spec(case.after));
        assert_ne!(
            before.clone().canonical(),
            after.clone().canonical(),
            "{}",
            case.key
        );
        host.create_service(&before).await.unwrap();
        assert_is(host.as_ref(), &before, case.key).await;
        if case.key != "name" {
            host.update_service(&after, false).await.unwrap();
            assert_is(host.as_ref(), &after, case.key).await;
            // Sent again it is the same to the letter, so that no task restarts.
            host.update_service(&after, false).await.unwrap();
            let asked = docker.asked().into_iter().rev();
            let mut updates = asked.filter(|asked| asked.path.contains("/update?"));
            let (again, sent) = (updates.next().unwrap(), updates.next().unwrap());
            assert_eq!(again.body, sent.body, "{}", case.key);
        }
        host.remove_service(&before.name).await.unwrap();
        host.remove_service(&after.name).await.unwrap();
    }
}
