//! Which subnet each instance is in.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::cidr::Cidr;
use super::error::LowerError;
use crate::manifest::{Aws, Manifest, Pool};
use crate::world::Subnet;

/// The subnets that instances may be put in, with their ranges.
pub(super) struct Places<'a> {
    subnets: Vec<(&'a Subnet, Cidr)>,
    /// How many of them, from the front, are spread over.
    spread: usize,
    /// Addresses pinned so far, and for whom.
    pinned: BTreeMap<Ipv4Addr, String>,
}

impl<'a> Places<'a> {
    /// Without zones or subnets in the manifest only the first zone is spread over, so that a
    /// new cluster is not charged for traffic between zones that nobody asked for.
    pub fn new(aws: &Aws, subnets: &'a [Subnet]) -> Result<Self, LowerError> {
        let subnets = subnets
            .iter()
            .map(|subnet| Ok((subnet, Cidr::parse(&subnet.id, &subnet.cidr)?)))
            .collect::<Result<Vec<_>, LowerError>>()?;
        let spread = match aws.availability_zones.is_empty() && aws.subnets.is_empty() {
            true => subnets.len().min(1),
            false => subnets.len(),
        };
        if spread == 0 {
            return Err(LowerError::NoSubnet);
        }
        Ok(Self {
            subnets,
            spread,
            pinned: BTreeMap::new(),
        })
    }

    /// The subnet of each instance of a pool, by index: in turn, but where an address is pinned
    /// the one that holds it.
    pub fn of(&mut self, pool: &Pool) -> Result<Vec<&'a Subnet>, LowerError> {
        if pool.private_ips.is_empty() {
            return Ok((0..pool.count as usize)
                .map(|index| self.subnets[index % self.spread].0)
                .collect());
        }
        Manifest::instance_names(pool)
            .enumerate()
            .map(|(index, name)| match pool.private_ips.get(index) {
                Some(address) => self.holding(index, name, address),
                None => Ok(self.subnets[index % self.spread].0),
            })
            .collect()
    }

    fn holding(&mut self, index: usize, name: String, text: &str) -> Result<&'a Subnet, LowerError> {
        let Ok(address) = text.parse::<Ipv4Addr>() else {
            return Err(LowerError::Address {
                name,
                address: text.to_owned(),
            });
        };
        let first = index % self.spread;
        let (from_its_turn, before) = (self.subnets[first..].iter(), self.subnets[..first].iter());
        let holding = from_its_turn
            .chain(before)
            .find(|(_, range)| range.contains(address));
        let Some((subnet, range)) = holding else {
            let ranges: Vec<String> = self
                .subnets
                .iter()
                .map(|(subnet, range)| format!("{} ({range}, {})", subnet.id, subnet.zone))
                .collect();
            return Err(LowerError::AddressOutside {
                name,
                address: text.to_owned(),
                subnets: ranges.join(", "),
            });
        };
        if range.reserves(address) {
            return Err(LowerError::AddressReserved {
                name,
                address: text.to_owned(),
                subnet: range.to_string(),
            });
        }
        if let Some(first) = self.pinned.insert(address, name.clone()) {
            return Err(LowerError::AddressTwice {
                address: text.to_owned(),
                first,
                second: name,
            });
        }
        Ok(subnet)
    }
}
