//! What only one resource can hold at a time.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// Where a claim holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// In the account's region.
    Region,
    /// In the VPC with that id.
    Vpc(String),
    /// In the subnet with that id.
    Subnet(String),
    /// In the cluster's swarm.
    Swarm,
}

/// Something that only one resource can hold at a time: whoever releases it comes before whoever
/// takes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Claim {
    /// A name.
    Name {
        /// The kind whose names are unique.
        of: &'static str,
        /// Where they are.
        scope: Scope,
        /// The name, in lower case where the service does not tell cases apart.
        name: String,
    },
    /// A private address.
    Address {
        /// Where it is.
        scope: Scope,
        /// The address.
        ip: IpAddr,
    },
    /// A published port of the swarm's nodes.
    Port {
        /// The port.
        published: u16,
        /// `tcp`, `udp` or `sctp`.
        protocol: String,
        /// Whether every node answers at it (the routing mesh), or those alone that a task is on.
        mesh: bool,
    },
    /// A range of overlay addresses.
    Range {
        /// Where it is.
        scope: Scope,
        /// The range.
        range: IpNet,
    },
}

impl Claim {
    /// A name in the swarm, which does not tell cases apart (swarmkit indexes names in lower case).
    pub fn swarm_name(of: &'static str, name: &str) -> Self {
        Self::Name {
            of,
            scope: Scope::Swarm,
            name: name.to_lowercase(),
        }
    }

    /// Whether two resources cannot hold both at once, at least not on one node.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Port {
                    published, protocol, ..
                },
                Self::Port {
                    published: other_published,
                    protocol: other_protocol,
                    ..
                },
            ) => published == other_published && protocol == other_protocol,
            (
                Self::Range { scope, range },
                Self::Range {
                    scope: other_scope,
                    range: other_range,
                },
            ) => scope == other_scope && (range.contains(other_range) || other_range.contains(range)),
            _ => self == other,
        }
    }

    /// Whether two that meet may be held side by side, each on other nodes: two services that publish
    /// a port on their own nodes only (swarmkit, `checkPortConflicts`). Where there are nodes enough,
    /// neither has to wait for the other.
    pub fn is_of_nodes(&self) -> bool {
        matches!(self, Self::Port { mesh: false, .. })
    }

    /// What claims that meet have in common: equal for any two that do. It sorts claims into
    /// groups, so that not every pair has to be compared.
    #[must_use]
    pub fn group(&self) -> Self {
        let mut group = self.clone();
        match &mut group {
            Self::Port { mesh, .. } => *mesh = true,
            Self::Range { range, .. } => {
                *range = match range {
                    IpNet::V4(_) => IpNet::V4(ipnet::Ipv4Net::default()),
                    IpNet::V6(_) => IpNet::V6(ipnet::Ipv6Net::default()),
                }
            }
            Self::Name { .. } | Self::Address { .. } => {}
        }
        group
    }

    /// Why two cannot hold it, to fit "the old one goes first: {why}".
    pub fn why(&self) -> String {
        match self {
            Self::Name {
                of,
                scope: Scope::Swarm,
                ..
            } => format!("{of} names are unique"),
            Self::Name { scope, name, .. } => format!("the name `{name}` is unique {scope}"),
            Self::Address { ip, .. } => format!("its private address {ip} is pinned"),
            Self::Port {
                published, protocol, ..
            } => format!("one service at a time publishes the port {published}/{protocol}"),
            Self::Range { range, .. } => format!("one network at a time has the range {range}"),
        }
    }
}

impl Scope {
    /// A name for it that no other has.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Region => "the region".to_owned(),
            Self::Vpc(id) | Self::Subnet(id) => id.clone(),
            Self::Swarm => "the swarm".to_owned(),
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { name, .. } => write!(f, "the name {name}"),
            Self::Address { ip, .. } => write!(f, "the address {ip}"),
            Self::Port {
                published, protocol, ..
            } => write!(f, "the port {published}/{protocol}"),
            Self::Range { range, .. } => write!(f, "the range {range}"),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Region => "in the region",
            Self::Vpc(_) => "in the VPC",
            Self::Subnet(_) => "in the subnet",
            Self::Swarm => "in the swarm",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(published: u16, protocol: &str, mesh: bool) -> Claim {
        Claim::Port {
            published,
            protocol: protocol.into(),
            mesh,
        }
    }

    fn range(text: &str) -> Claim {
        Claim::Range {
            scope: Scope::Swarm,
            range: text.parse().expect("a range"),
        }
    }

    #[test]
    fn names_in_the_swarm_meet_whatever_their_case() {
        let web = Claim::swarm_name("service", "web");
        assert!(web.meets(&Claim::swarm_name("service", "WEB")));
        assert!(!web.meets(&Claim::swarm_name("network", "web")));
    }

    #[test]
    fn a_port_meets_the_same_of_its_protocol_and_is_of_nodes_or_of_all() {
        assert!(port(80, "tcp", true).meets(&port(80, "tcp", false)));
        assert!(port(80, "tcp", false).meets(&port(80, "tcp", true)));
        assert!(port(80, "tcp", false).meets(&port(80, "tcp", false)));
        assert!(port(80, "tcp", false).is_of_nodes() && !port(80, "tcp", true).is_of_nodes());
        assert!(!port(80, "tcp", true).meets(&port(80, "udp", true)));
        assert!(!port(80, "tcp", true).meets(&port(81, "tcp", true)));
    }

    #[test]
    fn ranges_meet_where_they_overlap() {
        assert!(range("10.0.0.0/16").meets(&range("10.0.7.0/24")));
        assert!(range("10.0.7.0/24").meets(&range("10.0.0.0/16")));
        assert!(!range("10.0.7.0/24").meets(&range("10.0.8.0/24")));
    }

    #[test]
    fn claims_that_meet_are_of_one_group() {
        let all = [
            port(80, "tcp", true),
            port(80, "tcp", false),
            port(80, "udp", false),
            range("10.0.0.0/16"),
            range("10.0.7.0/24"),
            range("fd00::/64"),
            Claim::swarm_name("service", "web"),
            Claim::swarm_name("service", "WEB"),
        ];
        for one in &all {
            for other in &all {
                assert_eq!(one.meets(other), other.meets(one));
                assert!(
                    !one.meets(other) || one.group() == other.group(),
                    "{one:?} {other:?}"
                );
            }
        }
    }
}
