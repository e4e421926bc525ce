//! Variables: where their values come from, several environments from one manifest, and values that
//! messages keep back.

use std::fs;

use crate::support::{Cluster, Ran};

const VARIABLES: &str = "
[variable.environment]
description = \"which of them\"

[variable.replicas]
type = \"number\"
default = 2

[variable.greeting]
sensitive = true
default_ = \"\"
";

fn cluster() -> Cluster {
    let cluster = Cluster::with(|text| VARIABLES.replace("default_ = \"\"\n", "") + &text);
    cluster.edit(
        "name = \"sandbox\"\nprovider",
        "name = \"shop-${var:environment}\"\nprovider",
    );
    cluster.edit("replicas = 5", "replicas = \"${var:replicas}\"");
    cluster.edit("replicas = 8", "replicas = \"${env:REPLY:-3}\"");
    cluster.edit(
        "[[service]]\nname = \"helloworld\"",
        "[[service]]\nname = \"helloworld\"\nhostname = \"${var:greeting}\"",
    );
    cluster
}

fn file(cluster: &Cluster, name: &str, text: &str) {
    fs::write(cluster.dir.path().join(name), text).expect("written");
}

/// How many replicas a plan has of `reply2` and `reply`, and for which cluster it is.
fn planned(ran: &Ran) -> (String, u64, u64) {
    let plan = ran.json();
    let replicas = |name: &str| {
        let steps = plan["steps"].as_array().expect("steps");
        let step = steps
            .iter()
            .find(|step| step["address"] == format!("service.{name}"));
        step.expect("a step")["after"]["replicas"]
            .as_u64()
            .expect("a number")
    };
    let cluster = plan["cluster"].as_str().expect("a name").to_owned();
    (cluster, replicas("reply2"), replicas("reply"))
}

#[test]
fn the_last_to_speak_wins() {
    let cluster = cluster();
    file(
        &cluster,
        "base.toml",
        "environment = \"base\"\nreplicas = 4\ngreeting = \"hi\"\n",
    );
    file(&cluster, "prod.toml", "environment = \"prod\"\n");
    let plan = |args: &[&str], env: &[(&str, &str)]| {
        let args = [&["plan", "--format", "json"], args].concat();
        let ran = Ran::of(cluster.command(&args).envs(env.iter().copied()));
        planned(&ran.expect(0))
    };
    let given = [
        ("SUBAKO_VAR_environment", "env"),
        ("SUBAKO_VAR_greeting", "hi"),
        ("REPLY", ""),
    ];
    assert_eq!(plan(&[], &given), ("shop-env".into(), 2, 3));
    let more = [&given[..2], &[("REPLY", "7"), ("SUBAKO_VAR_replicas", "6")]].concat();
    assert_eq!(plan(&[], &more), ("shop-env".into(), 6, 7));
    let base = ["--var-file", "base.toml"];
    assert_eq!(plan(&base, &more), ("shop-base".into(), 4, 7));
    let both = ["--var-file", "base.toml", "--var-file", "prod.toml"];
    assert_eq!(plan(&both, &[]), ("shop-prod".into(), 4, 3));
    let typed = [&both[..], &["--var", "replicas=1"]].concat();
    assert_eq!(plan(&typed, &[]), ("shop-prod".into(), 1, 3));
}

#[test]
fn environments_of_one_manifest_have_states_of_their_own() {
    let cluster = cluster();
    for name in ["test", "prod"] {
        let text = format!("environment = \"{name}\"\ngreeting = \"hi\"\n");
        file(&cluster, &format!("{name}.toml"), &text);
        cluster
            .run(&[
                "apply",
                "--yes",
                "--rehearse=false",
                "--var-file",
                &format!("{name}.toml"),
            ])
            .expect(0);
    }
    for name in ["test", "prod"] {
        let said = cluster
            .run(&["show", "--cluster", &format!("shop-{name}")])
            .expect(0);
        said.says(&format!("shop-{name} on sim"));
        let file = format!("{name}.toml");
        cluster
            .run(&["plan", "--detailed-exitcode", "--var-file", &file])
            .expect(0);
    }
    // What a saved plan was made with comes along with it.
    cluster.edit(
        "replicas = \"${var:replicas}\"",
        "replicas = \"${var:replicas}\"\ninit = true",
    );
    cluster
        .run(&[
            "plan",
            "--var-file",
            "prod.toml",
            "--var",
            "replicas=3",
            "--out",
            "review.plan",
        ])
        .expect(0);
    fs::remove_file(cluster.dir.path().join("prod.toml")).expect("removed");
    cluster
        .run(&["apply", "review.plan", "--yes"])
        .expect(0)
        .says("shop-prod");
}

#[test]
fn a_value_that_is_not_wanted_is_an_error_and_a_sensitive_one_is_not_repeated() {
    let cluster = cluster();
    let plan = |args: &[&str]| {
        let all = [&["plan", "--var", "environment=e", "--var", "greeting=hi"], args].concat();
        cluster.run(&all).expect(1)
    };
    plan(&["--var", "replica=3"]).says("the manifest has no variable `replica` (from --var)");
    plan(&["--var", "replica=3"]).says("did you mean `replicas`?");
    plan(&["--var", "colour=3"]).says("it has `environment` (which of them)");
    plan(&["--var", "replicas=many"]).says("it is \"many\", from --var");
    file(
        &cluster,
        "bad.toml",
        "greeting = 'quite-secret'\nreplicas = [1]\n",
    );
    plan(&["--var-file", "bad.toml"]).says("`replicas` in bad.toml is a list");
    file(&cluster, "bad.toml", "greeting: quite secret\n");
    let said = plan(&["--var-file", "bad.toml"]);
    said.says("line 1 of bad.toml is not TOML");
    assert!(!said.said().contains("quite secret"), "{}", said.said());
    plan(&["--var-file", "missing.toml"]).says("missing.toml");
    let said = plan(&["--var", "greeting=not a host name"]);
    said.says("`greeting` is \"(sensitive)\", from --var");
    assert!(!said.said().contains("not a host"), "{}", said.said());
    cluster
        .run(&["plan"])
        .expect(1)
        .says("the variable `environment` has no value");
}
