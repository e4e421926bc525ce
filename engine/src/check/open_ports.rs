//! Ports that are open to the whole world.

use subako_state::Address;

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::world::{Protocol, Source};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "open-ports",
        category: Category::Security,
        documentation: "The world needs 80 and 443; a data store that it can reach is found within hours (AWS Well-Architected, SEC05).",
    },
    look,
};

/// Data stores by their usual port (IANA, and each one's documentation).
const STORES: [(u16, &str); 14] = [
    (1433, "SQL Server"),
    (1521, "Oracle"),
    (2379, "etcd"),
    (3306, "MySQL"),
    (5432, "PostgreSQL"),
    (5672, "RabbitMQ"),
    (5984, "CouchDB"),
    (6379, "Redis"),
    (8086, "InfluxDB"),
    (9042, "Cassandra"),
    (9092, "Kafka"),
    (9200, "Elasticsearch"),
    (11211, "memcached"),
    (27017, "MongoDB"),
];
/// What the world is for.
const USUAL: [u16; 2] = [80, 443];
/// Their own check speaks of SSH and of the swarm's management.
const OTHERS: [u16; 2] = [22, 2377];

/// Published ports and further rules, one finding for each service or rule.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    let group = &manifest.security_group;
    let world = |range: &String| range.ends_with("/0");
    let mut findings = Vec::new();
    if let Some(range) = group.publish_to.iter().find(|range| world(range)) {
        for service in &manifest.services {
            let ports: Vec<(u16, u16)> = runs(service.spec.ports.iter().map(|port| port.published));
            if let Some(message) = message(&ports, range) {
                findings.push(
                    Finding::new(Severity::Warning, &CHECK.about, message)
                        .about(Address::new("service", &service.spec.name))
                        .with_remedy("set publish_to under [security_group] to those who need it, or leave the port out: services on the same network reach each other without it")
                        .at("service", &service.spec.name, "ports"),
                );
            }
        }
    }
    for rule in &group.ingress {
        let Source::Cidr(range) = &rule.source else {
            continue;
        };
        let has_ports = matches!(rule.protocol, Protocol::Tcp | Protocol::Udp | Protocol::All);
        let message = message(&[(rule.ports.from, rule.ports.to)], range);
        if let Some(message) = message.filter(|_| has_ports && world(range)) {
            findings.push(
                Finding::new(Severity::Warning, &CHECK.about, message)
                    .about(Address::new("security_group", &manifest.cluster.name))
                    .with_remedy("name those who need it in `from`")
                    .at("security_group", "", "ingress"),
            );
        }
    }
    findings
}

/// Sorted ports as ranges.
fn runs(ports: impl Iterator<Item = u16>) -> Vec<(u16, u16)> {
    let mut sorted: Vec<u16> = ports.filter(|port| *port != 0).collect();
    sorted.sort_unstable();
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for port in sorted {
        match runs.last_mut() {
            Some((_, last)) if port.saturating_sub(*last) <= 1 => *last = port,
            _ => runs.push((port, port)),
        }
    }
    runs
}

/// What to say of ranges of ports; `None` where nothing is.
fn message(ranges: &[(u16, u16)], to: &str) -> Option<String> {
    let one = |range: &(u16, u16), ports: &[u16]| range.0 == range.1 && ports.contains(&range.0);
    let unusual: Vec<&(u16, u16)> = ranges
        .iter()
        .filter(|range| !one(range, &USUAL) && !one(range, &OTHERS))
        .collect();
    let within = |port: u16| unusual.iter().any(|(from, to)| (*from..=*to).contains(&port));
    let store = STORES.iter().find(|(port, _)| within(*port));
    let shown: Vec<String> = unusual
        .iter()
        .map(|(from, to)| match from == to {
            true => from.to_string(),
            false => format!("{from}-{to}"),
        })
        .collect();
    let word = if shown.len() == 1 && unusual.iter().all(|(from, to)| from == to) {
        "port"
    } else {
        "ports"
    };
    let shown = shown.join(", ");
    match store {
        _ if unusual.is_empty() => None,
        Some((port, name)) => Some(format!(
            "{word} {shown}: open to the whole world ({to}), and {port} is the port of {name}"
        )),
        None => Some(format!("{word} {shown}: open to the whole world ({to})")),
    }
}

#[cfg(test)]
mod tests {
    use super::{message, runs};
    use crate::check::testing::{Case, manifest, only};

    fn found(ports: &str, group: &str) -> Vec<crate::check::Finding> {
        let service = format!("[[service]]\nname = \"web\"\nimage = \"nginx\"\nports = [{ports}]\n");
        let text = manifest(&service).replace("[security_group]", &format!("[security_group]\n{group}"));
        Case::of(&text).findings("open-ports")
    }

    #[test]
    fn the_usual_ports_and_narrow_sources_are_fine() {
        assert_eq!(found("\"80:80\", \"443:443\"", ""), []);
        assert_eq!(found("\"5432:5432\"", "publish_to = \"10.0.0.0/8\""), []);
        let narrow = "ingress = [{ protocol = \"tcp\", ports = 9100, from = \"10.0.0.0/8\" }, { protocol = \"icmp\", from = \"0.0.0.0/0\" }]";
        assert_eq!(found("", narrow), []);
    }

    #[test]
    fn other_ports_that_the_world_can_reach_are_said_once() {
        assert_eq!(
            only(&found("\"80:80\", \"8080:80\", \"9000-9002:9000-9002\"", "")),
            "Warning 23 service web ports: ports 8080, 9000-9002: open to the whole world (0.0.0.0/0)"
        );
        assert_eq!(
            only(&found("\"5432:5432\"", "")),
            "Warning 23 service web ports: port 5432: open to the whole world (0.0.0.0/0), and 5432 is the port of PostgreSQL"
        );
        let wide = "ingress = [{ protocol = \"tcp\", ports = \"6000-7000\", from = \"0.0.0.0/0\" }]";
        assert_eq!(
            only(&found("", wide)),
            "Warning 6 security_group ingress: ports 6000-7000: open to the whole world (0.0.0.0/0), and 6379 is the port of Redis"
        );
    }

    #[test]
    fn ports_in_a_row_are_one_range() {
        let runs_of = |ports: &[u16]| runs(ports.iter().copied());
        assert_eq!(runs_of(&[]), []);
        assert_eq!(runs_of(&[5, 3, 0, 4, 9, 9, 11]), [(3, 5), (9, 9), (11, 11)]);
        assert_eq!(runs_of(&[65535, 1, 65534]), [(1, 1), (65534, 65535)]);
    }

    #[test]
    fn what_is_said_of_ranges_of_ports() {
        let open = "open to the whole world (0.0.0.0/0)";
        for (ranges, expected) in [
            (&[][..], None),
            (&[(80, 80), (443, 443), (22, 22), (2377, 2377)], None),
            (&[(80, 80), (8080, 8080)], Some(format!("port 8080: {open}"))),
            (
                &[(8080, 8080), (9000, 9000)],
                Some(format!("ports 8080, 9000: {open}")),
            ),
            (&[(80, 81)], Some(format!("ports 80-81: {open}"))),
            (
                &[(22, 23), (8080, 8080)],
                Some(format!("ports 22-23, 8080: {open}")),
            ),
            (
                &[(6378, 6378), (6380, 6380)],
                Some(format!("ports 6378, 6380: {open}")),
            ),
            (
                &[(27017, 27017)],
                Some(format!("port 27017: {open}, and 27017 is the port of MongoDB")),
            ),
            (
                &[(0, 65535)],
                Some(format!(
                    "ports 0-65535: {open}, and 1433 is the port of SQL Server"
                )),
            ),
        ] {
            assert_eq!(message(ranges, "0.0.0.0/0"), expected, "{ranges:?}");
        }
    }

    #[test]
    fn any_range_and_any_protocol_with_ports_may_open_one_to_the_world() {
        let both = "publish_to = [\"10.0.0.0/8\", \"0.0.0.0/0\"]";
        assert!(
            only(&found("\"8080:80\"", both)).ends_with("port 8080: open to the whole world (0.0.0.0/0)")
        );
        for protocol in ["tcp", "udp"] {
            let rule =
                format!("ingress = [{{ protocol = \"{protocol}\", ports = 9100, from = \"0.0.0.0/0\" }}]");
            assert!(only(&found("", &rule)).contains("port 9100: open"), "{protocol}");
            assert_eq!(
                found("", &rule.replace("0.0.0.0/0", "10.0.0.0/8")),
                [],
                "{protocol}"
            );
        }
        let all = "ingress = [{ protocol = \"all\", from = \"0.0.0.0/0\" }]";
        assert!(only(&found("", all)).contains("open to the whole world"));
    }
}
