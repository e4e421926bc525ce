//! `[prices]`.

use super::value;
use crate::manifest::raw;
use crate::money::Prices;

/// Takes the prices, each of which is right by itself.
pub fn check(raw: raw::Prices) -> Prices {
    let instances = value(raw.instance_hour).0.into_iter();
    Prices {
        instance_hour: instances
            .map(|(name, price)| (name.value, price.value.0))
            .collect(),
        gib_month: raw.gib_month.map(|price| price.value.0),
        public_ipv4_hour: raw.public_ipv4_hour.map(|price| price.value.0),
    }
}
