//! Tasks that no node can take, from the start or after a change.

use super::demo::{Demo, demo};
use super::row::{all, edit, first, then};

fn only(constraint: &str) -> String {
    format!("constraints = [\"{constraint}\"]")
}

fn reserving(what: &str, more: &str) -> String {
    format!("{more}\nresources = {{ reservations = {{ {what} }} }}")
}

const HOST_PORT: &str = "ports = [{ target = 80, published = 8080, mode = \"host\" }]";

#[test]
fn constraints_that_no_node_meets() {
    let web = |keys: &str| demo(1, 1).service("web", keys);
    let mut rows = Vec::new();
    for never in [
        "node.hostname == manager-0",
        "node.labels.no == x",
        "node.labels.subako.name == node-7",
        "node.id == abc",
        "node.platform.os == windows",
        "node.platform.arch == aarch64",
        "engine.labels.disk == ssd",
    ] {
        rows.push(first("one task", &web(&only(never))).refused("placement"));
    }
    for met in [
        "node.platform.os == linux",
        "node.platform.arch == x86_64",
        "node.platform.arch != aarch64",
        "node.id != abc",
        "engine.labels.disk != ssd",
        "node.labels.subako.name != node-0",
        "node.role==worker",
    ] {
        rows.push(first("one task", &web(&only(met))));
    }
    rows.push(
        first(
            "a global service",
            &web(&format!("mode = \"global\"\n{}", only("node.labels.no == x"))),
        )
        .refused("placement"),
    );
    rows.push(
        first(
            "no workers",
            &demo(1, 0).service("web", &only("node.role == worker")),
        )
        .refused("placement"),
    );
    rows.push(first("no such role", &web(&only("node.role == boss"))).mistake("boss"));
    let drained = demo(1, 1)
        .of_managers("availability = \"drain\"")
        .of_workers("availability = \"drain\"");
    rows.push(first("every pool drained", &drained.clone().service("web", "")).refused("placement"));
    rows.push(
        first(
            "every pool drained, global",
            &drained.clone().service("web", "mode = \"global\""),
        )
        .refused("placement"),
    );
    rows.push(first(
        "every pool drained, none wanted",
        &drained.service("web", "replicas = 0"),
    ));
    all(&rows);
}

#[test]
fn nodes_that_go_from_under_a_service() {
    let on = |workers: &str| {
        demo(1, 2)
            .of_workers(workers)
            .service("web", &only("node.labels.d == x"))
    };
    let before = || on("labels = { d = \"x\" }");
    let named = |workers: u32| demo(1, workers).service("web", &only("node.labels.subako.name == node-1"));
    let roled = |workers: u32| demo(1, workers).service("web", &only("node.role == worker"));
    all(&[
        then(
            "drained",
            &before(),
            &on("labels = { d = \"x\" }\navailability = \"drain\""),
        )
        .refused("placement")
        .instead(&before()),
        then(
            "paused",
            &before(),
            &on("labels = { d = \"x\" }\navailability = \"pause\""),
        )
        .warns("placement"),
        edit(
            "renamed and paused",
            &on("labels = { d = \"x\" }"),
            &[
                ("name = \"node\"", "name = \"work\""),
                ("labels = {", "availability = \"pause\"\nlabels = {"),
            ],
        )
        .refused("placement"),
        then(
            "paused, and a port of a global service",
            &demo(1, 2).service("web", "mode = \"global\""),
            &demo(1, 2)
                .of_workers("availability = \"pause\"")
                .service("web", "mode = \"global\"\nports = [\"80:80\"]"),
        )
        .refused("placement")
        .after(&demo(1, 2).service("web", "mode = \"global\"\nports = [\"80:80\"]")),
        then("another label", &before(), &on("labels = { d = \"y\" }"))
            .refused("placement")
            .instead_with(&[("node.labels.d == x", "node.labels.d == y")]),
        then("no label", &before(), &on("")).refused("placement"),
        then("the pool removed", &roled(2), &roled(0))
            .refused("placement")
            .instead(&demo(1, 0).service("web", "")),
        then("fewer", &named(2), &named(1)).refused("placement"),
        edit(
            "another role",
            &roled(2),
            &[("role = \"worker\"", "role = \"manager\"")],
        )
        .refused("placement"),
        edit("the machines alone", &roled(2), &[("count = 2", "count = 0")])
            .target(&["instance.node-*"])
            .refused("placement")
            .instead(&roled(1)),
        then(
            "too few for a port of the host",
            &demo(1, 2).service("web", &format!("replicas = 3\n{HOST_PORT}")),
            &demo(1, 1).service("web", &format!("replicas = 3\n{HOST_PORT}")),
        )
        .refused("host-ports"),
        then(
            "too few for what is reserved",
            &demo(1, 2).service("web", &reserving("memory = \"600M\"", "replicas = 3")),
            &demo(1, 0).service("web", &reserving("memory = \"600M\"", "replicas = 3")),
        )
        .refused("reservations"),
    ]);
}

#[test]
fn ports_of_the_host() {
    let first_of = |what, demo: Demo| first(what, &demo);
    let worker = only("node.role == worker");
    all(&[
        first_of(
            "more replicas than nodes",
            demo(1, 0).service("web", &format!("replicas = 3\n{HOST_PORT}")),
        )
        .refused("host-ports"),
        first_of(
            "more than nodes that qualify",
            demo(1, 1).service("web", &format!("replicas = 2\n{HOST_PORT}\n{worker}")),
        )
        .refused("host-ports"),
        first_of(
            "two services on one node",
            demo(1, 1)
                .service("a", &format!("{HOST_PORT}\n{worker}"))
                .service("b", &format!("{HOST_PORT}\n{worker}")),
        )
        .refused("host-ports"),
        first_of(
            "a global one and another",
            demo(1, 1)
                .service("a", &format!("mode = \"global\"\n{HOST_PORT}"))
                .service("b", HOST_PORT),
        )
        .refused("host-ports"),
        first_of(
            "the mesh has it",
            demo(1, 1)
                .service("a", HOST_PORT)
                .service("b", "ports = [\"8080:80\"]"),
        )
        .mistake("8080"),
        first_of(
            "the swarm has it",
            demo(1, 1).service("a", "ports = [\"2377:80\"]"),
        )
        .mistake("2377"),
        first_of("sshd has it", demo(1, 1).service("a", "ports = [\"22:22\"]")).mistake("22"),
        edit(
            "start-first on the only node",
            &demo(1, 0).service("web", HOST_PORT),
            &[
                ("nginx", "nginx:2"),
                (
                    HOST_PORT,
                    &format!("{HOST_PORT}\nupdate_config = {{ order = \"start-first\" }}"),
                ),
            ],
        )
        .refused("start-first"),
        edit(
            "start-first with a node to spare",
            &demo(1, 2).service(
                "web",
                &format!("replicas = 2\n{HOST_PORT}\nupdate_config = {{ order = \"start-first\" }}"),
            ),
            &[("nginx", "nginx:2")],
        ),
        first_of(
            "start-first and global",
            demo(1, 1).service(
                "web",
                &format!("mode = \"global\"\n{HOST_PORT}\nupdate_config = {{ order = \"start-first\" }}"),
            ),
        )
        .refused("start-first"),
    ]);
}

#[test]
fn replicas_of_one_node() {
    let web = |keys: &str| demo(1, 2).service("web", keys);
    let two = |replicas: u32| web(&format!("replicas = {replicas}\nmax_replicas_per_node = 2"));
    let full = "replicas = 6\nmax_replicas_per_node = 2";
    all(&[
        first("as many as there may be", &two(6)),
        first("one more", &two(7)).refused("placement").instead(&two(6)),
        edit(
            "another image, on full nodes",
            &web(full),
            &[("nginx", "nginx:2")],
        ),
        edit(
            "start-first on full nodes",
            &web(full),
            &[
                ("nginx", "nginx:2"),
                (
                    full,
                    &format!("{full}\nupdate_config = {{ order = \"start-first\" }}"),
                ),
            ],
        )
        .refused("start-first"),
        edit(
            "start-first with room for one",
            &web("replicas = 5\nmax_replicas_per_node = 2\nupdate_config = { order = \"start-first\" }"),
            &[("nginx", "nginx:2")],
        ),
        edit(
            "fewer than run on one",
            &demo(1, 0).service("web", "replicas = 3\nmax_replicas_per_node = 3"),
            &[("max_replicas_per_node = 3", "max_replicas_per_node = 2")],
        )
        .refused("placement"),
        edit(
            "fewer, that still fit",
            &two(3),
            &[("max_replicas_per_node = 2", "max_replicas_per_node = 1")],
        ),
        edit(
            "no limit any more",
            &two(6),
            &[("\nmax_replicas_per_node = 2", "")],
        ),
        then(
            "a node less",
            &two(5),
            &demo(1, 1).service("web", "replicas = 5\nmax_replicas_per_node = 2"),
        )
        .refused("placement")
        .instead(&demo(1, 1).service("web", "replicas = 4\nmax_replicas_per_node = 2")),
        edit(
            "a pool drained",
            &two(3),
            &[("role = \"worker\"", "role = \"worker\"\navailability = \"drain\"")],
        )
        .refused("placement"),
        edit(
            "the machines of full nodes retyped",
            &web(full),
            &[("t3.micro", "t3.small"), ("t3.micro", "t3.small")],
        ),
        edit(
            "a service that did not change loses its nodes",
            &two(4),
            &[("count = 2", "count = 0")],
        )
        .refused("placement"),
        first(
            "of a global service",
            &web("mode = \"global\"\nmax_replicas_per_node = 1"),
        )
        .mistake("global"),
    ]);
}

#[test]
fn memory_and_processors() {
    let web = |keys: &str| demo(1, 1).service("web", keys);
    let start_first = "update_config = { order = \"start-first\" }";
    all(&[
        first(
            "more memory than a node",
            &web(&reserving("memory = \"64G\"", "")),
        )
        .refused("reservations"),
        first("more processors than a node", &web(&reserving("cpus = 8", ""))).refused("reservations"),
        first(
            "more replicas than there is room",
            &web(&reserving("memory = \"500M\"", "replicas = 3")),
        )
        .refused("reservations"),
        first(
            "two services together",
            &web(&reserving("memory = \"500M\"", "replicas = 2"))
                .service("b", &reserving("memory = \"500M\"", "replicas = 2")),
        )
        .refused("reservations"),
        first(
            "two services together, of processors",
            &web(&reserving("cpus = 1.5", "replicas = 2"))
                .service("b", &reserving("cpus = 1", "replicas = 2")),
        )
        .refused("reservations"),
        first(
            "a global one and another",
            &web(&reserving("memory = \"700M\"", "mode = \"global\""))
                .service("b", &reserving("memory = \"400M\"", "")),
        )
        .refused("reservations"),
        first(
            "all that there is",
            &web(&reserving("memory = \"500M\"", "replicas = 2")),
        ),
        edit(
            "smaller machines",
            &demo(1, 1)
                .of_workers("instance_type = \"t3.medium\"")
                .service("web", &reserving("memory = \"2G\"", "")),
            &[("t3.medium", "t3.small")],
        )
        .refused("reservations"),
        edit(
            "a node less that takes tasks",
            &web(&reserving("memory = \"600M\"", "replicas = 2")),
            &[("role = \"worker\"", "role = \"worker\"\navailability = \"drain\"")],
        )
        .refused("reservations"),
        edit(
            "start-first without room",
            &demo(1, 0).service("web", &reserving("memory = \"600M\"", start_first)),
            &[("nginx", "nginx:2")],
        )
        .refused("reservations"),
        edit(
            "start-first with room",
            &demo(1, 1).service("web", &reserving("memory = \"600M\"", start_first)),
            &[("nginx", "nginx:2")],
        ),
        first(
            "a limit below what is reserved",
            &web("resources = { limits = { memory = \"100M\" }, reservations = { memory = \"200M\" } }"),
        )
        .mistake("memory"),
    ]);
}
