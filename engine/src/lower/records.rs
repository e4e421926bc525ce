//! What the state says of the manifest's instances: what was decided once and is kept for as long
//! as the manifest allows it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;

use serde::Deserialize;
use subako_state::Snapshot;

use super::image_query::{is_arm, query};
use crate::manifest::{Manifest, Pool};
use crate::world::ImageQuery;

/// What the addresses of instances begin with.
const INSTANCES: &str = "instance.";
/// The key of an instance's name in its canonical spec; what an image is kept by sorts before it.
const NAME_KEY: &str = "\"name\":";
/// Keys after the name, with the beginning of their values. What stands before the tags in a
/// canonical spec has no key of these names, and quotes inside a string are escaped: the first of
/// each is the instance's own.
const PRIVATE_IP_KEY: &str = "\"private_ip\":\"";
const SUBNET_KEY: &str = "\"subnet_id\":\"";
const TAGS_KEY: &str = "\"tags\":";

/// What the state says of an instance's image, borrowed from it.
#[derive(Debug, Clone, Deserialize)]
struct Recorded<'a> {
    #[serde(borrow)]
    ami: Cow<'a, str>,
    #[serde(borrow)]
    image_id: Cow<'a, str>,
    #[serde(borrow)]
    instance_type: Cow<'a, str>,
}

/// The specs of recorded instances, by name.
pub(super) struct Records<'a>(HashMap<&'a str, &'a str>);

impl<'a> Records<'a> {
    /// Of the current instances of a snapshot, without those that match a pattern in `replaced`:
    /// of what is replaced on request nothing is kept.
    pub fn of(snapshot: &'a Snapshot, replaced: &[String]) -> Self {
        // A snapshot is sorted by address.
        let from = snapshot
            .resources
            .partition_point(|resource| resource.address.as_str() < INSTANCES);
        let instances = snapshot.resources[from..]
            .iter()
            .map_while(|resource| Some((resource.address.as_str().strip_prefix(INSTANCES)?, resource)))
            .filter(|(_, resource)| !resource.deposed)
            .filter(|(_, resource)| !replaced.iter().any(|pattern| resource.address.matches(pattern)));
        Self(
            instances
                .map(|(name, resource)| (name, resource.spec.as_str()))
                .collect(),
        )
    }

    /// The image that each instance of a pool has and keeps, in turn.
    pub fn images(&self, pool: &Pool) -> impl Iterator<Item = Option<String>> {
        let arm = is_arm(&pool.instance_type);
        // The specs of a pool are alike up to the name, which comes after all that matters here:
        // most need not be parsed.
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
        (pool.count > 0 && self.images(pool).flatten().next().is_none()).then(|| query(pool))
    }

    /// The subnet that an instance is in.
    pub fn subnet(&self, name: &str) -> Option<&'a str> {
        self.text(name, SUBNET_KEY)
    }

    /// The address that was pinned for an instance.
    pub fn pinned(&self, name: &str) -> Option<Ipv4Addr> {
        self.text(name, PRIVATE_IP_KEY)?.parse().ok()
    }

    /// The subnets that the manifest's instances are in, sorted.
    pub fn subnets(&self, manifest: &Manifest) -> Vec<String> {
        let names = manifest.pools.iter().flat_map(Manifest::instance_names);
        let used: BTreeSet<&str> = names.filter_map(|name| self.subnet(&name)).collect();
        used.into_iter().map(str::to_owned).collect()
    }

    /// The text after a key that may stand between the name and the tags. Ids and addresses have
    /// nothing that is escaped.
    fn text(&self, name: &str, key: &str) -> Option<&'a str> {
        let spec = *self.0.get(name)?;
        let after = &spec[spec.find(NAME_KEY)?..];
        let before_tags = &after[..after.find(TAGS_KEY).unwrap_or(after.len())];
        let value = &before_tags[before_tags.find(key)? + key.len()..];
        value.split('"').next()
    }
}
