//! The manifests in `examples` and the starter are good ones.

use std::fs;

use super::root;
use crate::manifest::{Disk, Manifest, Source, Starter, Variables, parse_with};
use crate::world::{Mode, Role};

pub fn example(name: &str) -> Manifest {
    let dir = root().join("examples");
    let text = fs::read_to_string(dir.join(name)).expect(name);
    let source = Source {
        name: name.to_owned(),
        text: text.into(),
        dir,
    };
    let vars = [("version", "1.8.2"), ("web_replicas", "6")];
    let vars = vars.into_iter();
    let vars = vars.filter(|(name, _)| source.text.contains(&format!("${{var:{name}}}")));
    let variables = Variables {
        env: [("HOME", "/home/me"), ("DATABASE_PASSWORD", "not-a-password")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        vars: vars
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        ..Variables::default()
    };
    parse_with(&source, &variables, &Disk).unwrap_or_else(|errors| panic!("{name}: {:#?}", errors.errors()))
}

pub fn names() -> Vec<String> {
    let entries = fs::read_dir(root().join("examples")).expect("examples");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.retain(|name| name.ends_with(".toml"));
    names.sort();
    names
}

#[test]
fn every_example_is_a_good_manifest() {
    let names = names();
    assert_eq!(
        names,
        ["minimal.toml", "production.toml", "sandbox.toml", "thousand.toml"]
    );
    for name in names {
        example(&name);
    }
}

#[test]
fn the_sandbox_is_the_cluster_of_the_article() {
    let sandbox = example("sandbox.toml");
    let pools: Vec<_> = sandbox
        .pools
        .iter()
        .map(|p| (p.name.as_str(), p.role, p.count, p.disk_gib))
        .collect();
    assert_eq!(
        pools,
        [("manager", Role::Manager, 3, 8), ("node", Role::Worker, 2, 8)]
    );
    let services: Vec<_> = sandbox
        .services
        .iter()
        .map(|s| (s.spec.name.as_str(), s.spec.mode))
        .collect();
    assert_eq!(
        services,
        [
            ("helloworld", Mode::Replicated(1)),
            ("reply", Mode::Replicated(8)),
            ("reply2", Mode::Replicated(5))
        ]
    );
    assert_eq!(sandbox.services[0].spec.command, ["ping", "docker.com"]);
    assert_eq!(sandbox.networks[0].name, "my-overlay");
}

#[test]
fn the_starter_is_a_good_manifest() {
    let source = Source {
        name: "cluster.toml".into(),
        text: Starter::default().text().into(),
        dir: root(),
    };
    let manifest = parse_with(&source, &Variables::default(), &Disk).expect("the starter");
    assert_eq!(manifest.cluster.name, "my-cluster");
}

#[test]
fn the_starter_is_good_with_everything_known_too() {
    let whole = Starter {
        name: Some("shop".into()),
        region: Some("eu-central-1".into()),
        ssh_from: Some("198.51.100.7/32".into()),
        key: Some("examples/sandbox".into()),
        instance_type: Some("t4g.micro".into()),
    };
    let source = Source {
        name: "cluster.toml".into(),
        text: whole.text().into(),
        dir: root(),
    };
    let manifest = parse_with(&source, &Variables::default(), &Disk).expect("the starter");
    assert_eq!(manifest.key_pair.map(|key| key.name).as_deref(), Some("shop"));
    assert!(manifest.ssh.private_key.is_some());
    assert_eq!(manifest.security_group.ssh_from.len(), 1);
}

#[test]
fn every_example_begins_with_the_line_that_tells_editors_of_the_schema() {
    for name in names() {
        let text = fs::read_to_string(root().join("examples").join(&name)).expect("an example");
        assert!(text.starts_with("#:schema ./subako.schema.json\n"), "{name}");
    }
}
