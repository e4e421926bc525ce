//! Machines that cannot be had, or that Subako cannot log in to.

use super::demo::demo;
use super::row::{all, edit, first, then};

#[test]
fn machines_that_cannot_be_had() {
    let one = demo(1, 1).service("web", "");
    let mistyped = ("t3.micro", "t3.mirco");
    all(&[
        edit("a type that does not exist", &one, &[mistyped]).refused("offered"),
        first(
            "no type at first",
            &demo(1, 1).of_workers("instance_type = \"c5.biggest\""),
        )
        .refused("offered"),
        then(
            "of a pool that is added",
            &demo(1, 0),
            &demo(1, 1).of_workers("instance_type = \"t3.mikro\""),
        )
        .refused("offered"),
        edit(
            "smaller disks and one more machine",
            &one,
            &[
                ("disk_gib = 8", "disk_gib = 6"),
                ("role = \"worker\"\ncount = 1", "role = \"worker\"\ncount = 2"),
            ],
        )
        .refused("disk"),
        edit(
            "an engine that no distribution has, later",
            &demo(3, 1),
            &[("[swarm]", "[swarm]\nengine_version = \"99.0\"")],
        )
        .foreseen("docker-99.0"),
        edit(
            "an older engine and another type",
            &demo(3, 1),
            &[
                ("[swarm]", "[swarm]\nengine_version = \"24.0\""),
                ("t3.micro", "t3.small"),
            ],
        ),
        edit("larger disks", &one, &[("disk_gib = 8", "disk_gib = 20")]),
        edit(
            "smaller disks, large enough",
            &demo(3, 1).of_workers("disk_gib = 20"),
            &[("disk_gib = 20", "disk_gib = 10")],
        ),
        first(
            "an image of another architecture",
            &demo(1, 0).of_managers("instance_type = \"t4g.micro\"\nami = \"ami-1047eb1ca8e8729a8\""),
        )
        .refused("unfit"),
    ]);
}

#[test]
fn hosts_that_nobody_can_log_in_to() {
    let one = demo(1, 1);
    let from = ("ssh_from = \"198.51.100.7/32\"", "ssh_from = \"203.0.113.7/32\"");
    all(&[
        first("nobody may", &demo(1, 1).group("")).refused("login"),
        first(
            "the placeholder",
            &demo(1, 1).group("ssh_from = \"203.0.113.7/32\""),
        )
        .refused("login"),
        first(
            "the placeholder and an address",
            &demo(1, 1).group("ssh_from = [\"203.0.113.7/32\", \"198.51.100.7/32\"]"),
        ),
        edit("the placeholder, later", &one, &[from]).refused("login"),
        first("another port than sshd's", &demo(1, 1).ssh("port = 2222")).refused("login"),
        first(
            "no public address",
            &demo(1, 1)
                .of_managers("public_ip = false")
                .of_workers("public_ip = false"),
        )
        .refused("login"),
        first(
            "no public address of a pool",
            &demo(1, 1).of_workers("public_ip = false"),
        )
        .refused("login"),
        first(
            "another family's user",
            &demo(1, 1)
                .ssh("user = \"ec2-user\"")
                .of_managers("ami = \"ubuntu-24.04\""),
        )
        .refused("login-user"),
        first(
            "the family's own user",
            &demo(1, 1)
                .of_managers("ami = \"ubuntu-24.04\"")
                .of_workers("ami = \"ubuntu-24.04\""),
        ),
        edit("another key", &one, &[("YXz0a", "YXz1b")]).warns("login_key"),
    ]);
}
