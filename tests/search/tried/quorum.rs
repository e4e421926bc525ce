//! The swarm, its managers and its quorum.

use super::demo::{Demo, demo, edited};
use super::row::{all, edit, first, hang, stop, terminate, then};
use crate::drift::Drift;

fn web(managers: u32, workers: u32) -> Demo {
    demo(managers, workers).service("web", "replicas = 2")
}

#[test]
fn managers_that_are_lost() {
    let three = web(3, 2);
    all(&[
        edit("the only manager is terminated", &web(1, 2), &[]).drift([terminate("manager-0")]),
        edit(
            "the only manager is terminated, and a worker hangs",
            &web(1, 2),
            &[],
        )
        .drift([terminate("manager-0"), hang("node-1")]),
        edit("all three are terminated", &three, &[])
            .drift(["manager-0", "manager-1", "manager-2"].map(terminate)),
        edit("two of three are terminated", &three, &[])
            .drift(["manager-0", "manager-1"].map(terminate))
            .refused("quorum")
            .after_a_destroy(),
        edit("two of three hang", &three, &[])
            .drift(["manager-0", "manager-1"].map(hang))
            .warns("quorum"),
        edit("two of three are stopped", &three, &[]).drift(["manager-0", "manager-1"].map(stop)),
        edit("one hangs, one is terminated", &three, &[]).drift([hang("manager-0"), terminate("manager-1")]),
        edit(
            "the only one is terminated, a worker targeted",
            &web(1, 1),
            &[("count = 1\ninstance_type = \"t3.micro\"\nami = \"amazon-linux-2023\"\ndisk_gib = 8\n\n\n[[service]]", "count = 2\ninstance_type = \"t3.micro\"\nami = \"amazon-linux-2023\"\ndisk_gib = 8\n\n\n[[service]]")],
        )
        .drift([terminate("manager-0")])
        .target(&["instance.node-*"])
        .refused("quorum")
        .whole_instead(),
        edit(
            "the only one is stopped, and its pool renamed",
            &web(1, 1),
            &[("\"manager\"", "\"boss\"")],
        )
        .drift([stop("manager-0")])
        .refused("quorum")
        .after_a_whole_apply(),
        edit(
            "the only one hangs, and is in another zone",
            &web(1, 1),
            &[("ap-northeast-1a", "ap-northeast-1c")],
        )
        .drift([hang("manager-0")])
        .refused("quorum")
        .after_a_whole_apply(),
        edit(
            "the only one of all hangs, and is in another zone",
            &web(1, 0),
            &[("ap-northeast-1a", "ap-northeast-1c")],
        )
        .drift([hang("manager-0")])
        .refused("quorum"),
        edit(
            "the only one of all hangs, and is of another type",
            &web(1, 0),
            &[("t3.micro", "t3.small")],
        )
        .drift([hang("manager-0")])
        .refused("quorum")
        .after_a_stop("manager-0"),
        edit(
            "the only one hangs, a worker answers, and is of another type",
            &web(1, 1),
            &[("role = \"manager\"\ncount = 1\ninstance_type = \"t3.micro\"", "role = \"manager\"\ncount = 1\ninstance_type = \"t3.small\"")],
        )
        .drift([hang("manager-0")])
        .warns("quorum"),
        edit("the only one of all hangs", &web(1, 0), &[])
            .drift([hang("manager-0")])
            .refused("quorum")
            .after_a_stop("manager-0"),
        edit(
            "two of three are stopped, a third is to be replaced",
            &three,
            &[],
        )
        .drift(["manager-0", "manager-1"].map(stop))
        .replace(&["instance.manager-2"])
        .target(&["instance.manager-2"])
            .warns("quorum"),
        edit("the only one hangs", &web(1, 1), &[])
            .drift([hang("manager-0")])
            .warns("quorum"),
        then(
            "the only one is stopped, and another is wanted",
            &web(1, 1),
            &web(2, 1),
        )
        .drift([stop("manager-0")]),
        then(
            "the only one is terminated, and three are wanted",
            &web(1, 1),
            &web(3, 1),
        )
        .drift([terminate("manager-0")]),
        edit(
            "the only one is terminated and its pool renamed",
            &web(1, 1),
            &[("\"manager\"", "\"boss\"")],
        )
        .drift([terminate("manager-0")]),
        edit(
            "the only one is terminated, a service targeted",
            &web(1, 1),
            &[("nginx", "nginx:2")],
        )
        .drift([terminate("manager-0")])
        .target(&["service.web"]),
        edit("every machine is stopped", &three, &[])
            .drift(["manager-0", "manager-1", "manager-2", "node-0", "node-1"].map(stop)),
        edit("every machine is terminated", &web(1, 1), &[]).drift(["manager-0", "node-0"].map(terminate)),
        edit(
            "one of two hangs while a service changes",
            &web(2, 1),
            &[("nginx", "nginx:2")],
        )
        .drift([hang("manager-1")]),
        edit(
            "one of two is stopped while a service changes",
            &web(2, 1),
            &[("nginx", "nginx:2")],
        )
        .drift([stop("manager-0")]),
        edit(
            "two of three hang while a service changes",
            &three,
            &[("nginx", "nginx:2")],
        )
        .drift(["manager-0", "manager-1"].map(hang)),
        edit(
            "two of three hang, and what repairs them is excluded",
            &three,
            &[("nginx", "nginx:2")],
        )
        .drift(["manager-1", "manager-2"].map(hang))
        .exclude(&["docker.*"])
        .refused("quorum")
        .whole_instead(),
        edit("two of three hang, and one is to be replaced", &three, &[])
            .drift(["manager-1", "manager-2"].map(hang))
            .replace(&["instance.manager-0"]),
    ]);
}

#[test]
fn managers_come_and_go_while_one_is_dead() {
    let (three, five) = (web(3, 1), web(5, 1));
    let one = web(1, 1);
    all(&[
        then("3 to 1, a middle one hangs", &three, &one)
            .drift([hang("manager-1")])
            .notes("quorum"),
        then("3 to 1, the one that stays hangs", &three, &one).drift([hang("manager-0")]),
        then("3 to 1, one is stopped", &three, &one).drift([stop("manager-1")]),
        then("3 to 1, one is terminated", &three, &one).drift([terminate("manager-2")]),
        then("3 to 2, the first hangs", &three, &web(2, 1)).drift([hang("manager-0")]),
        then("5 to 3, two hang", &five, &three).drift([hang("manager-3"), hang("manager-0")]),
        then("3 to 5, one hangs", &three, &five).drift([hang("manager-1")]),
        then("3 to 1, one hangs, and a living one is targeted", &three, &one)
            .drift([hang("manager-1")])
            .target(&["member.manager-2"])
            .refused("quorum")
            .whole_instead(),
        edit(
            "another type, one of three terminated",
            &three,
            &[("t3.micro", "t3.small")],
        )
        .drift([terminate("manager-1")])
        .refused("quorum")
        .after_a_whole_apply(),
        edit(
            "another type, one of four hangs",
            &web(4, 1),
            &[("t3.micro", "t3.small")],
        )
        .drift([hang("manager-1")]),
        edit(
            "another image of all, one terminated",
            &three,
            &[("amazon-linux-2023", "amazon-linux-2")],
        )
        .drift([terminate("manager-1")]),
        then(
            "a worker hangs and its pool goes",
            &three,
            &demo(3, 0).service("web", "replicas = 2"),
        )
        .drift([hang("node-0")]),
    ]);
}

#[test]
fn managers_that_restart_or_are_replaced_beside_another_change() {
    let three = demo(3, 2)
        .network("net", "")
        .config("conf", "one")
        .service("web", "replicas = 2\nnetworks = [\"net\"]\nconfigs = [\"conf\"]");
    let retyped = ("t3.micro", "t3.small");
    let imaged = ("amazon-linux-2023", "amazon-linux-2");
    all(&[
        edit(
            "another type and another image of a service",
            &three,
            &[retyped, ("nginx", "nginx:2")],
        ),
        edit(
            "another type and another count of replicas",
            &three,
            &[retyped, ("replicas = 2", "replicas = 4")],
        ),
        edit(
            "another type and another network",
            &three,
            &[retyped, ("\"net\"\n", "\"net\"\nattachable = true\n")],
        ),
        edit(
            "another type and another config",
            &three,
            &[retyped, ("\"one\"", "\"two\"")],
        ),
        edit(
            "another type and more managers",
            &three,
            &[retyped, ("count = 3", "count = 5")],
        ),
        edit(
            "another type and fewer managers",
            &three,
            &[retyped, ("count = 3", "count = 1")],
        )
        .warns("quorum"),
        edit(
            "another type and labels",
            &three,
            &[
                retyped,
                ("role = \"manager\"", "role = \"manager\"\nlabels = { a = \"b\" }"),
            ],
        ),
        edit(
            "another type of the only one",
            &web(1, 1),
            &[retyped, ("nginx", "nginx:2")],
        )
        .warns("quorum"),
        edit(
            "another engine and a service",
            &three,
            &[
                ("[swarm]", "[swarm]\nengine_version = \"25.0.7\""),
                ("nginx", "nginx:2"),
            ],
        ),
        edit(
            "another image of the machines and another network",
            &three,
            &[imaged, ("\"net\"\n", "\"net\"\nattachable = true\n")],
        ),
        edit(
            "another image of the machines and another group",
            &three,
            &[imaged, ("\"group\"", "\"other\"")],
        ),
        edit("three become one", &three, &[("count = 3", "count = 1")]).warns("quorum"),
        edit(
            "workers become managers",
            &web(1, 2),
            &[("\"worker\"", "\"manager\"")],
        ),
        edit(
            "managers become workers",
            &web(3, 2),
            &[("count = 3\n", "count = 1\n")],
        ),
        edit(
            "the managers' pool is renamed",
            &three,
            &[("name = \"manager\"", "name = \"boss\"")],
        )
        .notes("renamed"),
        edit(
            "the roles of the only two are exchanged",
            &web(1, 1),
            &[
                ("role = \"manager\"", "role = \"w\""),
                ("role = \"worker\"", "role = \"manager\""),
                ("role = \"w\"", "role = \"worker\""),
            ],
        )
        .refused("quorum"),
    ]);
}

#[test]
fn another_address_pool_makes_another_swarm() {
    let pool = "[swarm]\naddr_pool = \"10.20.0.0/16\"";
    let mut rows = Vec::new();
    for (managers, words) in [(1, "of one"), (2, "of two"), (3, "of three")] {
        let before = web(managers, 1);
        for (what, more) in [
            ("alone", ("[aws]", "[aws]")),
            ("with zones", ("ap-northeast-1a", "ap-northeast-1c")),
            ("with the key", ("\"key\"", "\"key2\"")),
            ("with the image", ("amazon-linux-2023", "amazon-linux-2")),
        ] {
            let name: &'static str = Box::leak(format!("{words}, {what}").into_boxed_str());
            rows.push(edit(name, &before, &[("[swarm]", pool), more]));
        }
    }
    let three = web(3, 1);
    rows.push(edit(
        "and more managers",
        &three,
        &[("[swarm]", pool), ("count = 3", "count = 5")],
    ));
    rows.push(edit(
        "and fewer managers",
        &three,
        &[("[swarm]", pool), ("count = 3", "count = 1")],
    ));
    rows.push(edit(
        "and fewer workers",
        &web(3, 2),
        &[("[swarm]", pool), ("count = 2", "count = 1")],
    ));
    rows.push(edit("the swarm alone", &three, &[("[swarm]", pool)]).target(&["swarm.search"]));
    rows.push(edit("without a service", &three, &[("[swarm]", pool)]).exclude(&["service.web"]));
    all(&rows);
}

#[test]
fn what_changes_by_hand_while_the_swarm_cannot_be_read() {
    let removed = || Drift::RemoveService {
        service: "web".into(),
    };
    let three = web(3, 1).service("other", "");
    all(&[
        edit("removed, one of three stopped", &three, &[]).drift([removed(), stop("manager-0")]),
        edit("scaled, one of three stopped", &three, &[]).drift([
            Drift::Scale {
                service: "web".into(),
                to: 7,
            },
            stop("manager-0"),
        ]),
        edit("drained, and the node stopped", &three, &[]).drift([
            Drift::Drain {
                instance: "node-0".into(),
            },
            stop("node-0"),
        ]),
        edit("removed, the only one stopped", &web(1, 1), &[])
            .drift([removed(), stop("manager-0")])
            .partial(),
        edit("removed, two of three hang", &three, &[])
            .drift([removed(), hang("manager-0"), hang("manager-1")])
            .partial(),
        edit("removed, one of two stopped", &web(2, 1), &[])
            .drift([removed(), stop("manager-1")])
            .partial(),
        edit("scaled, the only one hangs", &web(1, 1), &[])
            .drift([
                Drift::Scale {
                    service: "web".into(),
                    to: 7,
                },
                hang("manager-0"),
            ])
            .partial(),
    ]);
}

#[test]
fn a_fault_that_is_kept_is_gone_on_with() {
    // Without faults: a host stops between two applies that need it.
    let one = web(1, 1);
    all(&[
        edit(
            "a manager is stopped before another pool joins",
            &one,
            &[("count = 1", "count = 3")],
        )
        .drift([stop("manager-0")]),
        edit(
            "a worker is stopped before it is relabelled",
            &one,
            &[("role = \"worker\"", "role = \"worker\"\nlabels = { a = \"b\" }")],
        )
        .drift([stop("node-0")]),
        first("nothing was there", &one),
    ]);
    assert_ne!(edited("a", &[("a", "b")]), "a");
}
