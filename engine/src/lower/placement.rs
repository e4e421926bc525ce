//! Which subnet each instance is in. One that is recorded stays where it is while the manifest
//! allows that; the others take turns.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::cidr::Cidr;
use super::error::LowerError;
use super::records::Records;
use crate::manifest::{Aws, Manifest, Pool};
use crate::world::{LookupAnswer, Subnet};

/// Where an instance is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// The subnet.
    pub subnet: &'a Subnet,
    /// Its address there; `None` lets EC2 choose.
    pub private_ip: Option<String>,
}

/// A subnet with its range.
type Ranged<'a> = (&'a Subnet, Cidr);

/// The subnets that instances may be put in, with their ranges.
pub(super) struct Places<'a> {
    subnets: Vec<Ranged<'a>>,
    /// How many of them, from the front, are spread over.
    spread: usize,
    /// Subnets that instances are in and may stay in, by id.
    used: BTreeMap<&'a str, Ranged<'a>>,
    /// Every address that the manifest pins.
    wanted: BTreeSet<Ipv4Addr>,
    /// Addresses pinned so far, and for whom.
    pinned: BTreeMap<Ipv4Addr, String>,
}

fn ranged(subnet: &Subnet) -> Result<Ranged<'_>, LowerError> {
    Ok((subnet, Cidr::parse(&subnet.id, &subnet.cidr)?))
}

/// Whether a manifest lets instances stay in a subnet.
fn allows(aws: &Aws, subnet: &Subnet) -> bool {
    let named = |list: &[String], one: &String| list.is_empty() || list.contains(one);
    named(&aws.subnets, &subnet.id) && named(&aws.availability_zones, &subnet.zone)
}

impl<'a> Places<'a> {
    /// Without zones or subnets in the manifest only one zone is spread over, so that a cluster
    /// is not charged for traffic between zones that nobody asked for: the one that its first
    /// instance is in, else the first.
    pub fn new(
        manifest: &Manifest,
        records: &Records<'_>,
        answer: &'a LookupAnswer,
    ) -> Result<Self, LowerError> {
        let aws = &manifest.aws;
        let mut subnets = answer.subnets.iter().map(ranged).collect::<Result<Vec<_>, _>>()?;
        let mut used = BTreeMap::new();
        for subnet in answer.used.iter().filter(|subnet| allows(aws, subnet)) {
            used.insert(subnet.id.as_str(), ranged(subnet)?);
        }
        let unnamed = aws.availability_zones.is_empty() && aws.subnets.is_empty();
        if unnamed {
            let mut names = manifest.pools.iter().flat_map(Manifest::instance_names);
            let home = names.find_map(|name| used.get(records.subnet(&name)?).copied());
            if let Some(home) = home {
                subnets.retain(|(subnet, _)| subnet.id != home.0.id);
                subnets.insert(0, home);
            }
        }
        let spread = if unnamed {
            subnets.len().min(1)
        } else {
            subnets.len()
        };
        if spread == 0 {
            return Err(LowerError::NoSubnet);
        }
        let pinned = manifest.pools.iter().flat_map(|pool| &pool.private_ips);
        Ok(Self {
            subnets,
            spread,
            used,
            wanted: pinned.filter_map(|address| address.parse().ok()).collect(),
            pinned: BTreeMap::new(),
        })
    }

    /// The place of each instance of a pool, by index: where it is, else in turn; but where an
    /// address is pinned the subnet that holds it.
    pub fn of(&mut self, pool: &Pool, records: &Records<'_>) -> Result<Vec<Place<'a>>, LowerError> {
        Manifest::instance_names(pool)
            .enumerate()
            .map(|(index, name)| {
                let used = records.subnet(&name).and_then(|id| self.used.get(id)).copied();
                match (pool.private_ips.get(index), used) {
                    (Some(address), used) => self.holding(index, name, address, used),
                    (None, Some((subnet, range))) => Ok(Place {
                        subnet,
                        private_ip: self.kept(records.pinned(&name), range),
                    }),
                    (None, None) => Ok(Place {
                        subnet: self.subnets[index % self.spread].0,
                        private_ip: None,
                    }),
                }
            })
            .collect()
    }

    /// An address that is no longer pinned is kept, unless another instance is to have it: EC2
    /// cannot change it.
    fn kept(&self, recorded: Option<Ipv4Addr>, range: Cidr) -> Option<String> {
        let kept = recorded.filter(|address| range.contains(*address) && !self.wanted.contains(address));
        kept.map(|address| address.to_string())
    }

    fn holding(
        &mut self,
        index: usize,
        name: String,
        text: &str,
        used: Option<Ranged<'a>>,
    ) -> Result<Place<'a>, LowerError> {
        let Ok(address) = text.parse::<Ipv4Addr>() else {
            return Err(LowerError::Address {
                name,
                address: text.to_owned(),
            });
        };
        let first = index % self.spread;
        let (from_its_turn, before) = (&self.subnets[first..], &self.subnets[..first]);
        let holding = used
            .iter()
            .chain(from_its_turn)
            .chain(before)
            .find(|(_, range)| range.contains(address));
        let Some((subnet, range)) = holding.copied() else {
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
        Ok(Place {
            subnet,
            private_ip: Some(text.to_owned()),
        })
    }
}
