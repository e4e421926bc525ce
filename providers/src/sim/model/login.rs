//! Who can log in to a machine.

use std::net::Ipv4Addr;

use subako_world::{Protocol, Source};

use super::catalog::Range;
use super::facts::InstanceFacts;
use super::world::Model;
use crate::sim::Login;

/// The range for documentation (RFC 5737, TEST-NET-3) that the starter manifest has an address of,
/// to be replaced by one's own: nobody dials from it.
const PLACEHOLDER: &str = "203.0.113.0/24";

/// Why nobody gets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoWay {
    /// It is dialled by its public address, and has none.
    NoPublicAddress,
    /// The public address that is dialled is not its own any more.
    Elsewhere,
    /// Its security groups let nobody in on the port.
    Closed(Ipv4Addr),
}

impl Model {
    /// Whether a caller who dials in this way gets through to a machine, once that answers. The
    /// caller is wherever a rule lets somebody in from.
    pub fn way_in(&self, instance: &InstanceFacts, login: Login, dialled: Option<&str>) -> Result<(), NoWay> {
        if !login.private {
            if !instance.public && instance.elastic_ip.is_none() {
                return Err(NoWay::NoPublicAddress);
            }
            if dialled.is_some_and(|ip| self.is_elsewhere(instance, ip)) {
                return Err(NoWay::Elsewhere);
            }
        }
        let groups = instance.groups.iter().filter_map(|id| self.groups.get(id));
        let open = groups.flat_map(|group| &group.rules).any(|rule| {
            let tcp = rule.protocol == Protocol::All
                || (rule.protocol == Protocol::Tcp
                    && (rule.ports.from..=rule.ports.to).contains(&login.port));
            tcp && somebody(&rule.source)
        });
        if open {
            Ok(())
        } else {
            Err(NoWay::Closed(instance.private_ip))
        }
    }
}

impl Model {
    /// Whether a public address leads to another machine than this, or nowhere: an elastic address
    /// that it does not have, or its own from before it got an elastic one.
    fn is_elsewhere(&self, instance: &InstanceFacts, ip: &str) -> bool {
        match &instance.elastic_ip {
            Some(own) => own != ip,
            None => self.elastic_ips.values().any(|address| address.public_ip == ip),
        }
    }
}

/// Whether a source of traffic is where a caller can be.
fn somebody(source: &Source) -> bool {
    let Source::Cidr(cidr) = source else {
        return false;
    };
    let placeholder = Range::parse(PLACEHOLDER);
    Range::parse(cidr)
        .zip(placeholder)
        .is_none_or(|(range, placeholder)| range.bits < placeholder.bits || !range.overlaps(placeholder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_dials_from_the_range_for_documentation_or_from_the_group() {
        let from = |cidr: &str| somebody(&Source::Cidr(cidr.to_owned()));
        assert!(from("0.0.0.0/0") && from("198.51.100.7/32") && from("203.0.0.0/16") && from("10.0.0.0/8"));
        assert!(!from("203.0.113.7/32") && !from("203.0.113.0/24"));
        assert!(!somebody(&Source::SelfGroup));
    }
}
