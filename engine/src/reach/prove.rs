//! From end to end: each hop, or what stops it.

use std::net::Ipv4Addr;

use super::ends::{Origin, Target};
use super::ground::{Ground, NoSuchEnd, Node, Seen, Service};
use super::path::{Hop, Path, Stop};
use crate::world::{Endpoint, Protocol, PublishMode};

/// A path as far as it has come: the hops, and what stops it.
type Way = (Vec<Hop>, Option<Stop>);

impl Ground {
    /// The path from one end to the other. Fails where the manifest does not have one of them.
    pub fn path(&self, from: &Origin, to: &Target) -> Result<Path, NoSuchEnd> {
        match (from, to) {
            (Origin::Service(first), Target::Service { name, port: None }) => {
                Ok(alone(between(self.service(first)?, self.service(name)?)))
            }
            (from, Target::Service { name, port }) => self.to_service(from, name, *port),
            (from, Target::Node { name, protocol, port }) => {
                let node = self.node(name)?;
                Ok(alone(self.to_port(from, node, *protocol, *port)?))
            }
        }
    }

    /// Into a published port: through any node that can be entered.
    fn to_service(&self, from: &Origin, name: &str, port: Option<u16>) -> Result<Path, NoSuchEnd> {
        let service = self.service(name)?;
        let mut ports = service.ports.iter();
        let Some(endpoint) = ports.find(|endpoint| port.is_none_or(|port| endpoint.published == port)) else {
            let stop = Stop::NotPublished {
                service: name.to_owned(),
                published: service.ports.iter().map(|endpoint| endpoint.published).collect(),
            };
            return Ok(alone((Vec::new(), Some(stop))));
        };
        let last = published(name, endpoint);
        let in_mesh = endpoint.mode == PublishMode::Ingress;
        if let (Origin::Node(node), true) = (from, in_mesh) {
            self.node(node)?;
            // The mesh listens on the node itself.
            return Ok(alone((vec![last], None)));
        }
        let protocol = match endpoint.protocol.as_str() {
            "udp" => Protocol::Udp,
            _ => Protocol::Tcp,
        };
        let mut ways = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            ways.push(self.to_port(from, node, protocol, endpoint.published)?);
        }
        let total = ways.len();
        let open = ways.iter().filter(|(_, stop)| stop.is_none()).count();
        // The one that comes furthest says most.
        let best = ways.into_iter().reduce(|best, way| {
            let further = |way: &Way| (way.1.is_none(), way.0.len());
            if further(&way) > further(&best) { way } else { best }
        });
        let (mut hops, stop) = best.unwrap_or((Vec::new(), Some(Stop::NoNodes)));
        if stop.is_none() {
            hops.push(last);
        }
        Ok(Path {
            hops,
            stop,
            entries: Some((open, total)),
        })
    }

    /// Into a port of a node.
    fn to_port(&self, from: &Origin, node: &Node, protocol: Protocol, port: u16) -> Result<Way, NoSuchEnd> {
        let (mut hops, stop, seen) = match from {
            Origin::Internet => outside(node, Seen::Anyone),
            Origin::Address(address) => self.of_address(*address, node),
            Origin::Node(name) => {
                let member = Seen::Member(Some(self.node(name)?));
                (vec![local(node)], None, member)
            }
            Origin::Service(name) => {
                self.service(name)?;
                (vec![Hop::ThroughNode, local(node)], None, Seen::Member(None))
            }
        };
        if stop.is_some() {
            return Ok((hops, stop));
        }
        Ok(match self.rule(protocol, port, seen) {
            Some(rule) => {
                hops.push(Hop::of_rule(rule));
                (hops, None)
            }
            None => (hops, Some(Stop::no_rule(&self.rules, protocol, port))),
        })
    }

    fn of_address(&self, address: Ipv4Addr, node: &Node) -> (Vec<Hop>, Option<Stop>, Seen<'static>) {
        let seen = Seen::Address(address);
        if self
            .vpc
            .iter()
            .any(|range| range.contains(&std::net::IpAddr::V4(address)))
        {
            return (vec![local(node)], None, seen);
        }
        // Loopback, link-local and the like come from nowhere either.
        if address.is_private()
            || address.is_loopback()
            || address.is_link_local()
            || address.is_unspecified()
        {
            return (Vec::new(), Some(Stop::Elsewhere { address }), seen);
        }
        outside(node, seen)
    }
}

/// From the internet to a node's door: route, then address.
fn outside<'a>(node: &Node, seen: Seen<'a>) -> (Vec<Hop>, Option<Stop>, Seen<'a>) {
    let subnet = node.subnet.clone();
    let Some(reach) = node.reach else {
        return (Vec::new(), Some(Stop::Unknown { subnet }), seen);
    };
    if let Some(stop) = Stop::of_way(&subnet, reach.way_out) {
        return (Vec::new(), Some(stop), seen);
    }
    let mut hops = vec![Hop::Gateway {
        subnet: subnet.clone(),
    }];
    let name = node.name.clone();
    if node.elastic || node.wish.unwrap_or(reach.public_ip) {
        hops.push(Hop::PublicAddress {
            node: name,
            elastic: node.elastic,
        });
        (hops, None, seen)
    } else {
        (hops, Some(Stop::NoPublicAddress { node: name, subnet }), seen)
    }
}

fn local(node: &Node) -> Hop {
    Hop::Local {
        subnet: node.subnet.clone(),
    }
}

fn published(service: &str, endpoint: &Endpoint) -> Hop {
    let service = service.to_owned();
    let (published, target) = (endpoint.published, endpoint.target);
    match endpoint.mode {
        PublishMode::Ingress => Hop::Mesh {
            service,
            published,
            target,
        },
        PublishMode::Host => Hop::HostPort {
            service,
            published,
            target,
        },
    }
}

/// From service to service, by the name of the second.
fn between(first: &Service, second: &Service) -> Way {
    let shared = first
        .networks
        .iter()
        .find(|network| second.networks.contains(network));
    match shared {
        Some(network) => (
            vec![Hop::Overlay {
                network: network.clone(),
            }],
            None,
        ),
        None => {
            let stop = Stop::NoNetwork {
                first: first.networks.clone(),
                second: second.networks.clone(),
            };
            (Vec::new(), Some(stop))
        }
    }
}

fn alone((hops, stop): Way) -> Path {
    Path {
        hops,
        stop,
        entries: None,
    }
}
