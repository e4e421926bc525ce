//! Paths, judged as the rules say.

use std::collections::BTreeMap;

use super::{BadEnd, Ground, Origin, Path, Target};
use crate::lower::testing::{answer, empty};
use crate::lower::{lower, needs};
use crate::manifest::{Source, Variables, parse};
use crate::world::{Reach, WayOut};

/// One manager, two private workers, one worker with an elastic address; web and db on one network,
/// a lonely service, one that publishes on its host.
const MANIFEST: &str = r#"
[cluster]
name = "sandbox"
provider = "sim"
[security_group]
ssh_from = ["203.0.113.7/32", "172.31.0.0/20"]
publish_to = ["198.51.100.0/24"]
ingress = [
    { protocol = "tcp", ports = "9100-9110", from = "0.0.0.0/0", description = "metrics" },
    { protocol = "all", from = "192.0.2.9/32" },
]
[[pool]]
name = "manager"
role = "manager"
count = 1
instance_type = "t3.micro"
[[pool]]
name = "inner"
role = "worker"
count = 2
instance_type = "t3.micro"
public_ip = false
[[pool]]
name = "edge"
role = "worker"
count = 1
instance_type = "t3.micro"
public_ip = "elastic"
[[network]]
name = "back"
[[service]]
name = "web"
image = "nginx:1"
networks = ["back"]
ports = ["443:8443"]
[[service]]
name = "db"
image = "postgres:17"
networks = ["back"]
[[service]]
name = "lonely"
image = "nginx:1"
[[service]]
name = "dns"
image = "coredns:1"
[[service.ports]]
published = 53
target = 53
protocol = "udp"
mode = "host"
"#;

fn ground(public_ip: bool, way_out: Option<WayOut>) -> Ground {
    let source = Source {
        name: "cluster.toml".into(),
        text: MANIFEST.into(),
        dir: "/srv".into(),
    };
    let manifest = parse(&source, &Variables::default()).unwrap_or_else(|errors| panic!("{errors:?}"));
    let mut answer = answer(&needs(&manifest, &empty(), &[]));
    let subnets = answer.subnets.iter().filter_map(|subnet| {
        let way_out = way_out?;
        Some((subnet.id.clone(), Reach { public_ip, way_out }))
    });
    answer.reach = subnets.collect::<BTreeMap<_, _>>();
    let desired = lower(&manifest, &empty(), &[], &answer).expect("it can be lowered");
    Ground::of(&desired, Some(&answer), &manifest)
}

fn path(ground: &Ground, from: &str, to: &str) -> Path {
    let (from, to) = (from.parse().expect("an origin"), to.parse().expect("a target"));
    ground.path(&from, &to).expect("both ends")
}

/// How a path ends: `ok` and its last hop, or what stops it.
fn end(path: &Path) -> String {
    match &path.stop {
        Some(stop) => stop.to_string(),
        None => format!("ok: {}", path.hops.last().expect("a hop")),
    }
}

#[test]
fn twenty_three_paths_are_judged_as_the_rules_say() {
    let public = ground(true, Some(WayOut::Gateway));
    for (from, to, expected) in [
        // Published ports: for the range that publish_to names, and nobody else.
        (
            "198.51.100.9",
            "service.web",
            "ok: the routing mesh takes 443 on every node to service.web, port 8443",
        ),
        (
            "198.51.100.9",
            "service.web:443",
            "ok: the routing mesh takes 443 on every node to service.web, port 8443",
        ),
        (
            "internet",
            "service.web",
            "the security group lets in 443/tcp from 192.0.2.9/32, 198.51.100.0/24 only",
        ),
        (
            "203.0.113.7",
            "service.web",
            "the security group lets in 443/tcp from 192.0.2.9/32, 198.51.100.0/24 only",
        ),
        (
            "198.51.100.9",
            "service.web:80",
            "service.web does not publish it (published: 443)",
        ),
        (
            "198.51.100.9",
            "service.db",
            "service.db does not publish it (published: none)",
        ),
        (
            "198.51.100.9",
            "service.dns",
            "ok: port 53 of a node that runs it leads to service.dns, port 53",
        ),
        (
            "manager-0",
            "service.web",
            "ok: the routing mesh takes 443 on every node to service.web, port 8443",
        ),
        // SSH: ssh_from, which also has a range of the VPC.
        (
            "203.0.113.7",
            "manager-0:22",
            "ok: the security group lets in 22/tcp from 203.0.113.7/32 (ssh)",
        ),
        (
            "203.0.113.8",
            "manager-0:22",
            "the security group lets in 22/tcp from 172.31.0.0/20, 192.0.2.9/32, 203.0.113.7/32 only",
        ),
        (
            "internet",
            "manager-0:22",
            "the security group lets in 22/tcp from 172.31.0.0/20, 192.0.2.9/32, 203.0.113.7/32 only",
        ),
        (
            "203.0.113.7",
            "inner-0:22",
            "inner-0 gets no public address in subnet-a",
        ),
        (
            "203.0.113.7",
            "edge-0:22",
            "ok: the security group lets in 22/tcp from 203.0.113.7/32 (ssh)",
        ),
        (
            "172.31.0.9",
            "inner-0:22",
            "ok: the security group lets in 22/tcp from 172.31.0.0/20 (ssh)",
        ),
        (
            "172.31.64.9",
            "inner-0:22",
            "the security group lets in 22/tcp from 172.31.0.0/20, 192.0.2.9/32, 203.0.113.7/32 only",
        ),
        (
            "10.0.0.9",
            "inner-0:22",
            "10.0.0.9 is a private address outside the VPC: nothing routes from there",
        ),
        // Further rules: a range of ports, and everything from one address.
        (
            "internet",
            "edge-0:9105",
            "ok: the security group lets in 9100-9110/tcp from 0.0.0.0/0 (metrics)",
        ),
        (
            "internet",
            "edge-0:9111",
            "the security group lets in 9111/tcp from 192.0.2.9/32 only",
        ),
        (
            "internet",
            "edge-0:9105/udp",
            "the security group lets in 9105/udp from 192.0.2.9/32 only",
        ),
        (
            "192.0.2.9",
            "edge-0:4789/udp",
            "ok: the security group lets in everything from 192.0.2.9/32",
        ),
        // Node to node: the swarm's own ports by the group itself.
        (
            "inner-1",
            "manager-0:2377",
            "ok: the security group lets in 2377/tcp from the group itself (swarm management)",
        ),
        (
            "inner-1",
            "edge-0:4789/udp",
            "ok: the security group lets in 4789/udp from the group itself (overlay networks)",
        ),
        (
            "inner-1",
            "manager-0:5000",
            "the security group lets in 5000/tcp from 192.0.2.9/32 only",
        ),
    ] {
        assert_eq!(end(&path(&public, from, to)), expected, "{from} → {to}");
    }
}

#[test]
fn routes_and_addresses_stop_a_path_before_any_rule_is_asked() {
    let nat = ground(true, Some(WayOut::OutOnly));
    let nowhere = ground(true, Some(WayOut::Nowhere));
    let unknown = ground(true, None);
    let private = ground(false, Some(WayOut::Gateway));
    for (ground, to, expected) in [
        (
            &nat,
            "manager-0:22",
            "subnet-a has no route to an internet gateway: its instances get out, nobody gets in",
        ),
        (&nowhere, "service.web", "subnet-a has no route to the internet"),
        (
            &unknown,
            "service.web",
            "nothing is known of the routes of subnet-a",
        ),
        (
            &private,
            "manager-0:22",
            "manager-0 gets no public address in subnet-a",
        ),
    ] {
        let path = path(ground, "198.51.100.9", to);
        assert_eq!(end(&path), expected, "{to}");
        assert!(!path.arrives());
    }
    // Where one node has an elastic address the service is reached through that.
    let web = path(&private, "198.51.100.9", "service.web");
    assert_eq!(web.entries, Some((1, 4)));
    let hops: Vec<String> = web.hops.iter().map(ToString::to_string).collect();
    assert_eq!(
        hops,
        [
            "subnet-a has a route to an internet gateway",
            "edge-0 has an elastic address",
            "the security group lets in 443/tcp from 198.51.100.0/24 (service web)",
            "the routing mesh takes 443 on every node to service.web, port 8443",
        ]
    );
    assert_eq!(
        end(&path(&nowhere, "inner-0", "manager-0:7946/udp"))
            .split(' ')
            .next(),
        Some("ok:")
    );
}

#[test]
fn services_reach_each_other_over_a_network_that_both_are_on() {
    let ground = ground(true, Some(WayOut::Gateway));
    assert_eq!(
        end(&path(&ground, "service.web", "service.db")),
        "ok: both are on network.back"
    );
    assert_eq!(
        end(&path(&ground, "service.lonely", "service.db")),
        "they are on no network together (none; back)"
    );
    let out = path(&ground, "service.lonely", "manager-0:7946");
    assert_eq!(out.hops[0].to_string(), "its containers leave through their node");
}

#[test]
fn an_end_that_is_not_there_or_no_end_at_all_is_said() {
    let ground = ground(true, Some(WayOut::Gateway));
    let (from, to): (Origin, Target) = (
        Origin::Node("inner-9".into()),
        "inner-0:22".parse().expect("a target"),
    );
    let error = ground.path(&from, &to).expect_err("no such node").to_string();
    assert_eq!(
        error,
        "there is no node `inner-9`; there are: manager-0, inner-0, inner-1, edge-0"
    );
    for text in ["", "a b", "service.", "network.back", "10.0.0", "[::1]"] {
        assert_eq!(
            text.parse::<Origin>(),
            Err(BadEnd::Origin(text.to_owned())),
            "{text}"
        );
    }
    for text in [
        "",
        "manager-0",
        "manager-0:",
        "manager-0:99999",
        "manager-0:1/sctp",
        "service.",
        "service.a:x",
    ] {
        assert_eq!(
            text.parse::<Target>(),
            Err(BadEnd::Target(text.to_owned())),
            "{text}"
        );
    }
    for text in ["manager-0:22/tcp", "service.web:443"] {
        assert_eq!(text.parse::<Target>().expect("a target").to_string(), text);
    }
}
