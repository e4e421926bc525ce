//! How long what AWS gives new accounts lasts.
//!
//! Accounts from before 2025-07-15 have, for twelve months, so many hours and GiB a month ("AWS Free
//! Tier", EC2 and VPC); later ones have credits instead.

use super::bill::{Bill, Line, Sort};
use super::given::FreeTier;
use crate::world::prices::{HOURS_A_MONTH, Usd};

/// Hours a month of all covered instances together, and of all public addresses together.
const POOLED_HOURS: u64 = 750;
/// GiB of volumes.
const FREE_GIB: u64 = 30;
/// The types that the hours are for: t3.micro in regions without t2.micro.
const COVERED: [&str; 2] = ["t2.micro", "t3.micro"];

/// How long a part of it lasts for what runs after the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lasts {
    /// Pooled hours, for so many at once.
    Hours {
        /// Instances of a covered type, or public addresses.
        of: Sort,
        /// How many.
        count: u64,
        /// How many hours of each month they last.
        hours: u64,
        /// Whether that is the whole month.
        all_month: bool,
    },
    /// Storage.
    Gib {
        /// GiB wanted.
        used: u64,
        /// GiB given.
        free: u64,
    },
    /// Running instances of types that are not covered, by type.
    NotCovered(Vec<(String, u64)>),
    /// Credits.
    Credits {
        /// Dollars left.
        left: Usd,
        /// For how many whole days; `None` where nothing known is billed.
        days: Option<u64>,
        /// Whether all that is billed has a known price: else they last no longer than that.
        is_complete: bool,
    },
}

impl Lasts {
    /// How long what an account is given lasts for what a bill has after the plan.
    pub fn of(given: FreeTier, bill: &Bill) -> Vec<Self> {
        match given {
            FreeTier::Hours => hours(bill),
            FreeTier::Credits(left) => {
                let after = bill.after(None);
                // Over a day, because an hour may cost less than a billionth.
                let day = after.month().times(24).divided_by(HOURS_A_MONTH);
                vec![Self::Credits {
                    left,
                    days: left.thousandths_of(day).map(|thousandths| thousandths / 1000),
                    is_complete: after.is_complete,
                }]
            }
        }
    }
}

fn hours(bill: &Bill) -> Vec<Lasts> {
    let (covered, other): (Vec<&Line>, Vec<&Line>) = bill
        .of(Some(Sort::Instances))
        .filter(|line| line.after > 0)
        .partition(|line| COVERED.contains(&line.what.as_str()));
    let count = |sort| bill.of(Some(sort)).map(|line| line.after).sum::<u64>();
    let mut parts = Vec::new();
    parts.extend(pooled(
        Sort::Instances,
        covered.iter().map(|line| line.after).sum(),
    ));
    if !other.is_empty() {
        let other = other.iter().map(|line| (line.what.clone(), line.after));
        parts.push(Lasts::NotCovered(other.collect()));
    }
    parts.extend(pooled(
        Sort::PublicIpv4,
        count(Sort::PublicIpv4) + count(Sort::ElasticIps),
    ));
    let used = count(Sort::Volumes);
    if used > 0 {
        parts.push(Lasts::Gib { used, free: FREE_GIB });
    }
    parts
}

fn pooled(of: Sort, count: u64) -> Option<Lasts> {
    let hours = POOLED_HOURS.checked_div(count)?;
    Some(Lasts::Hours {
        of,
        count,
        hours,
        all_month: hours >= u64::from(HOURS_A_MONTH),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Unit;

    fn line(sort: Sort, what: &str, price: Option<&str>, after: u64) -> Line {
        Line {
            sort,
            what: what.to_owned(),
            unit: if sort == Sort::Volumes {
                Unit::GibMonth
            } else {
                Unit::Hour
            },
            price: price.map(|price| price.parse().expect("an amount")),
            before: 0,
            after,
        }
    }

    fn bill(lines: Vec<Line>) -> Bill {
        Bill {
            region: "ap-northeast-1".to_owned(),
            as_of: "2026-07-20".to_owned(),
            own_prices: false,
            lines,
            stopped: (0, 0),
            free_tier: None,
        }
    }

    fn article() -> Bill {
        bill(vec![
            line(Sort::Instances, "t2.micro", Some("0.0152"), 5),
            line(Sort::Volumes, "gp3", Some("0.096"), 40),
            line(Sort::PublicIpv4, "", Some("0.005"), 5),
        ])
    }

    #[test]
    fn pooled_hours_of_five_machines_last_six_days_and_a_quarter() {
        let five = |of| Lasts::Hours {
            of,
            count: 5,
            hours: 150,
            all_month: false,
        };
        assert_eq!(
            Lasts::of(FreeTier::Hours, &article()),
            [
                five(Sort::Instances),
                five(Sort::PublicIpv4),
                Lasts::Gib { used: 40, free: 30 }
            ]
        );
    }

    #[test]
    fn one_machine_is_free_all_month_and_other_types_never_are() {
        let one = bill(vec![
            line(Sort::Instances, "m5.large", None, 2),
            line(Sort::Instances, "t3.micro", Some("0.0136"), 1),
            line(Sort::ElasticIps, "", Some("0.005"), 3),
        ]);
        assert_eq!(
            Lasts::of(FreeTier::Hours, &one),
            [
                Lasts::Hours {
                    of: Sort::Instances,
                    count: 1,
                    hours: 750,
                    all_month: true
                },
                Lasts::NotCovered(vec![("m5.large".to_owned(), 2)]),
                Lasts::Hours {
                    of: Sort::PublicIpv4,
                    count: 3,
                    hours: 250,
                    all_month: false
                },
            ]
        );
    }

    /// 77.57 a month is 2.5502… a day: 100 last 39 days.
    #[test]
    fn credits_last_as_long_as_what_is_known_lets_them() {
        let credits = FreeTier::Credits("100".parse().expect("an amount"));
        let days = |bill: &Bill| match Lasts::of(credits, bill).as_slice() {
            [
                Lasts::Credits {
                    days, is_complete, ..
                },
            ] => (*days, *is_complete),
            other => panic!("{other:?}"),
        };
        assert_eq!(days(&article()), (Some(39), true));
        let mut unknown = article();
        unknown.lines.push(line(Sort::Instances, "x9.mega", None, 1));
        assert_eq!(days(&unknown), (Some(39), false));
        assert_eq!(
            days(&bill(vec![line(Sort::Instances, "x9.mega", None, 1)])),
            (None, false)
        );
    }
}
