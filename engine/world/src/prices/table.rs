//! The table of list prices.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Usd;

/// Hours in a month, as AWS counts them for what it bills by the month.
pub const HOURS_A_MONTH: u32 = 730;
/// The version of the table's format that this program reads.
const FORMAT: u32 = 1;

/// List prices: on demand, Linux, shared tenancy, US dollars, without tax.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTable {
    format_version: u32,
    /// When the list that it comes from was published, `2026-11-21`.
    pub publication_date: String,
    /// Where its figures come from.
    pub source: String,
    /// What they are not.
    pub disclaimer: String,
    currency: String,
    regions: BTreeMap<String, RegionPrices>,
}

/// The prices of one region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionPrices {
    /// A running instance, an hour, by type.
    #[serde(default)]
    pub instance_hour: BTreeMap<String, Usd>,
    /// Storage, a GiB and month, by type of volume.
    #[serde(default)]
    pub gib_month: BTreeMap<String, Usd>,
    /// A public IPv4 address, in use or idle, an hour.
    #[serde(default)]
    pub public_ipv4_hour: Option<Usd>,
}

/// Why a table is refused.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// It is no such table.
    #[error("not a price table: {0}")]
    Form(#[from] serde_json::Error),
    /// Of a format, or in a currency, that this program does not know.
    #[error("a price table of format {format} in {currency}, where format {FORMAT} in USD is known")]
    Unknown {
        /// Its format.
        format: u32,
        /// Its currency.
        currency: String,
    },
    /// A price that cannot be: what is missing from a list often stands in it as a zero.
    #[error("{what} in {region} costs {price}: a price is more than nothing")]
    NotAPrice {
        /// The region.
        region: String,
        /// What.
        what: String,
        /// Its alleged price.
        price: Usd,
    },
}

impl PriceTable {
    /// The table that comes with the program.
    pub fn built_in() -> &'static Self {
        static TABLE: LazyLock<PriceTable> = LazyLock::new(|| {
            let read = PriceTable::read(include_str!("table.json"));
            read.unwrap_or_else(|error| unreachable!("the table is tested: {error}"))
        });
        &TABLE
    }

    /// Reads a table. Fails on another format and on any price that is not more than nothing.
    pub fn read(text: &str) -> Result<Self, TableError> {
        let table: Self = serde_json::from_str(text)?;
        if table.format_version != FORMAT || table.currency != "USD" {
            return Err(TableError::Unknown {
                format: table.format_version,
                currency: table.currency,
            });
        }
        for (region, prices) in &table.regions {
            let address = prices.public_ipv4_hour.iter();
            let listed = prices.instance_hour.iter().chain(&prices.gib_month);
            let all = listed
                .map(|(what, price)| (what.as_str(), price))
                .chain(address.map(|price| ("public IPv4", price)));
            for (what, price) in all {
                if *price <= Usd::ZERO {
                    return Err(TableError::NotAPrice {
                        region: region.clone(),
                        what: what.to_owned(),
                        price: *price,
                    });
                }
            }
        }
        Ok(table)
    }

    /// The prices of a region; `None` where the table has none.
    pub fn region(&self, region: &str) -> Option<&RegionPrices> {
        self.regions.get(region)
    }

    /// A running instance of a type, an hour; `None` where the table has no price.
    pub fn instance_hour(&self, region: &str, instance_type: &str) -> Option<Usd> {
        self.region(region)?.instance_hour.get(instance_type).copied()
    }

    /// A running machine, an hour, with the public address that EC2 lends it where it has one; `None`
    /// where the table lacks a price of the two.
    pub fn machine_hour(&self, region: &str, instance_type: &str, has_address: bool) -> Option<Usd> {
        let address = match has_address {
            true => self.public_ipv4_hour(region)?,
            false => Usd::ZERO,
        };
        Some(self.instance_hour(region, instance_type)? + address)
    }

    /// A GiB of a type of volume, a month; `None` where the table has no price.
    pub fn gib_month(&self, region: &str, volume: &str) -> Option<Usd> {
        self.region(region)?.gib_month.get(volume).copied()
    }

    /// A volume, an hour; `None` where the table has no price.
    pub fn volume_hour(&self, region: &str, volume: &str, gib: u32) -> Option<Usd> {
        let month = self.gib_month(region, volume)?.times(u64::from(gib));
        Some(month.divided_by(HOURS_A_MONTH))
    }

    /// A public IPv4 address, an hour; `None` where the table has no price.
    pub fn public_ipv4_hour(&self, region: &str) -> Option<Usd> {
        self.region(region)?.public_ipv4_hour
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_that_comes_along_says_where_it_is_from_and_knows_the_usual_prices() {
        let table = PriceTable::read(include_str!("table.json")).expect("a table");
        assert!(!table.source.is_empty() && table.disclaimer.contains("estimate"));
        let date: Vec<&str> = table.publication_date.split('-').collect();
        assert_eq!(date.len(), 3, "{}", table.publication_date);
        let usd = |text: &str| Some(text.parse().expect("an amount"));
        for (region, micro, small, gib) in [
            ("us-east-1", "0.0104", "0.0168", "0.08"),
            ("ap-northeast-1", "0.0136", "0.0216", "0.096"),
            ("eu-central-1", "0.0120", "0.0192", "0.0952"),
        ] {
            assert_eq!(table.instance_hour(region, "t3.micro"), usd(micro), "{region}");
            assert_eq!(table.instance_hour(region, "t4g.small"), usd(small), "{region}");
            assert_eq!(table.gib_month(region, "gp3"), usd(gib), "{region}");
            assert_eq!(table.public_ipv4_hour(region), usd("0.005"), "{region}");
        }
        assert_eq!(table.instance_hour("us-east-1", "x9.mega"), None);
        assert_eq!(table.instance_hour("mars-north-1", "t3.micro"), None);
        assert_eq!(table.volume_hour("ap-northeast-1", "gp3", 8), usd("0.001052055"));
    }

    #[test]
    fn a_price_that_is_nothing_another_format_and_another_currency_are_refused() {
        let table = |price: &str, format: &str, currency: &str| {
            PriceTable::read(&format!(
                r#"{{"format_version":{format},"publication_date":"2026-11-21","source":"x","disclaimer":"y",
                    "currency":"{currency}","regions":{{"r":{{"instance_hour":{{"a.b":"{price}"}}}}}}}}"#
            ))
            .map_err(|error| error.to_string())
        };
        assert!(table("0.1", "1", "USD").is_ok());
        let nothing = "a.b in r costs 0.00: a price is more than nothing".to_owned();
        assert_eq!(table("0.0000000000", "1", "USD"), Err(nothing));
        assert!(table("-0.1", "1", "USD").is_err());
        assert!(table("0.1", "2", "USD").is_err());
        assert!(table("0.1", "1", "CNY").is_err());
        assert!(table("much", "1", "USD").is_err());
    }
}
