//! Secrets and configs: their files in the swarm, and that a secret's content is nowhere else.

use std::fs;

use serde_json::Value;

use crate::faults::copy_of;
use crate::support::{CHANGED, Cluster, PASSWORD, Ran, settled, steps, texts};

const FILES: &str = r#"
[secret.password]
file = "password.txt"

[secret.token]
env = "TOKEN"

[config.page]
content = "hello"

[[service]]
name = "shop"
image = "nginx:1"
secrets = ["password", { source = "token", target = "api/token", uid = "33", mode = "0400" }]
configs = [{ source = "page", target = "/srv/index.html" }]
"#;

fn cluster() -> Cluster {
    Cluster::with_sections(FILES)
}

fn run(cluster: &Cluster, args: &[&str]) -> Ran {
    let ran = Ran::of(cluster.command(args).env("TOKEN", "a-token-of-the-shop"));
    assert_sealed("the output", &ran.said());
    ran
}

/// A content in no form that a program might write it in by mistake.
#[track_caller]
fn assert_sealed(place: &str, text: &str) {
    let plain = |secret: &str| {
        let digest = subako_state::Digest::of(secret);
        [secret.to_owned(), digest.hex()[..16].to_owned()]
    };
    for secret in [PASSWORD, CHANGED, "a-token-of-the-shop"] {
        let bytes: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
        let mut forms = plain(secret).to_vec();
        forms.push(bytes.join(","));
        // The password's beginning in base64.
        forms.push("Y29ycmVjdC1ob3Jz".to_owned());
        for form in forms {
            assert!(!text.contains(&form), "{place} contains a secret as `{form}`");
        }
    }
}

/// No file of Subako's holds a secret's content.
#[track_caller]
fn assert_all_sealed(cluster: &Cluster) {
    let kept: Vec<_> = texts(&cluster.state_dir()).collect();
    assert!(kept.len() > 2, "{kept:?}");
    for (place, text) in kept {
        assert_sealed(&place, &text);
    }
}

fn plan(cluster: &Cluster) -> Value {
    run(cluster, &["plan", "--format", "json"]).expect(0).json()
}

/// The swarm's own names of its files of a kind.
fn objects(cluster: &Cluster, kind: &str) -> Vec<String> {
    let world = cluster.world();
    let swarm = world["swarms"]
        .as_object()
        .expect("swarms")
        .values()
        .next()
        .expect("a swarm");
    let names = swarm[kind].as_array().expect("names");
    names
        .iter()
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect()
}

/// The service `shop` as the swarm has it.
fn shop(cluster: &Cluster) -> Value {
    let world = cluster.world();
    let swarm = world["swarms"].as_object().expect("swarms").values().next();
    swarm.expect("a swarm")["services"]["shop"].clone()
}

#[test]
fn a_service_gets_its_secrets_and_configs_and_nobody_else_does() {
    let cluster = cluster();
    let planned = steps(&plan(&cluster));
    for address in ["secret.password", "secret.token", "config.page"] {
        assert!(
            planned.contains(&format!("create {address}")),
            "{address}: {planned:?}"
        );
    }
    run(&cluster, &["apply", "--yes", "--format", "json"]).expect(0);
    let (secrets, configs) = (objects(&cluster, "secrets"), objects(&cluster, "configs"));
    let names = |objects: &[String], name: &str| {
        let digits = objects.iter().find_map(|object| object.strip_prefix(name));
        assert_eq!(digits.map(str::len), Some(16), "{objects:?}");
    };
    names(&secrets, "password-");
    names(&secrets, "token-");
    names(&configs, "page-");
    let shop = shop(&cluster);
    // Sorted by target, as what names them is made from their contents.
    let expected = serde_json::json!([
        { "gid": "0", "mode": "0400", "name": secrets[1], "target": "api/token", "uid": "33" },
        { "gid": "0", "mode": "0444", "name": secrets[0], "target": "password", "uid": "0" },
    ]);
    assert_eq!(shop["secrets"], expected);
    assert_eq!(shop["configs"][0]["target"], "/srv/index.html");
    for args in [
        &["plan", "--detailed-exitcode"][..],
        &["show"],
        &["status", "--format", "json"],
        &["state", "show", "secret.password"],
        &["graph"],
    ] {
        run(&cluster, args).expect(0);
    }
    assert_all_sealed(&cluster);
    run(&cluster, &["destroy", "--yes"]).expect(0);
    assert_all_sealed(&cluster);
}

#[test]
fn another_content_is_made_switched_to_and_the_old_one_collected() {
    let cluster = cluster();
    run(&cluster, &["apply", "--yes"]).expect(0);
    let before = objects(&cluster, "secrets");
    cluster.password(CHANGED);
    let planned = plan(&cluster);
    assert_eq!(
        steps(&planned),
        [
            "create secret.password",
            "delete secret.password",
            "update service.shop"
        ],
        "{planned:#}"
    );
    run(&cluster, &["plan"]).expect(0).says("its content differs");
    run(&cluster, &["apply", "--yes"]).expect(0);
    let after = objects(&cluster, "secrets");
    assert_eq!(after.len(), 2, "{after:?}");
    assert_ne!(after[0], before[0]);
    assert_eq!(after[1], before[1]);
    assert_eq!(shop(&cluster)["secrets"][1]["name"], after[0]);
    run(&cluster, &["plan", "--detailed-exitcode"]).expect(0);
    // The content of before is the object of before.
    cluster.password(PASSWORD);
    run(&cluster, &["apply", "--yes"]).expect(0);
    assert_eq!(objects(&cluster, "secrets"), before);
    // Neither named nor made any more.
    cluster.edit("secrets = [\"password\", ", "secrets = [");
    cluster.edit("[secret.password]\nfile = \"password.txt\"\n", "");
    run(&cluster, &["apply", "--yes"]).expect(0);
    assert_eq!(objects(&cluster, "secrets"), [before[1].clone()]);
    assert_all_sealed(&cluster);
}

#[test]
fn a_change_of_content_may_fail_at_any_call_and_be_killed_anywhere() {
    let template = cluster();
    run(&template, &["apply", "--yes"]).expect(0);
    let before = objects(&template, "secrets");
    template.password(CHANGED);
    for call in ["create_secret", "update_service", "remove_secret"] {
        for fault in [
            "error = \"boom\"",
            "timeout = \"before-effect\"",
            "timeout = \"after-effect\"",
        ] {
            let cluster = copy_of(&template);
            cluster.faults(&format!("{{ call = \"{call}\", {fault} }}"));
            let ran = run(&cluster, &["apply", "--yes"]);
            cluster.faults("");
            if ran.code == Some(3) {
                assert_eq!(objects(&cluster, "secrets"), before, "{call} {fault}");
            }
            run(&cluster, &["apply", "--yes"]).expect(0);
            let after = objects(&cluster, "secrets");
            assert_eq!(after.len(), 2, "{call} {fault}: {after:?}");
            assert_ne!(after[0], before[0], "{call} {fault}");
            run(&cluster, &["plan", "--detailed-exitcode"]).expect(0);
            assert_all_sealed(&cluster);
        }
    }
    for entry in 1.. {
        let cluster = copy_of(&template);
        let killed = cluster
            .command(&["apply", "--yes"])
            .env("TOKEN", "a-token-of-the-shop")
            .env("SUBAKO_CRASH_AFTER_ENTRY", entry.to_string())
            .output()
            .expect("the binary runs");
        run(&cluster, &["apply", "--yes"]).expect(0);
        let after = objects(&cluster, "secrets");
        assert!(after.len() == 2 && after[0] != before[0], "{entry}: {after:?}");
        run(&cluster, &["plan", "--detailed-exitcode"]).expect(0);
        assert_all_sealed(&cluster);
        if killed.status.success() {
            assert!(entry > 6, "{entry}");
            return;
        }
    }
}

#[test]
fn a_removed_file_is_made_again_and_a_foreign_one_is_left_alone() {
    let cluster = cluster();
    run(&cluster, &["apply", "--yes"]).expect(0);
    let before = objects(&cluster, "secrets");
    // Swarm removes no secret that a service uses: the service goes with it.
    run(&cluster, &["sim", "remove-service", "shop"]).expect(0);
    run(&cluster, &["sim", "remove-secret", &before[0]]).expect(0);
    run(&cluster, &["sim", "add-secret", "somebody-elses"]).expect(0);
    let planned = steps(&plan(&cluster));
    assert_eq!(
        planned,
        [
            "create secret.password",
            "create service.shop",
            "forget secret.password",
            "forget service.shop"
        ]
    );
    run(&cluster, &["apply", "--yes"]).expect(0);
    let after = objects(&cluster, "secrets");
    assert_eq!(after, [&before[0], "somebody-elses", &before[1]]);
    run(&cluster, &["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn a_plan_holds_for_the_content_that_it_was_made_with() {
    let cluster = cluster();
    run(&cluster, &["plan", "--out", "saved.plan"]).expect(0);
    cluster.password(CHANGED);
    run(&cluster, &["apply", "saved.plan", "--yes"]).expect(5);
    cluster.password(PASSWORD);
    run(&cluster, &["apply", "saved.plan", "--yes"]).expect(0);
    let plan = fs::read_to_string(cluster.dir.path().join("saved.plan")).expect("a plan");
    assert_sealed("the saved plan", &plan);
}

#[test]
fn a_state_without_its_key_gives_nothing_to_try_guesses_on() {
    let (one, other) = (cluster(), cluster());
    for cluster in [&one, &other] {
        run(cluster, &["apply", "--yes"]).expect(0);
    }
    assert_ne!(
        objects(&one, "secrets"),
        objects(&other, "secrets"),
        "the same contents under another key"
    );
    assert_eq!(objects(&one, "configs"), objects(&other, "configs"));
    fs::write(one.state_dir().join("seal.key"), "short").expect("written");
    run(&one, &["plan"]).expect(5).says("seal.key");
    // Another key makes other objects, and collects those of before.
    fs::remove_file(one.state_dir().join("seal.key")).expect("removed");
    run(&one, &["apply", "--yes"]).expect(0);
    assert_eq!(objects(&one, "secrets").len(), 2);
    run(&one, &["plan", "--detailed-exitcode"]).expect(0);
}

/// As a runner of CI is: neither the file nor the variable of the secrets is there.
fn without_secrets(cluster: &Cluster) {
    fs::remove_file(cluster.dir.path().join("password.txt")).expect("removed");
}

#[test]
fn a_plan_needs_no_content_of_a_secret_that_is_recorded() {
    let cluster = cluster();
    run(&cluster, &["apply", "--yes"]).expect(0);
    let before = objects(&cluster, "secrets");
    without_secrets(&cluster);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    cluster.run(&["validate"]).expect(0);
    cluster.edit("image = \"nginx:1\"", "image = \"nginx:2\"");
    let planned = cluster.run(&["plan"]).expect(0);
    planned.says(
        "note[secret-content] secret.password: the file password.txt is missing, so it is planned under its recorded name",
    );
    planned.says("the variable TOKEN of the environment is missing");
    cluster.run(&["plan", "--out", "review.plan"]).expect(0);
    let digest = cluster.run(&["plan", "--format", "json"]).expect(0).json()["digest"].clone();
    // Who applies has the contents: the same are the same plan, others are refused.
    cluster.password(CHANGED);
    let digest = digest.as_str().expect("a digest");
    run(&cluster, &["apply", "review.plan", "--yes"]).expect(5);
    run(&cluster, &["apply", "--expect", digest, "--yes"]).expect(5);
    cluster.password(PASSWORD);
    assert_eq!(plan_digest(&cluster), digest);
    without_secrets(&cluster);
    // What makes no secret needs none to apply either.
    cluster.run(&["apply", "review.plan", "--yes"]).expect(0);
    assert_eq!(objects(&cluster, "secrets"), before);
    assert_eq!(shop(&cluster)["secrets"][1]["name"], before[0]);
    cluster.run(&["destroy", "--yes"]).expect(0);
    assert_all_sealed(&cluster);
}

fn plan_digest(cluster: &Cluster) -> String {
    plan(cluster)["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn who_makes_a_secret_needs_its_content_before_anything_is_called() {
    let cluster = cluster();
    without_secrets(&cluster);
    cluster
        .run(&["plan"])
        .expect(1)
        .says("secret.password is new, so its content is needed: the file password.txt is missing");
    cluster.password(PASSWORD);
    run(&cluster, &["apply", "--yes"]).expect(0);
    let before = objects(&cluster, "secrets");
    // Somebody removed it: it is planned by its recorded name.
    run(&cluster, &["sim", "remove-service", "shop"]).expect(0);
    run(&cluster, &["sim", "remove-secret", &before[0]]).expect(0);
    let whole = plan_digest(&cluster);
    without_secrets(&cluster);
    let planned = cluster.run(&["plan"]).expect(0);
    planned.says("warning[secret-content] secret.password: an apply has to create it and needs its content");
    let digest = cluster.run(&["plan", "--format", "json"]).expect(0).json()["digest"].clone();
    assert_eq!(digest, whole);
    let world = settled(cluster.world());
    let state = fs::read(cluster.state_file()).expect("a state");
    let refused = cluster.run(&["apply", "--yes"]).expect(1);
    refused.says("secret.password cannot be created without its content");
    refused.says("nothing was changed");
    assert_eq!(settled(cluster.world()), world);
    assert_eq!(fs::read(cluster.state_file()).expect("a state"), state);
    assert!(!cluster.state_dir().join("journal.jsonl").exists());
    cluster.password(PASSWORD);
    run(&cluster, &["apply", "--expect", &whole, "--yes"]).expect(0);
    assert_eq!(objects(&cluster, "secrets"), before);
}

#[test]
fn a_recovery_asks_for_a_content_only_where_it_makes_the_secret() {
    let template = cluster();
    run(&template, &["apply", "--yes"]).expect(0);
    template.password(CHANGED);
    let kill = |entry: u32| {
        let cluster = copy_of(&template);
        let mut command = cluster.command(&["apply", "--yes"]);
        command.env("TOKEN", "a-token-of-the-shop");
        command.env("SUBAKO_CRASH_AFTER_ENTRY", entry.to_string());
        (command.status().expect("the binary runs").success(), cluster)
    };
    let (mut asked, mut not) = (0, 0);
    for entry in 1.. {
        let (ended, cluster) = kill(entry);
        if ended {
            break;
        }
        without_secrets(&cluster);
        let world = settled(cluster.world());
        let ran = cluster.run(&["recover", "--forward", "--yes"]);
        if ran.code == Some(0) {
            not += 1;
        } else {
            asked += 1;
            ran.expect(1).says("secret.password cannot be created");
            assert_eq!(settled(cluster.world()), world, "{entry}");
            if entry % 2 == 0 {
                cluster.run(&["recover", "--back", "--yes"]).expect(0);
                continue;
            }
            cluster.password(CHANGED);
            run(&cluster, &["recover", "--forward", "--yes"]).expect(0);
        }
        cluster.password(CHANGED);
        run(&cluster, &["plan", "--detailed-exitcode"]).expect(0);
        assert_all_sealed(&cluster);
    }
    assert!(asked > 1 && not > 1, "{asked} asked for it, {not} did not");
}

#[test]
fn a_saved_plan_brings_the_values_of_its_variables() {
    let cluster = cluster();
    cluster.edit(
        "image = \"nginx:1\"",
        "image = \"nginx:${var:release}\"\nhostname = \"${env:HOST_NAME}\"",
    );
    let planned = Ran::of(
        cluster
            .command(&["plan", "--var", "release=2", "--out", "review.plan"])
            .envs([("TOKEN", "a-token-of-the-shop"), ("HOST_NAME", "shop")]),
    );
    planned.expect(0);
    let text = fs::read_to_string(cluster.dir.path().join("review.plan")).expect("a plan");
    assert_sealed("the saved plan", &text);
    run(&cluster, &["plan"]).expect(1);
    run(&cluster, &["apply", "review.plan", "--yes", "--var", "release=3"]).expect(5);
    run(&cluster, &["apply", "review.plan", "--yes"]).expect(0);
    assert_eq!(shop(&cluster)["hostname"], "shop");
}
