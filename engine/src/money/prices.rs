//! List prices, with those that the manifest gives instead.

use std::collections::BTreeMap;

use crate::world::prices::{PriceTable, Usd};

/// What the manifest says is paid (`[prices]`): it wins over the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prices {
    /// A running instance, an hour, by type.
    pub instance_hour: BTreeMap<String, Usd>,
    /// Storage (gp3), a GiB and month.
    pub gib_month: Option<Usd>,
    /// A public IPv4 address, an hour.
    pub public_ipv4_hour: Option<Usd>,
}

impl Prices {
    /// A running instance, an hour; `None` where nobody says.
    pub(crate) fn instance(&self, region: &str, instance_type: &str) -> Option<Usd> {
        let own = self.instance_hour.get(instance_type).copied();
        own.or_else(|| PriceTable::built_in().instance_hour(region, instance_type))
    }

    /// A GiB of gp3, which is what instances are launched with, a month.
    pub(crate) fn gib(&self, region: &str) -> Option<Usd> {
        self.gib_month
            .or_else(|| PriceTable::built_in().gib_month(region, "gp3"))
    }

    /// A public IPv4 address, an hour.
    pub(crate) fn address(&self, region: &str) -> Option<Usd> {
        self.public_ipv4_hour
            .or_else(|| PriceTable::built_in().public_ipv4_hour(region))
    }

    /// Whether no price is the manifest's own.
    pub fn is_empty(&self) -> bool {
        self.instance_hour.is_empty() && self.gib_month.is_none() && self.public_ipv4_hour.is_none()
    }
}
