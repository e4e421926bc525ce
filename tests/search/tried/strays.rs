//! What carries the cluster's tags and is not as the state has it; and what a plan says of it all.

use super::demo::demo;
use super::row::{all, edit, then};
use crate::drift::Drift;

#[test]
fn machines_whose_tags_were_changed() {
    let one = demo(1, 2).service("web", "");
    let retagged = || Drift::Retag {
        instance: "node-0".into(),
    };
    all(&[
        edit("another cluster's", &one, &[]).drift([retagged()]),
        edit("another cluster's, replaced", &one, &[])
            .drift([retagged()])
            .replace(&["instance.node-0"]),
        edit(
            "another cluster's, and the pool goes",
            &one,
            &[("count = 2", "count = 0")],
        )
        .drift([retagged()]),
        edit(
            "another cluster's, and one less",
            &one,
            &[("count = 2", "count = 1")],
        )
        .drift([retagged()]),
        edit("another unit's", &one, &[]).drift([Drift::Tag {
            instance: "node-0".into(),
        }]),
    ]);
}

#[test]
fn a_state_that_is_lost() {
    let one = demo(1, 1)
        .network("net", "")
        .service("web", "networks = [\"net\"]");
    let lost = |row: super::row::Row| row.drift([Drift::LostState]);
    all(&[
        lost(edit("nothing else", &one, &[])),
        lost(edit("the only manager hangs", &one, &[]).drift([super::row::hang("manager-0")])),
        lost(edit("a worker hangs", &one, &[]).drift([super::row::hang("node-0")])),
        lost(edit("another image", &one, &[("nginx", "nginx:2")])),
        lost(then("a service less", &one, &demo(1, 1).network("net", ""))),
        lost(then(
            "workers less",
            &one,
            &demo(1, 0)
                .network("net", "")
                .service("web", "networks = [\"net\"]"),
        )),
        lost(edit("another service", &one, &[("\"web\"", "\"new\"")])),
        lost(edit("the group of the only manager is replaced", &one, &[]))
            .replace(&["security_group.*"])
            .refused("quorum"),
        lost(edit(
            "more workers",
            &one,
            &[("role = \"worker\"\ncount = 1", "role = \"worker\"\ncount = 2")],
        )),
    ]);
}

#[test]
fn an_outage_is_said() {
    let one = demo(1, 1)
        .network("net", "")
        .service("web", "networks = [\"net\"]");
    all(&[
        edit(
            "a network is encrypted",
            &one,
            &[("\"net\"\n", "\"net\"\nencrypted = true\n")],
        )
        .warns("outage"),
        edit(
            "another mode",
            &one,
            &[("\"nginx\"\n", "\"nginx\"\nmode = \"global\"\n")],
        )
        .warns("outage"),
        edit(
            "the only manager is of another type",
            &one,
            &[("t3.micro", "t3.small")],
        )
        .warns("quorum"),
        edit(
            "the only manager's engine",
            &one,
            &[("[swarm]", "[swarm]\nengine_version = \"25.0.7\"")],
        )
        .warns("quorum"),
        then("three managers become one", &demo(3, 1), &demo(1, 1)).warns("quorum"),
    ]);
}
