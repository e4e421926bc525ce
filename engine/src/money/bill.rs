//! The bill: lines with counts before and after, and their sums.

use serde::{Deserialize, Serialize};

use super::given::FreeTier;
use crate::world::prices::{HOURS_A_MONTH, Usd};

/// What a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Running instances.
    Instances,
    /// Their volumes, running or not.
    Volumes,
    /// Public IPv4 addresses that EC2 lends to running instances.
    PublicIpv4,
    /// Elastic addresses, in use or not.
    ElasticIps,
}

impl Sort {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Instances, Self::Volumes, Self::PublicIpv4, Self::ElasticIps];

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Instances => "instances",
            Self::Volumes => "volumes",
            Self::PublicIpv4 => "public IPv4",
            Self::ElasticIps => "elastic IPs",
        }
    }
}

/// What a price is for one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// One of it, for an hour.
    Hour,
    /// One GiB, for a month.
    GibMonth,
}

/// Things of one price: how many there are before a plan and after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it is for.
    pub sort: Sort,
    /// Which: the instance type, the type of volume; empty where there is one only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
    /// What the price is for one of.
    pub unit: Unit,
    /// The price; `None` where it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Usd>,
    /// How many (GiB for volumes) before.
    pub before: u64,
    /// How many after.
    pub after: u64,
}

impl Line {
    /// What one costs a month.
    fn month(&self) -> Option<Usd> {
        self.price.map(|price| match self.unit {
            Unit::Hour => price.times(u64::from(HOURS_A_MONTH)),
            Unit::GibMonth => price,
        })
    }
}

/// A sum a month, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// What is known of it.
    pub known: Usd,
    /// Whether that is all of it.
    pub is_complete: bool,
}

impl Amount {
    /// A month.
    pub fn month(self) -> Usd {
        self.known
    }

    /// An hour: AWS counts 730 in a month.
    pub fn hour(self) -> Usd {
        self.known.divided_by(HOURS_A_MONTH)
    }
}

/// What a cluster costs, before a plan and after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// The region whose prices they are.
    pub region: String,
    /// When the list prices were published.
    pub as_of: String,
    /// Whether the manifest gives prices of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_prices: bool,
    /// What is billed, by sort and then name.
    pub lines: Vec<Line>,
    /// Stopped instances before and after: only their volumes are billed.
    #[serde(default)]
    pub stopped: (u64, u64),
    /// What the account is given, where somebody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_tier: Option<FreeTier>,
}

impl Bill {
    fn sum<'a>(lines: impl Iterator<Item = &'a Line>, count: impl Fn(&Line) -> i128) -> Amount {
        let (mut known, mut is_complete) = (Usd::ZERO, true);
        for line in lines {
            let of = count(line);
            let many = u64::try_from(of.unsigned_abs()).unwrap_or(u64::MAX);
            match line.month() {
                _ if of == 0 => {}
                Some(month) if of < 0 => known = known - month.times(many),
                Some(month) => known = known + month.times(many),
                None => is_complete = false,
            }
        }
        Amount { known, is_complete }
    }

    /// What the lines of some sorts (`None` for all) cost before.
    pub fn before(&self, sort: Option<Sort>) -> Amount {
        Self::sum(self.of(sort), |line| i128::from(line.before))
    }

    /// What they cost after.
    pub fn after(&self, sort: Option<Sort>) -> Amount {
        Self::sum(self.of(sort), |line| i128::from(line.after))
    }

    /// How much more they cost after. What is unknown before and after in the same number makes no
    /// difference; in another number it makes an unknown one, whatever its direction.
    pub fn difference(&self, sort: Option<Sort>) -> Amount {
        Self::sum(self.of(sort), |line| {
            i128::from(line.after) - i128::from(line.before)
        })
    }

    /// The lines of a sort, `None` for all.
    pub fn of(&self, sort: Option<Sort>) -> impl Iterator<Item = &Line> {
        self.lines
            .iter()
            .filter(move |line| sort.is_none_or(|sort| line.sort == sort))
    }

    /// What has no price, by name, and changes in number if `that_change`.
    pub fn unknown(&self, that_change: bool) -> Vec<String> {
        let unknown = self
            .lines
            .iter()
            .filter(|line| line.price.is_none() && (!that_change || line.before != line.after));
        let named = unknown.map(|line| match line.what.as_str() {
            "" => line.sort.name().to_owned(),
            what => what.to_owned(),
        });
        named.collect()
    }

    /// Whether the plan changes nothing of it.
    pub fn is_unchanged(&self) -> bool {
        self.lines.iter().all(|line| line.before == line.after)
    }
}
