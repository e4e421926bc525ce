//! Which image each instance boots. An image is looked up once and then kept: a newer one of
//! the same family is no reason to replace anything.

use super::records::Records;
use crate::manifest::Pool;
use crate::world::ImageQuery;

/// The images of a pool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PoolImages {
    /// By index: the image that an instance has and keeps.
    pub kept: Vec<Option<String>>,
    /// The image of all the others: the pool's, else one to be looked up.
    pub others: Option<String>,
}

impl PoolImages {
    /// What a pool keeps of what the state has.
    pub fn recorded(pool: &Pool, records: &Records<'_>) -> Self {
        let kept: Vec<Option<String>> = records.images(pool).collect();
        let others = kept.iter().flatten().next().cloned();
        Self { kept, others }
    }

    /// The question that is left open.
    pub fn query(&self, pool: &Pool) -> Option<ImageQuery> {
        (self.others.is_none() && pool.count > 0).then(|| query(pool))
    }

    /// The image of an instance.
    pub fn of(&self, index: usize) -> &str {
        let kept = self.kept.get(index).and_then(Option::as_deref);
        kept.or(self.others.as_deref()).unwrap_or_default()
    }
}

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
pub(super) fn is_arm(instance_type: &str) -> bool {
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
