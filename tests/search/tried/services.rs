//! Services that converge in their own way, or never.

use super::demo::demo;
use super::row::{Row, all, edit, first, hang, then};

#[test]
fn tasks_that_complete() {
    let job = |keys: &str| demo(1, 1).image("migrate", "one-shot", keys);
    let once = "restart_policy = { condition = \"none\" }";
    let rows = [
        first("never restarted", &job(once)),
        first(
            "restarted on failure",
            &job("restart_policy = { condition = \"on-failure\" }"),
        ),
        first("three of them", &job(&format!("replicas = 3\n{once}"))),
        first("on every node", &job(&format!("mode = \"global\"\n{once}"))),
        first(
            "a command that ends",
            &demo(1, 1).image("migrate", "alpine", &format!("command = \"sleep 2\"\n{once}")),
        ),
        edit("run again", &job(once), &[("one-shot", "one-shot:2")]),
        edit(
            "more of them",
            &job(once),
            &[("restart_policy", "replicas = 3\nrestart_policy")],
        ),
    ];
    all(&rows.map(Row::ends_by_itself));
}

#[test]
fn services_that_wait_for_others() {
    let until = |waits: &str| {
        demo(1, 1)
            .image("web", "crash-until-db", waits)
            .image("db", "slow-pull", "")
    };
    let rows = [
        first("crashes until it is there", &until("")),
        first("is ordered", &until("depends_on = [\"db\"]")),
        first(
            "through a third",
            &demo(1, 1)
                .image("front", "crash-until-web", "")
                .image("web", "crash-until-db", "")
                .image("db", "slow-pull", ""),
        ),
        then("both come in one change", &demo(1, 1), &until("")),
    ];
    all(&rows.map(Row::ends_by_itself));
}

#[test]
fn what_only_a_rehearsal_shows() {
    let of = |image: &str, keys: &str| demo(1, 1).image("web", image, keys);
    let nowhere = "volumes = [\"/srv/nowhere:/data\"]";
    all(&[
        first("a directory that no host has", &of("nginx", nowhere)).foreseen("/srv/nowhere"),
        edit(
            "a directory that no host has, later",
            &of("nginx", ""),
            &[("\"nginx\"\n", &format!("\"nginx\"\n{nowhere}\n"))],
        )
        .foreseen("/srv/nowhere"),
        first("it completes, and is to run on", &of("one-shot", "")).foreseen("no task stays up"),
        first("it crashes", &of("crash", "")).foreseen("non-zero exit"),
        first("there is no such image", &of("does-not-exist", "")).foreseen("No such image"),
        first(
            "two that wait for each other",
            &of("crash-until-db", "").image("db", "crash-until-web", ""),
        )
        .foreseen("no task stays up"),
    ]);
}

#[test]
fn services_that_take_as_long_as_their_settings_say() {
    let slow = |keys: &str| {
        demo(1, 1)
            .swarm("converge_timeout = \"1m\"")
            .service("web", &format!("replicas = 5\n{keys}"))
    };
    let image = [("\"nginx\"", "\"nginx:2\"")];
    all(&[
        edit(
            "pauses between its tasks",
            &slow("update_config = { delay = \"1m\" }"),
            &image,
        ),
        edit(
            "pauses longer than the limit",
            &slow("update_config = { delay = \"3m\" }"),
            &image,
        ),
        edit(
            "a monitor as long as the limit",
            &slow("update_config = { monitor = \"1m\" }"),
            &image,
        ),
        edit("a long way to stop", &slow("stop_grace_period = \"3m\""), &image),
        first(
            "a health check that begins after the limit",
            &slow("healthcheck = { test = \"true\", interval = \"90s\", start_period = \"3m\" }"),
        ),
        edit(
            "many tasks, one by one",
            &demo(3, 3)
                .swarm("converge_timeout = \"1m\"")
                .service("web", "replicas = 40"),
            &image,
        ),
    ]);
}

#[test]
fn mounts() {
    let web = |keys: &str| demo(1, 1).service("web", keys);
    all(&[
        first("a directory that is there", &web("volumes = [\"/tmp:/data\"]")),
        first("a volume", &web("volumes = [\"data:/data\"]")),
        edit(
            "memory, and more of it",
            &web("mounts = [{ type = \"tmpfs\", target = \"/run\", tmpfs = { size = \"64M\" } }]"),
            &[("64M", "128M")],
        ),
        first(
            "a size of what is not memory",
            &web("mounts = [{ source = \"data\", target = \"/run\", tmpfs = { size = \"64M\" } }]"),
        )
        .mistake("tmpfs"),
        first(
            "one within another",
            &web("volumes = [\"data:/data\", \"other:/data/in\"]"),
        ),
        first(
            "the same directory",
            &web("volumes = [\"data:/data\", \"other:/data\"]"),
        )
        .mistake("/data"),
        first(
            "the same, spelled otherwise",
            &web("volumes = [\"data:/data\", \"other:/data/\"]"),
        )
        .mistake("/data"),
        first(
            "the same, with dots",
            &web("volumes = [\"data:/data\", \"other:/srv/../data\"]"),
        )
        .mistake("/data"),
        first(
            "a config there as well",
            &demo(1, 1).config("c", "x").service(
                "web",
                "configs = [{ source = \"c\", target = \"/data\" }]\nvolumes = [\"d:/data\"]",
            ),
        )
        .mistake("/data"),
    ]);
}

#[test]
fn images_that_only_ended_tasks_had() {
    // It goes before its successor comes.
    let port = "ports = [\"80:80\"]";
    let rows: Vec<_> = ["nginx", "redis", "httpd", "caddy", "postgres", "registry"]
        .map(|image| {
            let web = demo(1, 1).image("web", image, "replicas = 2");
            let before = web.clone().image("log", image, port);
            let after = web.image("mail", image, port);
            then("renamed while a node hangs", &before, &after).drift([hang("node-0")])
        })
        .into();
    all(&rows);
}
