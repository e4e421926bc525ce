//! Which image each instance boots. An image is looked up once and then kept: a newer one of
//! the same family is no reason to replace anything.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use subako_state::Snapshot;

use crate::manifest::{Manifest, Pool};
use crate::world::ImageQuery;

/// What the addresses of instances begin with.
const INSTANCES: &str = "instance.";
/// The key of an instance's name in its canonical spec; those read here sort before it.
const NAME_KEY: &str = "\"name\":";

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

/// What the state says of images, by the name of the instance.
pub(super) struct Records<'a>(HashMap<&'a str, &'a str>);

impl<'a> Records<'a> {
    /// Of the current instances of a snapshot.
    pub fn of(snapshot: &'a Snapshot) -> Self {
        // A snapshot is sorted by address.
        let from = snapshot
            .resources
            .partition_point(|resource| resource.address.as_str() < INSTANCES);
        let instances = snapshot.resources[from..]
            .iter()
            .map_while(|resource| Some((resource.address.as_str().strip_prefix(INSTANCES)?, resource)))
            .filter(|(_, resource)| !resource.deposed);
        Self(
            instances
                .map(|(name, resource)| (name, resource.spec.as_str()))
                .collect(),
        )
    }

    /// The image that each instance of a pool has and keeps, in turn.
    fn kept(&self, pool: &Pool) -> impl Iterator<Item = Option<String>> {
        let arm = is_arm(&pool.instance_type);
        // The specs of a pool are alike up to the name, which comes after all that matters here:
        // most need not be parsed. Quotes inside a string are escaped, so that this is the key.
        let mut alike: Option<(&str, Option<String>)> = None;
        Manifest::instance_names(pool).map(move |name| {
            let spec = *self.0.get(name.as_str())?;
            if let Some((head, image)) = &alike
                && spec.starts_with(head)
            {
                return image.clone();
            }
            let recorded: Recorded<'_> = serde_json::from_str(spec).ok()?;
            let same = recorded.ami == pool.ami && is_arm(&recorded.instance_type) == arm;
            let image = same.then(|| recorded.image_id.into_owned());
            alike = spec
                .find(NAME_KEY)
                .map(|end| (&spec[..end + NAME_KEY.len()], image.clone()));
            image
        })
    }

    /// What has to be looked up for a pool, if anything.
    pub fn query(&self, pool: &Pool) -> Option<ImageQuery> {
        (pool.count > 0 && self.kept(pool).flatten().next().is_none()).then(|| query(pool))
    }
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
    pub fn recorded(pool: &Pool, records: &Records<'_>) -> Self {
        let kept: Vec<Option<String>> = records.kept(pool).collect();
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
