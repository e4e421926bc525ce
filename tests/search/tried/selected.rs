//! Parts of a change: targets, exclusions, replacements, and parts that are destroyed.

use super::demo::{Demo, demo};
use super::row::{Row, all, edit, then};

/// Two services that share a config, a secret and a network.
fn shared(content: &str, network: &str) -> Demo {
    let uses = "networks = [\"net\"]\nconfigs = [\"conf\"]\nsecrets = [\"secret\"]";
    demo(3, 2)
        .network("net", network)
        .config("conf", content)
        .secret("secret")
        .service("a", uses)
        .service("b", uses)
}

fn base() -> Demo {
    shared("one", "")
}

/// A change in parts, each of which is a row.
fn parts(change: impl Fn() -> Row, targets: &[&str], excluded: &[&str]) -> Vec<Row> {
    let targets = targets.iter().map(|target| change().target(&[target]));
    let excluded = excluded.iter().map(|excluded| change().exclude(&[excluded]));
    targets.chain(excluded).collect()
}

#[test]
fn machines_in_parts() {
    let imaged = || {
        edit(
            "another image",
            &base(),
            &[("amazon-linux-2023", "amazon-linux-2")],
        )
    };
    all(&parts(
        imaged,
        &[
            "instance.manager-*",
            "instance.manager-1",
            "member.manager-2",
            "docker.manager-0",
        ],
        &["member.*", "docker.*", "instance.manager-0", "service.a"],
    ));
    let grown = || edit("more managers", &base(), &[("count = 3", "count = 5")]);
    all(&parts(
        grown,
        &["instance.manager-4", "member.manager-3"],
        &["docker.manager-4"],
    ));
    let shrunk = || edit("fewer managers", &base(), &[("count = 3", "count = 1")]);
    all(&parts(shrunk, &["instance.manager-2"], &["member.manager-2"]));
    let engine = || {
        edit(
            "another engine",
            &base(),
            &[("[swarm]", "[swarm]\nengine_version = \"25.0.7\"")],
        )
    };
    all(&parts(engine, &["docker.manager-*"], &["docker.node-0"]));
    let key = || edit("another key", &base(), &[("\"key\"", "\"key2\"")]);
    all(&parts(
        key,
        &["instance.manager-0", "key_pair.search"],
        &["key_pair.search", "instance.manager-1"],
    ));
}

#[test]
fn what_several_use_in_parts() {
    let targets = ["service.a", "instance.node-0"];
    let excluded = ["service.b", "instance.node-0"];
    all(&parts(
        || then("another content", &base(), &shared("two", "")),
        &targets,
        &excluded,
    ));
    all(&parts(
        || then("another network", &base(), &shared("one", "attachable = true")),
        &targets,
        &excluded,
    ));
    all(&parts(
        || edit("another group", &base(), &[("\"group\"", "\"other\"")]),
        &targets,
        &excluded,
    ));
}

#[test]
fn replacements_that_are_asked_for() {
    let replaced = |what: &'static str| edit("replaced", &base(), &[]).replace(&[what]);
    all(&[
        replaced("config.conf"),
        replaced("secret.secret"),
        replaced("network.net"),
        replaced("network.net").target(&["service.b"]),
        replaced("network.net").exclude(&["service.a"]),
        replaced("service.a"),
        replaced("key_pair.search"),
        replaced("swarm.search"),
        replaced("instance.node-*"),
        replaced("instance.manager-*"),
        replaced("instance.*"),
        edit(
            "managers renamed, what they need excluded",
            &base(),
            &[("\"manager\"", "\"boss\"")],
        )
        .exclude(&["security_group.search"])
        .refused("quorum")
        .whole_instead(),
        replaced("member.node-0").refused("selection"),
        replaced("member.manager-1").refused("selection"),
        replaced("docker.node-0").refused("selection"),
        replaced("security_group.search")
            .refused("quorum")
            .instead_with(&[("\"group\"", "\"other\"")]),
        then(
            "a group beside managers that leave and a service",
            &demo(2, 0),
            &demo(1, 0).service("web", ""),
        )
        .replace(&["security_group.search"])
        .refused("quorum"),
        edit("the only manager", &demo(1, 1).service("web", ""), &[])
            .replace(&["instance.manager-0"])
            .notes("quorum"),
    ]);
}

#[test]
fn parts_that_are_destroyed() {
    let of = |target: &'static str| edit("destroyed", &base(), &[]).destroy().target(&[target]);
    let without = |excluded: &'static str| {
        edit("destroyed, but for", &base(), &[])
            .destroy()
            .exclude(&[excluded])
    };
    all(&[
        of("instance.manager-0"),
        of("instance.manager-*").refused("quorum"),
        of("instance.node-*"),
        of("member.manager-0"),
        of("member.*").refused("quorum"),
        of("docker.node-0"),
        of("docker.*").refused("quorum"),
        of("swarm.search"),
        of("security_group.search"),
        of("network.net"),
        of("config.conf"),
        of("secret.secret"),
        of("service.a"),
        of("instance.*"),
        without("instance.manager-0"),
        without("instance.node-0"),
        without("key_pair.search"),
        without("member.*"),
        without("service.a").refused("quorum"),
        without("swarm.search").refused("quorum"),
        edit("the only manager", &demo(1, 1).service("web", ""), &[])
            .destroy()
            .target(&["instance.manager-0"])
            .refused("quorum"),
    ]);
}
