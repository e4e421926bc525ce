//! A path: its hops, and what stops it.

use std::fmt;
use std::net::Ipv4Addr;

use serde::Serialize;

use crate::world::{Protocol, Rule, Source, WayOut};

/// One part of the way that is open, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Hop {
    /// The subnet's route to the internet gateway.
    Gateway {
        /// The subnet.
        subnet: String,
    },
    /// The VPC's own route between its subnets.
    Local {
        /// The subnet that it leads to.
        subnet: String,
    },
    /// The node's public address.
    PublicAddress {
        /// The node.
        node: String,
        /// Whether that is an elastic one.
        elastic: bool,
    },
    /// A rule of the security group.
    Rule {
        /// What it lets in.
        protocol: Protocol,
        /// The first port.
        from_port: u16,
        /// The last port.
        to_port: u16,
        /// From where.
        source: String,
        /// What it is for.
        description: String,
    },
    /// The routing mesh, which listens on every node.
    Mesh {
        /// The service.
        service: String,
        /// The port on the nodes.
        published: u16,
        /// The port in its containers.
        target: u16,
    },
    /// The port of the node that a task runs on.
    HostPort {
        /// The service.
        service: String,
        /// The port on the node.
        published: u16,
        /// The port in its containers.
        target: u16,
    },
    /// An overlay network that both services are on.
    Overlay {
        /// The network.
        network: String,
    },
    /// Containers leave through the node that they run on.
    ThroughNode,
}

/// What stops a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Stop {
    /// The subnet has no route in from the internet.
    NoRoute {
        /// The subnet.
        subnet: String,
        /// Whether its instances get out, by a NAT gateway or another network.
        out_only: bool,
    },
    /// The node has no public address.
    NoPublicAddress {
        /// The node.
        node: String,
        /// Its subnet.
        subnet: String,
    },
    /// No rule of the security group lets it in.
    NoRule {
        /// The protocol.
        protocol: Protocol,
        /// The port.
        port: u16,
        /// Whom the group lets in on that port.
        lets_in: Vec<String>,
    },
    /// A private address of somewhere else: nothing leads from there to here.
    Elsewhere {
        /// The address.
        address: Ipv4Addr,
    },
    /// The service publishes no such port.
    NotPublished {
        /// The service.
        service: String,
        /// What it publishes.
        published: Vec<u16>,
    },
    /// The two services are on no network together.
    NoNetwork {
        /// Those that the first is on.
        first: Vec<String>,
        /// Those that the second is on.
        second: Vec<String>,
    },
    /// The manifest has no nodes.
    NoNodes,
    /// Nothing is known of a subnet.
    Unknown {
        /// The subnet.
        subnet: String,
    },
}

/// From end to end, or as far as it leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Path {
    /// What is open, in the order of the way.
    pub hops: Vec<Hop>,
    /// What stops it; `None` where it arrives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// Of how many nodes that could be entered how many can; `None` where only one is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<(usize, usize)>,
}

impl Path {
    /// Whether it arrives.
    pub fn arrives(&self) -> bool {
        self.stop.is_none()
    }
}

impl Hop {
    pub(super) fn of_rule(rule: &Rule) -> Self {
        Self::Rule {
            protocol: rule.protocol,
            from_port: rule.ports.from,
            to_port: rule.ports.to,
            source: rule.source.to_string(),
            description: rule.description.clone(),
        }
    }
}

impl Stop {
    pub(super) fn of_way(subnet: &str, way_out: WayOut) -> Option<Self> {
        (way_out != WayOut::Gateway).then(|| Self::NoRoute {
            subnet: subnet.to_owned(),
            out_only: way_out == WayOut::OutOnly,
        })
    }

    pub(super) fn no_rule(rules: &[Rule], protocol: Protocol, port: u16) -> Self {
        let lets_in = rules
            .iter()
            .filter(|rule| super::ground::is_for(rule, protocol, port));
        let mut lets_in: Vec<String> = lets_in
            .map(|rule| match &rule.source {
                Source::SelfGroup => "the nodes themselves".to_owned(),
                other => other.to_string(),
            })
            .collect();
        lets_in.sort();
        lets_in.dedup();
        Self::NoRule {
            protocol,
            port,
            lets_in,
        }
    }

    /// What opens the way.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoRoute { .. } => "name subnets whose route table sends 0.0.0.0/0 to an internet gateway",
            Self::NoPublicAddress { .. } => "set `public_ip = true` or \"elastic\" on the pool",
            Self::NoRule {
                port: 2377 | 4789 | 7946,
                ..
            } => "leave it so: these ports are the swarm's own, and only its nodes need them",
            Self::NoRule { .. } => "let it in: publish_to, ssh_from or ingress under [security_group]",
            Self::Elsewhere { .. } => "give the public address that it is seen with, or one inside the VPC",
            Self::NotPublished { .. } => "publish the port in `ports` of the [[service]]",
            Self::NoNetwork { .. } => "put both services on one [[network]]",
            Self::NoNodes => "give a [[pool]] a count",
            Self::Unknown { .. } => "run it with credentials that may read subnets and route tables",
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway { subnet } => write!(f, "{subnet} has a route to an internet gateway"),
            Self::Local { subnet } => write!(f, "the VPC routes to {subnet} itself"),
            Self::PublicAddress { node, elastic: true } => write!(f, "{node} has an elastic address"),
            Self::PublicAddress { node, elastic: false } => write!(f, "{node} has a public address"),
            Self::Rule {
                protocol,
                from_port,
                to_port,
                source,
                description,
            } => {
                let ports = match (protocol, from_port == to_port) {
                    (Protocol::All, _) => "everything".to_owned(),
                    (_, true) => format!("{from_port}/{protocol}"),
                    (_, false) => format!("{from_port}-{to_port}/{protocol}"),
                };
                write!(f, "the security group lets in {ports} from {source}")?;
                match description.as_str() {
                    "" => Ok(()),
                    description => write!(f, " ({description})"),
                }
            }
            Self::Mesh {
                service,
                published,
                target,
            } => write!(
                f,
                "the routing mesh takes {published} on every node to service.{service}, port {target}"
            ),
            Self::HostPort {
                service,
                published,
                target,
            } => write!(
                f,
                "port {published} of a node that runs it leads to service.{service}, port {target}"
            ),
            Self::Overlay { network } => write!(f, "both are on network.{network}"),
            Self::ThroughNode => f.write_str("its containers leave through their node"),
        }
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoute {
                subnet,
                out_only: true,
            } => {
                write!(
                    f,
                    "{subnet} has no route to an internet gateway: its instances get out, nobody gets in"
                )
            }
            Self::NoRoute {
                subnet,
                out_only: false,
            } => {
                write!(f, "{subnet} has no route to the internet")
            }
            Self::NoPublicAddress { node, subnet } => {
                write!(f, "{node} gets no public address in {subnet}")
            }
            Self::NoRule {
                protocol,
                port,
                lets_in,
            } => match lets_in.as_slice() {
                [] => write!(f, "no rule of the security group lets in {port}/{protocol}"),
                ranges => write!(
                    f,
                    "the security group lets in {port}/{protocol} from {} only",
                    ranges.join(", ")
                ),
            },
            Self::Elsewhere { address } => {
                write!(
                    f,
                    "{address} is a private address outside the VPC: nothing routes from there"
                )
            }
            Self::NotPublished { service, published } => {
                let published: Vec<String> = published.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "service.{service} does not publish it (published: {})",
                    listed(&published)
                )
            }
            Self::NoNetwork { first, second } => write!(
                f,
                "they are on no network together ({}; {})",
                listed(first),
                listed(second)
            ),
            Self::NoNodes => f.write_str("there are no nodes"),
            Self::Unknown { subnet } => write!(f, "nothing is known of the routes of {subnet}"),
        }
    }
}
