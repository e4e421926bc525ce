//! Which image a pool asks for, and which machines can boot it.

use crate::manifest::Pool;
use crate::world::ImageQuery;

/// The question that a pool asks.
pub(super) fn query(pool: &Pool) -> ImageQuery {
    ImageQuery {
        ami: pool.ami.clone(),
        instance_type: pool.instance_type.clone(),
    }
}

/// Whether an instance type has ARM processors, so that it cannot boot the same image as one
/// that has not. By EC2's naming (EC2 user guide, "Instance type naming conventions"): a `g`
/// among the letters after the generation, for Graviton; and `a1`, which is older than that.
pub(crate) fn is_arm(instance_type: &str) -> bool {
    let family = instance_type.split('.').next().unwrap_or_default();
    let after = family.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let options = after.trim_start_matches(|c: char| c.is_ascii_digit());
    let options = options.split('-').next().unwrap_or_default();
    family == "a1" || (options.len() < after.len() && options.contains('g'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graviton_types_are_told_by_their_names() {
        for arm in [
            "t4g.micro",
            "m7gd.large",
            "c6gn.xlarge",
            "im4gn.large",
            "x2gd.metal",
            "a1.large",
            "g5g.xlarge",
        ] {
            assert!(is_arm(arm), "{arm}");
        }
        for intel in [
            "t2.micro",
            "t3.micro",
            "g5.xlarge",
            "g4dn.xlarge",
            "c7i-flex.large",
            "m5a.large",
            "u-6tb1.metal",
        ] {
            assert!(!is_arm(intel), "{intel}");
        }
    }
}
