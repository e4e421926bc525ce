//! What only one can hold: ports, addresses, ranges, names, rules.

use super::demo::{Demo, demo};
use super::row::{all, edit, first, then};

fn host(port: u16) -> String {
    format!("ports = [{{ target = 80, published = {port}, mode = \"host\" }}]")
}

fn two(one: &str, other: &str) -> Demo {
    demo(1, 1).service("web", one).service("other", other)
}

#[test]
fn ports_move_from_service_to_service() {
    let ports = |range: &str| format!("ports = [\"{range}\"]");
    let global = |port: u16| format!("mode = \"global\"\n{}", host(port));
    let moved = || {
        then(
            "moved",
            &two("ports = [\"80:80\"]", ""),
            &two("", "ports = [\"80:80\"]"),
        )
    };
    let three = |a: &str, b: &str, c: &str| {
        demo(1, 1)
            .service("a", &ports(a))
            .service("b", &ports(b))
            .service("c", &ports(c))
    };
    let three_of_nodes = |a: u16, b: u16, c: u16| {
        demo(1, 1)
            .service("a", &host(a))
            .service("b", &host(b))
            .service("c", &host(c))
    };
    all(&[
        moved(),
        moved().target(&["service.other"]),
        moved().exclude(&["service.web"]),
        then(
            "swapped",
            &two(&ports("80:80"), &ports("81:80")),
            &two(&ports("81:80"), &ports("80:80")),
        ),
        then(
            "round",
            &three("80:80", "81:80", "82:80"),
            &three("81:80", "82:80", "80:80"),
        ),
        then(
            "with the name",
            &demo(1, 1).service("web", &ports("80:80")),
            &demo(1, 1).service("new", &ports("80:80")),
        ),
        then(
            "with another service",
            &demo(1, 1).service("web", &ports("80:80")),
            &demo(1, 1).image("new", "httpd", &ports("80:80")),
        ),
        then(
            "from mesh to host",
            &two(&ports("80:80"), ""),
            &two("", &host(80)),
        ),
        then(
            "from host to mesh",
            &two(&host(80), ""),
            &two("", &ports("80:80")),
        ),
        then(
            "of one service, from host to mesh",
            &two(&host(80), ""),
            &two(&ports("80:80"), ""),
        ),
        then(
            "global ones, swapped",
            &two(&global(80), &global(81)),
            &two(&global(81), &global(80)),
        ),
        then(
            "one of every node for one of the mesh",
            &two(&global(80), &ports("81:80")),
            &two(&ports("81:80"), &host(80)),
        ),
        then(
            "one of all the nodes there are for one of the mesh",
            &demo(2, 1)
                .service("api", &format!("replicas = 3\n{}", host(80)))
                .service("web", &ports("81:80")),
            &demo(2, 1)
                .service("api", &format!("replicas = 3\n{}", ports("81:80")))
                .service("web", &host(80)),
        ),
        then(
            "of the nodes, round",
            &three_of_nodes(80, 81, 82),
            &three_of_nodes(81, 82, 80),
        ),
        then(
            "ranges that overlap",
            &two(&ports("8000-8010:8000-8010"), &ports("8011:80")),
            &two(&ports("8005-8015:8005-8015"), &ports("8000:80")),
        ),
        then(
            "tcp and udp",
            &two(&ports("53:53/udp"), &ports("53:53")),
            &two(&ports("53:53"), &ports("53:53/udp")),
        ),
        first("on two nodes each", &two(&host(80), &host(80))),
    ]);
}

#[test]
fn addresses_move_from_machine_to_machine() {
    let pinned = |addresses: &[u8]| {
        let list: Vec<String> = addresses
            .iter()
            .map(|last| format!("\"172.31.0.{last}\""))
            .collect();
        format!("private_ips = [{}]", list.join(", "))
    };
    let workers = |addresses: &[u8]| {
        demo(1, u32::try_from(addresses.len()).expect("few")).of_workers(&pinned(addresses))
    };
    let swapped = || then("swapped", &workers(&[10, 11]), &workers(&[11, 10]));
    let managers = |addresses: &[u8]| demo(3, 1).of_managers(&pinned(addresses));
    let renamed = ("name = \"node\"", "name = \"work\"");
    all(&[
        swapped(),
        swapped().target(&["instance.node-0"]),
        swapped().exclude(&["instance.node-0"]),
        then("shifted", &workers(&[10, 11, 12]), &workers(&[11, 12, 13])),
        then("round", &workers(&[10, 11, 12]), &workers(&[11, 12, 10])),
        then("of a smaller pool", &workers(&[10, 11, 12]), &workers(&[11, 12])),
        then("no longer pinned", &workers(&[10, 11]), &demo(1, 2)).unchanged(),
        then("pinned elsewhere", &demo(1, 2), &workers(&[10, 11])),
        edit("with the pool's name", &workers(&[10]), &[renamed]).notes("renamed"),
        edit(
            "with another image",
            &workers(&[10, 11]),
            &[("amazon-linux-2023", "amazon-linux-2")],
        ),
        then("of managers", &managers(&[10, 11, 12]), &managers(&[12, 11, 10])),
        edit(
            "of managers, with another image",
            &managers(&[10, 11, 12]),
            &[("amazon-linux-2023", "amazon-linux-2")],
        ),
        edit("of managers, one replaced", &managers(&[10, 11, 12]), &[]).replace(&["instance.manager-0"]),
        then(
            "between the only manager and a worker",
            &demo(1, 1).of_managers(&pinned(&[10])).of_workers(&pinned(&[11])),
            &demo(1, 1).of_managers(&pinned(&[11])).of_workers(&pinned(&[10])),
        )
        .refused("quorum")
        .instead(&demo(1, 1).of_managers(&pinned(&[12])).of_workers(&pinned(&[10]))),
        edit(
            "of the only manager, with another image",
            &demo(1, 1).of_managers(&pinned(&[10])),
            &[("amazon-linux-2023", "amazon-linux-2")],
        )
        .refused("quorum")
        .after(&demo(2, 1).of_managers(&pinned(&[10, 11]))),
        first(
            "of one pool, the other not pinned",
            &demo(3, 1).of_workers("private_ips = [\"172.31.1.20\"]"),
        ),
        first(
            "of two pools, the same",
            &demo(1, 1).of_managers(&pinned(&[10])).of_workers(&pinned(&[10])),
        )
        .mistake("172.31.0.10"),
        then(
            "of a zone that is no longer named",
            &workers(&[10, 11]),
            &workers(&[10, 11]).aws("availability_zones = [\"ap-northeast-1c\"]"),
        )
        .refused("unfit"),
        first(
            "of no subnet",
            &demo(1, 1).of_workers("private_ips = [\"10.9.9.9\"]"),
        )
        .refused("unfit"),
        first(
            "that EC2 keeps",
            &demo(1, 1).of_workers("private_ips = [\"172.31.0.1\"]"),
        )
        .refused("unfit"),
    ]);
}

#[test]
fn ranges_of_networks() {
    let net = |name: &str, range: &str| {
        let keys = format!("subnet = \"{range}\"");
        demo(1, 1)
            .network(name, &keys)
            .service("web", &format!("networks = [\"{name}\"]"))
    };
    let both = |one: &str, other: &str| {
        demo(1, 1)
            .network("a", &format!("subnet = \"{one}\""))
            .network("b", &format!("subnet = \"{other}\""))
            .service("web", "networks = [\"a\", \"b\"]")
    };
    let pool = |keys: &str| demo(1, 1).swarm(keys);
    all(&[
        then(
            "with the network's name",
            &net("a", "10.5.0.0/24"),
            &net("b", "10.5.0.0/24"),
        ),
        then(
            "with the name, the network targeted",
            &net("a", "10.5.0.0/24"),
            &net("b", "10.5.0.0/24"),
        )
        .target(&["network.b"]),
        then(
            "with the name, the service excluded",
            &net("a", "10.5.0.0/24"),
            &net("b", "10.5.0.0/24"),
        )
        .exclude(&["service.web"]),
        then("made wider", &net("a", "10.5.0.0/24"), &net("a", "10.5.0.0/16")).warns("outage"),
        then(
            "made wider under another name",
            &net("a", "10.5.0.0/24"),
            &net("b", "10.5.0.0/16"),
        ),
        then(
            "swapped",
            &both("10.5.0.0/24", "10.6.0.0/24"),
            &both("10.6.0.0/24", "10.5.0.0/24"),
        ),
        first(
            "ingress has it",
            &net("a", "10.20.0.0/24").swarm("addr_pool = \"10.20.0.0/16\""),
        )
        .refused("ranges"),
        first("the VPC has it", &net("a", "172.31.4.0/24")).refused("ranges"),
        first("docker0 has it", &net("a", "172.17.0.0/24")).refused("ranges"),
        first("docker_gwbridge has it", &net("a", "172.18.3.0/24")).refused("ranges"),
        first(
            "Docker's own, where the engines are told others",
            &net("a", "172.18.3.0/24")
                .docker("bip = \"192.168.240.1/24\"\naddress_pools = [\"192.168.248.0/21\"]"),
        ),
        then(
            "Docker's own, where the engines are told others in the same change",
            &demo(1, 1),
            &net("a", "172.18.3.0/24")
                .docker("bip = \"192.168.240.1/24\"\naddress_pools = [\"192.168.248.0/21\"]"),
        )
        .refused("ranges"),
        first("the pool is in the VPC", &pool("addr_pool = \"172.31.0.0/16\"")).refused("ranges"),
        first("loopback", &net("a", "127.0.0.0/24")).refused("ranges"),
        first("multicast", &net("a", "239.0.0.0/24")).refused("ranges"),
        first("the metadata's", &net("a", "169.254.169.0/24")).refused("ranges"),
        first(
            "a pool that is no destination",
            &pool("addr_pool = \"0.0.0.0/8\""),
        )
        .refused("ranges"),
        first("of the internet", &net("a", "11.0.0.0/24")).warns("ranges"),
        first(
            "of the pool, further on",
            &net("a", "10.20.7.0/24").swarm("addr_pool = \"10.20.0.0/16\""),
        ),
        then(
            "of a block that another network has",
            &demo(1, 1).network("a", ""),
            &demo(1, 1)
                .network("a", "")
                .network("b", "subnet = \"10.0.1.0/24\""),
        )
        .refused("ranges"),
        first(
            "a pool of one block",
            &pool("addr_pool = \"10.20.0.0/24\"").network("a", ""),
        )
        .refused("ranges"),
        first(
            "a pool of two blocks",
            &pool("addr_pool = \"10.20.0.0/23\"")
                .network("a", "")
                .network("b", ""),
        )
        .refused("ranges"),
        first(
            "a pool of two blocks, enough",
            &pool("addr_pool = \"10.20.0.0/23\"").network("a", ""),
        ),
        first(
            "blocks too small for their tasks",
            &net("a", "10.5.0.0/29").service("more", "replicas = 6\nnetworks = [\"a\"]"),
        )
        .refused("ranges"),
    ]);
}

#[test]
fn names_that_differ_in_case_only() {
    all(&[
        first("services", &demo(1, 1).service("web", "").service("WEB", ""))
            .mistake("two services are called"),
        first("networks", &demo(1, 1).network("a", "").network("A", "")).mistake("two networks are called"),
        first("configs", &demo(1, 1).config("c", "x").config("C", "y")).mistake("two configs are called"),
        first("secrets", &demo(1, 1).secret("c").secret("C")).mistake("two secrets are called"),
        first("a network of Swarm's own", &demo(1, 1).network("Ingress", "")).mistake("Ingress"),
        then(
            "a service renamed",
            &demo(1, 1).service("web", ""),
            &demo(1, 1).service("WEB", ""),
        )
        .notes("renamed"),
        then(
            "a network renamed",
            &demo(1, 1).network("a", "").service("web", "networks = [\"a\"]"),
            &demo(1, 1).network("A", "").service("web", "networks = [\"A\"]"),
        ),
        then(
            "a config renamed",
            &demo(1, 1).config("a", "x").service("web", "configs = [\"a\"]"),
            &demo(1, 1).config("A", "x").service("web", "configs = [\"A\"]"),
        ),
        then(
            "a secret renamed",
            &demo(1, 1).secret("a").service("web", "secrets = [\"a\"]"),
            &demo(1, 1).secret("A").service("web", "secrets = [\"A\"]"),
        ),
        first(
            "one name for one of each kind",
            &demo(1, 1)
                .network("x", "")
                .service("x", "")
                .config("x", "1")
                .secret("x"),
        ),
    ]);
}

#[test]
fn rules_of_the_group() {
    let many: Vec<String> = (0..70)
        .map(|index| format!("\"{}:80\"", 9000 + 2 * index))
        .collect();
    let from: Vec<String> = (0..30).map(|index| format!("\"10.1.{index}.0/24\"")).collect();
    all(&[
        first(
            "a hundred ports are one rule",
            &demo(1, 1).service("web", "ports = [\"8000-8099:8000-8099\"]"),
        ),
        first(
            "seventy that are none",
            &demo(1, 1).service("web", &format!("ports = [{}]", many.join(", "))),
        )
        .warns("rules"),
        first(
            "thirty sources of three ports",
            &demo(1, 1)
                .group(&format!(
                    "ssh_from = \"198.51.100.7/32\"\npublish_to = [{}]",
                    from.join(", ")
                ))
                .service("web", "ports = [\"80:80\", \"443:80\", \"9090:80\"]"),
        )
        .warns("rules"),
    ]);
}
