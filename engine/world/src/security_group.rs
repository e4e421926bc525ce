//! Security groups of the cloud, and their rules.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::ownership::Ownership;

/// An IP protocol of a rule.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP, all types.
    Icmp,
    /// IP protocol 50 (encrypted overlay networks).
    Esp,
    /// Every protocol.
    All,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Esp => "esp",
            Self::All => "all",
        })
    }
}

/// A range of ports, both ends included; 0 to 65535 where the protocol has no ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Port {
    /// The first port.
    pub from: u16,
    /// The last port.
    pub to: u16,
}

/// Where a rule lets traffic in from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A range in CIDR notation, IPv4 or IPv6.
    Cidr(String),
    /// Members of another security group, by its id, `sg-…`.
    Group(String),
    /// Members of the same security group.
    SelfGroup,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cidr(cidr) => f.write_str(cidr),
            Self::Group(id) => f.write_str(id),
            Self::SelfGroup => f.write_str("the group itself"),
        }
    }
}

/// One ingress rule. Two rules are the same rule if protocol, ports and source are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// What it is for, for people; EC2 allows 255 characters of a limited set.
    pub description: String,
    /// The ports.
    pub ports: Port,
    /// The protocol.
    pub protocol: Protocol,
    /// Where from.
    pub source: Source,
}

impl Rule {
    /// Whether two rules let the same traffic in, whatever their descriptions.
    pub fn same_traffic(&self, other: &Self) -> bool {
        self.protocol == other.protocol && self.ports == other.ports && self.source == other.source
    }
}

/// A security group to create, empty of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroupRequest {
    /// The name, unique in the VPC.
    pub name: String,
    /// The description, which EC2 never lets change.
    pub description: String,
    /// The VPC.
    pub vpc_id: String,
    /// The user's tags.
    pub tags: BTreeMap<String, String>,
    /// Whose it is.
    pub ownership: Ownership,
}

/// A security group as EC2 has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// The id, `sg-…`.
    pub id: String,
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// The VPC.
    pub vpc_id: String,
    /// Ingress rules, sorted.
    pub rules: Vec<Rule>,
    /// All tags.
    pub tags: BTreeMap<String, String>,
}
