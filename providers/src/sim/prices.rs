//! What things cost, for the search for residue.
//!
//! On demand, Linux, US dollars, collected in 2026: us-east-1 from AWS's own pages, ap-northeast-1
//! from third-party copies of AWS's price list. What is not in the tables has no price rather
//! than a guessed one.

/// Hours that AWS counts in a month.
const HOURS_PER_MONTH: f64 = 730.0;

/// A public IPv4 address, dollars an hour, in every region.
pub(crate) const PUBLIC_IPV4: f64 = 0.005;

/// `(type, us-east-1, ap-northeast-1)`, dollars an hour.
const TYPES: [(&str, f64, f64); 4] = [
    ("t2.micro", 0.0116, 0.0152),
    ("t3.micro", 0.0104, 0.0136),
    ("t3.small", 0.0208, 0.0272),
    ("t4g.small", 0.0168, 0.0216),
];

/// An instance type, dollars an hour; `None` where the table does not know it.
pub(crate) fn instance(region: &str, instance_type: &str) -> Option<f64> {
    let (_, virginia, tokyo) = TYPES.iter().find(|(name, ..)| *name == instance_type)?;
    match region {
        "us-east-1" => Some(*virginia),
        "ap-northeast-1" => Some(*tokyo),
        _ => None,
    }
}

/// A gp3 volume, dollars an hour; `None` in a region that the table does not know.
pub(crate) fn volume(region: &str, gib: u32) -> Option<f64> {
    let per_month = match region {
        "us-east-1" => 0.08,
        "ap-northeast-1" => 0.096,
        _ => return None,
    };
    Some(f64::from(gib) * per_month / HOURS_PER_MONTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_articles_cluster_costs_what_its_author_paid() {
        let node = instance("ap-northeast-1", "t2.micro").unwrap()
            + volume("ap-northeast-1", 8).unwrap()
            + PUBLIC_IPV4;
        assert!((5.0 * node - 0.106).abs() < 0.001, "{}", 5.0 * node);
    }

    #[test]
    fn an_unknown_type_has_no_price() {
        assert_eq!(instance("us-east-1", "x9.mega"), None);
        assert_eq!(volume("mars-north-1", 8), None);
    }
}
