//! Ports of the nodes themselves.

use std::collections::BTreeMap;

use subako_state::Address;

use super::built_in::BuiltIn;
use super::nodes::{fitting, fitting_both, within};
use super::{About, Category, Checked, Finding};
use crate::manifest::Manifest;
use crate::world::{Mode, PublishMode, ServiceSpec};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "host-ports",
        category: Category::Placement,
        documentation: "A port published in host mode is the node's own: one task a node can have it (Docker: \"Publish a service's ports directly on the swarm node\").",
    },
    look,
};

/// More tasks with a port of the node than there are nodes for them.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    let mut by_port: BTreeMap<(&str, u16), Vec<&ServiceSpec>> = BTreeMap::new();
    let mut findings = Vec::new();
    for service in &manifest.services {
        let spec = &service.spec;
        let mut host_ports = of_host(spec).peekable();
        if host_ports.peek().is_none() {
            continue;
        }
        let nodes = fitting(manifest, &spec.constraints);
        if let Mode::Replicated(replicas) = spec.mode
            && replicas > nodes
            && nodes > 0
        {
            findings.push(found(
                checked,
                spec,
                "replicas",
                format!(
                    "{replicas} replicas want a port of their node each, and {nodes} can run on a node each"
                ),
                format!(
                    "use at most {nodes} replicas, mode = \"global\", or publish through the routing mesh"
                ),
            ));
            continue;
        }
        for port in host_ports {
            by_port.entry(port).or_default().push(spec);
        }
    }
    for ((protocol, port), specs) in by_port {
        if let Some((names, wanted, nodes)) = crowded(manifest, &specs) {
            let last = specs.iter().rfind(|spec| names.contains(&spec.name.as_str()));
            findings.extend(last.map(|last| {
                found(
                    checked,
                    last,
                    "ports",
                    format!(
                        "services {} want port {port}/{protocol} on {wanted} nodes together, and {nodes} can take \
                         their tasks",
                        names.join(", ")
                    ),
                    "publish one of them on another port, or use fewer replicas".to_owned(),
                )
            }));
        }
    }
    findings
}

/// Services that want a port on more nodes together than they may run on: their names, how many
/// they want, and how many there are. Those that may run on some nodes and nowhere else have to
/// share these.
fn crowded<'a>(manifest: &Manifest, specs: &[&'a ServiceSpec]) -> Option<(Vec<&'a str>, u64, u64)> {
    let everywhere = Vec::new();
    let places = specs.iter().map(|spec| &spec.constraints).chain([&everywhere]);
    for place in places {
        let wanted_there = |spec: &ServiceSpec| match spec.mode {
            Mode::Global => fitting_both(manifest, &spec.constraints, place),
            Mode::Replicated(replicas) if within(manifest, &spec.constraints, place) => replicas,
            Mode::Replicated(_) => 0,
        };
        let there: Vec<(&str, u64)> = specs
            .iter()
            .map(|spec| (spec.name.as_str(), wanted_there(spec)))
            .filter(|(_, wanted)| *wanted > 0)
            .collect();
        let (wanted, nodes) = (
            there.iter().map(|(_, wanted)| wanted).sum(),
            fitting(manifest, place),
        );
        if there.len() > 1 && wanted > nodes {
            return Some((there.into_iter().map(|(name, _)| name).collect(), wanted, nodes));
        }
    }
    None
}

/// The ports of its node that a task takes.
pub(super) fn of_host(spec: &ServiceSpec) -> impl Iterator<Item = (&str, u16)> {
    spec.ports
        .iter()
        .filter(|port| port.mode == PublishMode::Host && port.published != 0)
        .map(|port| (port.protocol.as_str(), port.published))
}

fn found(
    checked: &Checked<'_>,
    spec: &ServiceSpec,
    key: &'static str,
    message: String,
    remedy: String,
) -> Finding {
    let address = Address::new("service", &spec.name);
    Finding::new(checked.refusing(Some(&address)), &CHECK.about, message)
        .about(address)
        .with_remedy(remedy)
        .at("service", &spec.name, key)
}

#[cfg(test)]
mod tests {
    use super::of_host;
    use crate::check::testing::{Case, manifest, only};
    use crate::world::{Endpoint, PublishMode};

    fn service(name: &str, more: &str) -> String {
        format!(
            "[[service]]\nname = \"{name}\"\nimage = \"nginx\"\nports = [{{ target = 80, published = 8080, mode = \"host\" }}]\n{more}\n"
        )
    }

    fn found(services: &str) -> Vec<crate::check::Finding> {
        Case::of(&manifest(services)).findings("host-ports")
    }

    #[test]
    fn as_many_replicas_as_nodes_are_fine() {
        assert_eq!(found(&service("web", "replicas = 3")), []);
        assert_eq!(found(&service("web", "mode = \"global\"")), []);
        let two = service("web", "replicas = 1") + &service("api", "replicas = 2");
        assert_eq!(found(&two), []);
    }

    #[test]
    fn more_replicas_than_nodes_are_said_once() {
        assert_eq!(
            only(&found(&service("web", "replicas = 4"))),
            "Error 23 service web replicas: 4 replicas want a port of their node each, and 3 can run on a node each"
        );
        let workers = "replicas = 3\nconstraints = [\"node.role == worker\"]";
        assert!(only(&found(&service("web", workers))).contains("and 2 can run"));
    }

    #[test]
    fn services_that_share_a_port_share_the_nodes() {
        let two = service("web", "replicas = 2") + &service("api", "mode = \"global\"");
        assert_eq!(
            only(&found(&two)),
            "Error 27 service api ports: services web, api want port 8080/tcp on 5 nodes together, and 3 can take their tasks"
        );
        let worker = "constraints = [\"node.labels.subako.name == node-0\"]";
        let on_one = service("web", worker) + &service("api", worker);
        assert!(only(&found(&on_one)).contains("on 2 nodes together, and 1 can take their tasks"));
        let beside = service("web", worker) + &service("api", "mode = \"global\"");
        assert!(only(&found(&beside)).contains("on 2 nodes together, and 1 can"));
        let managers = "mode = \"global\"\nconstraints = [\"node.role == manager\"]";
        assert_eq!(found(&(service("web", worker) + &service("api", managers))), []);
    }

    #[test]
    fn a_port_of_the_mesh_is_not_the_nodes_own() {
        let mesh = service("web", "replicas = 9").replace(", mode = \"host\"", "");
        assert_eq!(found(&mesh), []);
    }

    #[test]
    fn a_port_that_the_node_chooses_is_nobodys() {
        let mut spec = crate::kinds::testing::service_spec("web");
        for (mode, published) in [
            (PublishMode::Host, 0),
            (PublishMode::Host, 80),
            (PublishMode::Ingress, 81),
            (PublishMode::Ingress, 0),
        ] {
            spec.ports.push(Endpoint {
                mode,
                protocol: "tcp".into(),
                published,
                target: 80,
            });
        }
        assert_eq!(of_host(&spec).collect::<Vec<_>>(), [("tcp", 80)]);
    }

    #[test]
    fn a_port_is_one_of_its_protocol() {
        let udp =
            service("dns", "mode = \"global\"").replace("target = 80", "protocol = \"udp\", target = 80");
        assert_eq!(found(&(service("web", "mode = \"global\"") + &udp)), []);
        assert_eq!(found(&(udp.clone() + &udp.replace("dns", "api"))).len(), 1);
    }

    #[test]
    fn where_no_node_fits_at_all_that_is_said_elsewhere() {
        let nowhere = "replicas = 4\nconstraints = [\"node.labels.no == x\"]";
        assert_eq!(found(&service("web", nowhere)), []);
    }
}
