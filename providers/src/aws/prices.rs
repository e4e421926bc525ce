//! Prices, for the list of what a destroy left behind. They are estimates: on demand, Linux,
//! without tax, discounts and free plans.

/// When the prices were collected.
pub const PRICES_AS_OF: &str = "2026-11";
/// Where they come from.
pub const PRICES_SOURCE: &str =
    "AWS's EC2 On-Demand, EBS and VPC price pages (us-east-1), a third-party copy of them (ap-northeast-1)";

/// Hours in a month, as AWS counts them for storage.
const HOURS_A_MONTH: f64 = 730.0;

/// A public IPv4 address, US dollars an hour, in every region.
pub(super) const PUBLIC_IPV4: f64 = 0.005;

/// US dollars an hour, by region and type.
const INSTANCES: [(&str, &str, f64); 8] = [
    ("us-east-1", "t2.micro", 0.0116),
    ("us-east-1", "t3.micro", 0.0104),
    ("us-east-1", "t3.small", 0.0208),
    ("us-east-1", "t4g.small", 0.0168),
    ("ap-northeast-1", "t2.micro", 0.0152),
    ("ap-northeast-1", "t3.micro", 0.0136),
    ("ap-northeast-1", "t3.small", 0.0272),
    ("ap-northeast-1", "t4g.small", 0.0216),
];

/// gp3 storage, US dollars a GiB and month, by region.
const GP3: [(&str, f64); 2] = [("us-east-1", 0.08), ("ap-northeast-1", 0.096)];

/// Families whose price doubles with the size.
const DOUBLING: [&str; 2] = ["t3", "t4g"];
const SIZES: [&str; 7] = ["nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"];

/// A running instance, US dollars an hour; `None` where the table has no price.
pub(super) fn instance(region: &str, kind: &str) -> Option<f64> {
    let listed = INSTANCES.iter().find(|(r, k, _)| *r == region && *k == kind);
    if let Some((_, _, price)) = listed {
        return Some(*price);
    }
    let (family, size) = kind.split_once('.')?;
    if !DOUBLING.contains(&family) {
        return None;
    }
    let wanted = SIZES.iter().position(|s| *s == size)?;
    INSTANCES.iter().find_map(|(r, k, price)| {
        let (f, s) = k.split_once('.')?;
        let listed = SIZES.iter().position(|size| *size == s)?;
        let steps = i32::try_from(wanted).ok()? - i32::try_from(listed).ok()?;
        (*r == region && f == family).then(|| price * 2_f64.powi(steps))
    })
}

/// A volume, US dollars an hour; `None` where the table has no price.
pub(super) fn volume(region: &str, kind: &str, gib: u32) -> Option<f64> {
    let (_, month) = GP3.iter().find(|(r, _)| *r == region && kind == "gp3")?;
    Some(month * f64::from(gib) / HOURS_A_MONTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_small_machines_in_tokyo_cost_what_the_price_pages_say() {
        let region = "ap-northeast-1";
        let one = instance(region, "t2.micro").zip(volume(region, "gp3", 8));
        let hour = one.map(|(machine, disk)| 5.0 * (machine + disk + PUBLIC_IPV4));
        assert!(hour.is_some_and(|hour| (hour - 0.106).abs() < 0.001), "{hour:?}");
    }

    #[test]
    fn sizes_that_are_not_listed_follow_from_their_family() {
        let close =
            |kind: &str, price: f64| instance("us-east-1", kind).is_some_and(|p| (p - price).abs() < 1e-9);
        assert!(close("t3.medium", 0.0416));
        assert!(close("t4g.micro", 0.0084));
        assert_eq!(instance("us-east-1", "m5.large"), None);
        assert_eq!(instance("mars-north-1", "t3.micro"), None);
    }
}
