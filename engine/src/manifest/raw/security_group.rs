//! `[security_group]`.

use crate::manifest::decode::{FromText, Malformed, OneOrMany, keywords, plain_schema, section};
use crate::manifest::formats::{Cidr, GroupName, Ports};
use crate::manifest::span::At;
use crate::world::Protocol;

section! {
    /// Who may reach the instances. The rules that a swarm needs between its nodes, and one for
    /// each published port, are generated.
    pub struct SecurityGroup = "[security_group]" {
        /// The group's name in EC2. Default: the cluster's name.
        optional name: GroupName,
        /// Ranges that may log in by SSH, in CIDR notation: your own address is "203.0.113.7/32".
        /// Default: none.
        optional ssh_from: OneOrMany<Cidr>,
        /// Ranges that may reach published ports. Default: "0.0.0.0/0", everyone.
        optional publish_to: OneOrMany<Cidr>,
        /// Further rules, as a list of tables.
        optional ingress: Vec<At<Ingress>>,
    }
    elsewhere {
        "rules" => "did you mean `ingress`?",
        "egress" => "instances may reach everything; narrower egress rules are not managed",
    }
}

section! {
    /// One further rule: what may come in, and from where.
    pub struct Ingress = "a rule" {
        /// The protocol: "tcp", "udp", "icmp", "esp" or "all".
        required protocol: Protocol,
        /// The port or range of ports, 80 or "8000-8010"; for tcp and udp only.
        optional ports: Ports,
        /// Where from: ranges in CIDR notation, or "self" for the cluster's own instances.
        required from: OneOrMany<From>,
        /// What the rule is for: at most 255 characters.
        optional description: String,
    }
    elsewhere {
        "port" => "did you mean `ports`?",
        "cidr" => "did you mean `from`?",
        "source" => "did you mean `from`?",
        "from_port" => "write the range as ports = \"8000-8010\"",
        "to_port" => "write the range as ports = \"8000-8010\"",
    }
}

/// Where a rule lets traffic in from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// A range.
    Range(Cidr),
    /// The group's own members.
    Itself,
}

plain_schema!(From => "From" { "type": "string", "pattern": "^self$|/[0-9]{1,3}$" });

impl FromText for From {
    const FORM: &'static str = "a range in CIDR notation, or \"self\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        match text {
            "self" => Ok(Self::Itself),
            _ => Cidr::from_text(text).map(Self::Range),
        }
    }
}

keywords!(Protocol, "\"tcp\", \"udp\", \"icmp\", \"esp\" or \"all\"", {
    "tcp" => Protocol::Tcp,
    "udp" => Protocol::Udp,
    "icmp" => Protocol::Icmp,
    "esp" => Protocol::Esp,
    "all" => Protocol::All,
});
