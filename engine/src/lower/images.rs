//! Which image each instance boots. An image is looked up once and then kept: a newer one of
//! the same family is no reason to replace anything.

use std::borrow::Cow;

use serde::Deserialize;
use subako_state::{Address, Snapshot};

use crate::manifest::{Manifest, Pool};
use crate::world::ImageQuery;

/// What the state says of an instance's image, borrowed from it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Recorded<'a> {
    #[serde(borrow)]
    ami: Cow<'a, str>,
    #[serde(borrow)]
    image_id: Cow<'a, str>,
    #[serde(borrow)]
    instance_type: Cow<'a, str>,
}

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
    pub fn recorded(pool: &Pool, snapshot: &Snapshot) -> Self {
        let kept: Vec<Option<String>> = kept(pool, snapshot).collect();
        let others = kept.iter().flatten().next().cloned();
        Self { kept, others }
    }

    /// What has to be looked up for it.
    pub fn query(&self, pool: &Pool) -> Option<ImageQuery> {
        (self.others.is_none() && pool.count > 0).then(|| query(pool))
    }

    /// What has to be looked up for a pool: nothing if it keeps any image.
    pub fn needs(pool: &Pool, snapshot: &Snapshot) -> Option<ImageQuery> {
        let none = kept(pool, snapshot).flatten().next().is_none();
        (none && pool.count > 0).then(|| query(pool))
    }

    /// The image of an instance.
    pub fn of(&self, index: usize) -> &str {
        let kept = self.kept.get(index).and_then(Option::as_deref);
        kept.or(self.others.as_deref()).unwrap_or_default()
    }
}

/// By index: the image that each instance of a pool has and keeps.
fn kept(pool: &Pool, snapshot: &Snapshot) -> impl Iterator<Item = Option<String>> {
    let arm = is_arm(&pool.instance_type);
    Manifest::instance_names(pool).map(move |name| {
        let resource = snapshot.get(&Address::new("instance", &name))?;
        let recorded: Recorded<'_> = serde_json::from_str(resource.spec.as_str()).ok()?;
        let same = recorded.ami == pool.ami && is_arm(&recorded.instance_type) == arm;
        same.then(|| recorded.image_id.into_owned())
    })
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
fn is_arm(instance_type: &str) -> bool {
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
