//! Secrets and logins to registries: they go into the calls that need them, and nowhere else.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use subako_engine::world::{Certainty, Content, FileKind, FileSpec, ServiceSpec};

use subako_world::Code;

use crate::docker::{Docker, error, ok};
use crate::engine::{host, spec, two_services};
use crate::sshd::{Sshd, available};
use crate::{connect, failure, options};

#[tokio::test]
async fn a_secret_goes_into_the_call_that_makes_it_and_into_no_message() {
    let Some((_sshd, docker, host)) = host(|asked, before| {
        let path = asked.path.split('?').next().unwrap_or_default();
        match (asked.method.as_str(), path, before) {
            ("POST", "/secrets/create", 0) => ok(json!({ "ID": "x1" })),
            ("POST", "/secrets/create", _) => error(
                409,
                "rpc error: code = AlreadyExists desc = secret pw-1 already exists",
            ),
            ("GET", "/secrets", _) => ok(json!([
                { "ID": "x10", "Spec": { "Name": "pw-10", "Labels": {} } },
                { "ID": "x1", "Spec": { "Name": "pw-1", "Labels": { "by": "me" } } }
            ])),
            ("DELETE", "/secrets/x1", 0) => error(
                400,
                "rpc error: code = InvalidArgument desc = secret 'pw-1' is in use by the following service: web",
            ),
            ("DELETE", "/secrets/x1", _) => ok(Value::Null),
            _ => error(404, "page not found"),
        }
    })
    .await
    else {
        return;
    };
    let spec = FileSpec {
        labels: BTreeMap::from([("by".into(), "me".into())]),
        name: "pw-1".into(),
    };
    let content = Content::new(*b"hunter2");
    let made = host.create_file(FileKind::Secret, &spec, &content).await;
    assert_eq!(made.unwrap(), "x1");
    let sent = &docker.asked()[0];
    assert_eq!(
        sent.body,
        json!({ "Name": "pw-1", "Labels": { "by": "me" }, "Data": "aHVudGVyMg==" })
    );
    let again = failure(host.create_file(FileKind::Secret, &spec, &content).await);
    assert_eq!(again.code, Code::AlreadyExists);
    assert_eq!(again.certainty, Certainty::NotApplied);
    let said = format!("{again:?} {again}");
    assert!(!said.contains("hunter2") && !said.contains("aHVu"), "{said}");
    let files = host.files(FileKind::Secret).await.unwrap();
    assert_eq!((files[0].id.as_str(), &files[0].spec), ("x1", &spec));
    let in_use = failure(host.remove_file(FileKind::Secret, "pw-1").await);
    assert_eq!(in_use.code, Code::InUse);
    assert_eq!(in_use.certainty, Certainty::NotApplied);
    host.remove_file(FileKind::Secret, "pw-1").await.unwrap();
    host.remove_file(FileKind::Secret, "pw-2").await.unwrap();
    assert_eq!(docker.count("DELETE", "/secrets/x1"), 2);
}

/// A Docker configuration with a login to one registry.
fn logged_in(sshd: &Sshd) -> std::path::PathBuf {
    let file = sshd.file("config.json");
    // you:hunter2
    let config = json!({ "auths": { "r.example.com": { "auth": "eW91Omh1bnRlcjI=" } } });
    std::fs::write(&file, config.to_string()).unwrap();
    file
}

#[tokio::test]
async fn a_login_goes_to_its_own_registry_with_the_calls_that_need_it() {
    if !available() {
        return;
    }
    let sshd = Sshd::started("");
    let docker = Docker::start(sshd.dir.path(), |asked, _| {
        let path = asked.path.split('?').next().unwrap_or_default();
        match (asked.method.as_str(), path) {
            ("GET", "/distribution/r.example.com/a/b:1/json") => {
                ok(json!({ "Descriptor": { "digest": "sha256:abc", "size": 1 }, "Platforms": [] }))
            }
            ("GET", "/distribution/other.example.com/a/json") => error(
                401,
                "Head \"https://other.example.com/v2/a/manifests/latest\": unauthorized",
            ),
            ("POST", "/services/create") => ok(json!({ "ID": "s1" })),
            ("GET", "/services") => ok(json!([{ "ID": "s1", "Spec": { "Name": "web" } }])),
            ("GET", "/services/s1") => ok(json!({ "ID": "s1", "Version": { "Index": 3 },
                "Spec": { "Name": "web" } })),
            ("GET", _) => ok(json!([])),
            _ => ok(Value::Null),
        }
    });
    let mut options = options(&sshd, sshd.port, "user");
    options.docker_config = Some(logged_in(&sshd));
    let host = connect(options).await;
    let digest = host.image_digest("r.example.com/a/b:1").await;
    assert_eq!(digest.unwrap(), "sha256:abc");
    let refused = failure(host.image_digest("other.example.com/a").await);
    assert_eq!(refused.certainty, Certainty::NotApplied);
    let private = ServiceSpec {
        image: "r.example.com/a/b:1@sha256:abc".into(),
        ..spec("web")
    };
    host.create_service(&private).await.unwrap();
    host.update_service(&private, false).await.unwrap();
    host.create_service(&spec("web")).await.unwrap();
    let with_login: Vec<String> = docker
        .asked()
        .into_iter()
        .filter(|asked| asked.auth.is_some())
        .map(|asked| asked.path)
        .collect();
    assert_eq!(
        with_login,
        [
            "/distribution/r.example.com/a/b:1/json",
            "/services/create",
            "/services/s1/update?version=3"
        ]
    );
    // {"password":"hunter2","serveraddress":"r.example.com","username":"you"}
    let login =
        "eyJwYXNzd29yZCI6Imh1bnRlcjIiLCJzZXJ2ZXJhZGRyZXNzIjoici5leGFtcGxlLmNvbSIsInVzZXJuYW1lIjoieW91In0=";
    assert_eq!(docker.asked()[0].auth.as_deref(), Some(login));
    for asked in docker.asked() {
        assert!(!asked.body.to_string().contains("hunter2") && !asked.path.contains(login));
    }
}

#[tokio::test]
async fn a_login_that_cannot_be_read_stops_the_call_before_it_is_made() {
    let Some((sshd, docker, _)) = host(two_services).await else {
        return;
    };
    let mut options = options(&sshd, sshd.port, "user");
    options.docker_config = Some(sshd.file("no-such-config.json"));
    let host = connect(options).await;
    let failure = failure(host.create_service(&spec("web")).await);
    assert_eq!(failure.code, Code::Credentials);
    assert_eq!(failure.certainty, Certainty::NotApplied);
    assert_eq!(docker.count("POST", "/services/create"), 0);
}
