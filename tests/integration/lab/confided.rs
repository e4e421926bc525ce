//! What is confided to a swarm: contents of secrets and configs, and a login to a registry. The
//! services get them, and nothing of Subako's keeps them.

use std::fs;

use super::bench::{Lab, containers};
use crate::support::{CHANGED, PASSWORD, Ran, replace};

const KEEPER: &str = r#"
[secret.password]
file = "password.txt"

[config.page]
content = "hello"

[[service]]
name = "keeper"
image = "alpine"
command = "sleep 1000000"
mode = "global"
stop_grace_period = "1s"
secrets = ["password"]
configs = [{ source = "page", target = "/srv/index.html", mode = "0440" }]
"#;

/// A service's task on the manager's host runs a command.
fn inside(lab: &Lab, service: &str, command: &str) -> String {
    let task = format!("$(docker ps -q -f label=com.docker.swarm.service.name={service} | head -1)");
    lab.on("manager-0", &format!("docker exec {task} {command}"))
}

/// What a run said, and every file that Subako keeps, has none of these.
#[track_caller]
fn assert_sealed(lab: &Lab, ran: &Ran, secrets: &[&str]) {
    let said = ("the output".to_owned(), ran.said());
    for (place, text) in lab.kept().into_iter().chain([said]) {
        for secret in secrets {
            assert!(!text.contains(secret), "{place} contains `{secret}`");
        }
    }
}

#[test]
fn secrets_and_configs_are_mounted_switched_and_collected() {
    let Some(lab) = Lab::turn("secrets and configs of a service") else {
        return;
    };
    lab.use_debian();
    lab.shrink();
    lab.write(&format!("{}{KEEPER}", lab.manifest()));
    let password = |text: &str| {
        fs::write(lab.dir.path().join("password.txt"), text).expect("written");
    };
    password(PASSWORD);
    let run = |args: &[&str], code| {
        let ran = lab.run(args).expect(code);
        assert_sealed(&lab, &ran, &[PASSWORD, CHANGED]);
        ran
    };
    run(&["apply", "--yes", "-v"], 0);
    // A newer engine than the other tests': the Engine API has gone on.
    let version = lab.on("manager-0", "docker version -f '{{.Server.APIVersion}}'");
    assert_ne!(version.trim(), "1.41", "Debian's hosts have the newer Docker");
    assert_eq!(
        inside(&lab, "keeper", "cat /run/secrets/password"),
        PASSWORD,
        "the secret in a task"
    );
    let mode = inside(&lab, "keeper", "stat -c %a:%u /srv/index.html");
    assert_eq!(mode.trim(), "440:0");
    assert_eq!(inside(&lab, "keeper", "cat /srv/index.html"), "hello");
    run(&["plan", "--detailed-exitcode"], 0);

    // Other contents, other objects: made, switched to, and the old ones collected.
    password(CHANGED);
    lab.edit("content = \"hello\"", "content = \"goodbye\"");
    run(&["plan", "--detailed-exitcode"], 2);
    run(&["apply", "--yes", "-v"], 0);
    assert_eq!(inside(&lab, "keeper", "cat /run/secrets/password"), CHANGED);
    assert_eq!(inside(&lab, "keeper", "cat /srv/index.html"), "goodbye");
    for kind in ["secret", "config"] {
        let left = lab.on("manager-0", &format!("docker {kind} ls -q | wc -l"));
        assert_eq!(left.trim(), "1", "{kind}s are left");
    }
    run(&["plan", "--detailed-exitcode"], 0);

    // A secret taken away by hand, with its service, is drift like any other.
    lab.on(
        "manager-0",
        "docker service rm keeper && docker secret rm $(docker secret ls -q)",
    );
    run(&["plan", "--detailed-exitcode"], 2)
        .says("secret.password")
        .says("service.keeper");
    run(&["apply", "--yes"], 0);
    assert_eq!(inside(&lab, "keeper", "cat /run/secrets/password"), CHANGED);

    // Neither in a command that came to a host, nor in a host's journal.
    for name in lab.names() {
        let said = lab.on(
            &name,
            "cat /var/log/lab-commands; journalctl --no-pager --output=cat",
        );
        assert!(said.contains("docker"), "{name} has a journal");
        for secret in [PASSWORD, CHANGED] {
            assert!(!said.contains(secret), "{name} has seen `{secret}`");
        }
    }
    run(&["destroy", "--yes"], 0);
    lab.assert_empty("after destroy");
}

/// A tag of the lab's registry that means another image until this is dropped.
struct Moved<'a>(&'a Lab);

impl<'a> Moved<'a> {
    fn latest(lab: &'a Lab) -> Self {
        lab.tool(&["image", "retag", "mingsiro71/replyhost", "v2", "latest"]);
        Self(lab)
    }
}

impl Drop for Moved<'_> {
    fn drop(&mut self) {
        self.0
            .tool(&["image", "retag", "mingsiro71/replyhost", "v1", "latest"]);
    }
}

#[test]
fn a_private_registry_is_logged_in_to_and_tags_are_pinned() {
    let Some(lab) = Lab::turn("a private registry") else {
        return;
    };
    lab.shrink();
    lab.edit("replicas = 8", "replicas = 2");
    let public = lab.manifest();
    let private = replace(
        &public,
        "image = \"mingsiro71/replyhost\"\nreplicas = 5",
        &format!(
            "image = \"{}\"\nmode = \"global\"",
            lab.text("/private_registry/image")
        ),
    );
    // Nobody has logged in: no task can pull it.
    lab.write(&private);
    lab.apply().expect(3).says("service.reply2").says("No such image");
    lab.assert_empty("after the rollback");

    let pair = format!(
        "{}:{}",
        lab.text("/private_registry/user"),
        lab.text("/private_registry/password")
    );
    // What `docker login` writes.
    let encoded = "bGFiOmxhYi1zZWNyZXQ=";
    assert_eq!(pair, "lab:lab-secret", "what is encoded here");
    fs::write(
        lab.dir.path().join("docker.json"),
        format!(
            "{{\"auths\":{{\"{}\":{{\"auth\":\"{encoded}\"}}}}}}",
            lab.text("/private_registry/name")
        ),
    )
    .expect("written");
    let logged_in = |text: &str| format!("{text}\n[registry]\ndocker_config = \"docker.json\"\n");
    lab.write(&logged_in(&private));
    let applied = lab.run(&["apply", "--yes", "-v"]).expect(0);
    let header = "eyJwYXNzd29yZCI6ImxhYi1zZWNyZXQ";
    assert_sealed(&lab, &applied, &["lab-secret", encoded, header]);
    let image = |service: &str| {
        let format = "{{.Spec.TaskTemplate.ContainerSpec.Image}}";
        let said = lab.on(
            "manager-0",
            &format!("docker service inspect -f '{format}' {service}"),
        );
        said.trim().to_owned()
    };
    for service in ["reply", "reply2", "helloworld"] {
        assert!(
            image(service).contains("@sha256:"),
            "{} is not pinned",
            image(service)
        );
    }
    lab.run(&["plan", "--detailed-exitcode"]).expect(0);

    // The tag means another image by now: what runs, stays; scaled, too.
    let address = lab.host("manager-0");
    let before = image("reply");
    let _moved = Moved::latest(&lab);
    lab.run(&["plan", "--detailed-exitcode"]).expect(0);
    lab.edit("replicas = 2", "replicas = 3");
    lab.apply().expect(0);
    assert_eq!(image("reply"), before);
    assert!(containers(&address).iter().all(|body| !body.contains("v2")));
    // And what comes back after a change that fails is what ran before it.
    let scaled = lab.manifest();
    lab.edit(
        "image = \"mingsiro71/replyhost\"        # answers",
        "image = \"no/such-image\"        # answers",
    );
    lab.apply().expect(3).says("No such image");
    assert_eq!(image("reply"), before);
    assert!(containers(&address).iter().all(|body| !body.contains("v2")));
    lab.write(&scaled);
    // Another image that is asked for is what its tag means now.
    lab.edit(
        "image = \"mingsiro71/replyhost\"        # answers",
        "image = \"mingsiro71/replyhost:v2\"        # answers",
    );
    lab.apply().expect(0);
    assert!(image("reply").starts_with("mingsiro71/replyhost:v2@sha256:"));
    assert!(
        containers(&address)
            .iter()
            .all(|body| body.starts_with("I am v2 "))
    );
    lab.run(&["destroy", "--yes"]).expect(0);
    lab.assert_empty("after destroy");
}
