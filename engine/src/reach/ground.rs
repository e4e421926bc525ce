//! What decides who reaches what: nodes with their subnets and addresses, rules, services.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};

use crate::desired::DesiredSet;
use crate::kinds::{ElasticIp, Instance, SecurityGroup};
use crate::manifest::Manifest;
use crate::reference::Ref;
use crate::world::{Endpoint, LookupAnswer, Protocol, Reach, Rule, Source};

/// A node.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub name: String,
    pub subnet: String,
    /// The range of its subnet.
    pub range: Option<Ipv4Net>,
    /// Its pinned address.
    pub pinned: Option<Ipv4Addr>,
    /// How its subnet and the internet reach each other.
    pub reach: Option<Reach>,
    /// Whether it asks for a public address.
    pub wish: Option<bool>,
    pub elastic: bool,
}

/// A service.
#[derive(Debug, Clone)]
pub(super) struct Service {
    pub networks: Vec<String>,
    pub ports: Vec<Endpoint>,
}

/// What decides who reaches what, as the manifest wants it.
#[derive(Debug, Clone)]
pub struct Ground {
    pub(super) nodes: Vec<Node>,
    pub(super) rules: Vec<Rule>,
    pub(super) services: BTreeMap<String, Service>,
    pub(super) vpc: Vec<IpNet>,
}

/// An end that the manifest does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {what} `{name}`; there are: {known}")]
pub struct NoSuchEnd {
    /// `node` or `service`.
    pub what: &'static str,
    /// What was asked for.
    pub name: String,
    /// Those that there are.
    pub known: String,
}

/// Whether a rule speaks of a port.
pub(super) fn is_for(rule: &Rule, protocol: Protocol, port: u16) -> bool {
    rule.protocol == Protocol::All
        || rule.protocol == protocol && (rule.ports.from..=rule.ports.to).contains(&port)
}

impl Ground {
    /// Of what is wanted and what was looked up for it. A spec that cannot be read is left out: no
    /// plan of it gets that far.
    pub fn of(desired: &DesiredSet, looked_up: Option<&LookupAnswer>, manifest: &Manifest) -> Self {
        let mut ground = Self {
            nodes: Vec::new(),
            rules: Vec::new(),
            services: BTreeMap::new(),
            vpc: Vec::new(),
        };
        let mut elastic: BTreeSet<String> = BTreeSet::new();
        for wanted in &desired.resources {
            match wanted.address.kind() {
                "instance" => {
                    let spec = wanted.spec.decode::<Instance>().ok();
                    ground.nodes.extend(spec.map(|spec| node(spec, looked_up)));
                }
                "elastic_ip" => {
                    if let Ok(ElasticIp {
                        machine: Ref::To { address, .. },
                        ..
                    }) = wanted.spec.decode()
                    {
                        elastic.insert(address.name().to_owned());
                    }
                }
                "security_group" => {
                    let group = wanted.spec.decode::<SecurityGroup>();
                    ground
                        .rules
                        .extend(group.into_iter().flat_map(|group| group.rules));
                }
                _ => {}
            }
        }
        for node in &mut ground.nodes {
            node.elastic = elastic.contains(&node.name);
        }
        for service in &manifest.services {
            let networks = service.spec.networks.iter().map(|network| network.name.clone());
            let of = Service {
                networks: networks.collect(),
                ports: service.spec.ports.clone(),
            };
            ground.services.insert(service.spec.name.clone(), of);
        }
        let ranges = looked_up.into_iter().flat_map(|answer| &answer.vpc_cidrs);
        ground.vpc = ranges.filter_map(|range| range.parse().ok()).collect();
        ground
    }

    pub(super) fn node(&self, name: &str) -> Result<&Node, NoSuchEnd> {
        let found = self.nodes.iter().find(|node| node.name == name);
        found.ok_or_else(|| no_such("node", name, self.nodes.iter().map(|node| node.name.as_str())))
    }

    pub(super) fn service(&self, name: &str) -> Result<&Service, NoSuchEnd> {
        let found = self.services.get(name);
        found.ok_or_else(|| no_such("service", name, self.services.keys().map(String::as_str)))
    }

    /// The rule that lets a port in from there, the widest source first.
    pub(super) fn rule(&self, protocol: Protocol, port: u16, from: Seen<'_>) -> Option<&Rule> {
        self.rules
            .iter()
            .filter(|rule| is_for(rule, protocol, port))
            .find(|rule| from.is_let_in_by(&rule.source))
    }
}

/// How many ends a mistake names.
const NAMED: usize = 8;

fn no_such<'a>(what: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> NoSuchEnd {
    let known: Vec<&str> = known.collect();
    let more = known.len().saturating_sub(NAMED);
    let mut text = known.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    NoSuchEnd {
        what,
        name: name.to_owned(),
        known: if text.is_empty() { "none".to_owned() } else { text },
    }
}

fn node(spec: Instance, looked_up: Option<&LookupAnswer>) -> Node {
    let subnets = looked_up
        .into_iter()
        .flat_map(|answer| answer.subnets.iter().chain(&answer.used));
    let mut ranges = subnets.filter(|subnet| subnet.id == spec.subnet_id);
    Node {
        range: ranges.find_map(|subnet| subnet.cidr.parse().ok()),
        reach: looked_up.and_then(|answer| answer.reach.get(&spec.subnet_id).copied()),
        pinned: spec.private_ip.as_ref().and_then(|ip| ip.parse().ok()),
        wish: spec.public_ip,
        elastic: false,
        name: spec.name,
        subnet: spec.subnet_id,
    }
}

/// Whom a security group sees.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seen<'a> {
    /// Any address at all.
    Anyone,
    /// One address.
    Address(Ipv4Addr),
    /// A member of the group; `None` for any of them.
    Member(Option<&'a Node>),
}

impl Seen<'_> {
    fn is_let_in_by(self, source: &Source) -> bool {
        let range = match source {
            Source::SelfGroup => return matches!(self, Self::Member(_)),
            // Who is in another group is not known.
            Source::Group(_) => return false,
            Source::Cidr(range) => match range.parse::<IpNet>() {
                Ok(IpNet::V4(range)) => range,
                _ => return false,
            },
        };
        match self {
            Self::Anyone | Self::Member(None) => range.prefix_len() == 0,
            Self::Address(address) => range.contains(&address),
            Self::Member(Some(node)) => match (node.pinned, node.range) {
                (Some(address), _) => range.contains(&address),
                // It has some address of its subnet.
                (None, Some(subnet)) => range.contains(&subnet),
                (None, None) => range.prefix_len() == 0,
            },
        }
    }
}
