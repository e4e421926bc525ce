//! Tags of cloud objects: which are the user's, and how they get from what is to what is wanted.

use std::collections::BTreeMap;

use subako_state::Address;

use crate::kind::address_or_id;
use crate::world::{Ownership, tag};

/// The tags that a manifest can decide on: neither Subako's own nor AWS's (`aws:`, which nobody
/// but AWS can set).
pub(super) fn user(tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut own = Ownership::user_tags(tags);
    own.retain(|key, _| !key.starts_with("aws:"));
    own
}

/// The tags of which the manifest decides, or did when the resource was recorded. Whoever else tags
/// what is made in the account (an automation that notes the creator, say) keeps their own.
pub(super) fn managed(
    live: &BTreeMap<String, String>,
    recorded: &BTreeMap<String, String>,
    wanted: Option<&BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let is_wanted = |key: &String| wanted.is_some_and(|wanted| wanted.contains_key(key));
    let mut managed = user(live);
    managed.retain(|key, _| recorded.contains_key(key) || is_wanted(key));
    managed
}

/// With the cluster's own tag where it is not the cluster's any more: somebody
/// changed or removed it, and it is put right as any other tag is.
pub(super) fn and_foreign(
    mut own: BTreeMap<String, String>,
    live: &BTreeMap<String, String>,
    cluster: &str,
) -> BTreeMap<String, String> {
    match live.get(tag::CLUSTER) {
        Some(found) if found == cluster => {}
        found => {
            own.insert(tag::CLUSTER.to_owned(), found.cloned().unwrap_or_default());
        }
    }
    own
}

/// The cluster's own tag where it has to be put right; nothing where it is right, or is to be
/// as it was found.
pub(super) fn reclaim(
    live: &BTreeMap<String, String>,
    wanted: &BTreeMap<String, String>,
    cluster: &str,
) -> Option<(String, String)> {
    let is_ours = live.get(tag::CLUSTER).is_some_and(|found| found == cluster);
    (!is_ours && !wanted.contains_key(tag::CLUSTER)).then(|| (tag::CLUSTER.to_owned(), cluster.to_owned()))
}

/// The tag with the address where it has to be put right: it is another one, of the same cluster.
pub(super) fn named(live: &BTreeMap<String, String>, ownership: &Ownership) -> Option<(String, String)> {
    let found = live.get(tag::ADDRESS)?;
    (*found != ownership.address).then(|| (tag::ADDRESS.to_owned(), ownership.address.clone()))
}

/// Which tags to set and which keys to remove, so that the user's tags are as wanted. Only what was
/// seen as the manifest's own is removed.
pub(super) fn change(
    live: &BTreeMap<String, String>,
    before: &BTreeMap<String, String>,
    wanted: &BTreeMap<String, String>,
) -> (BTreeMap<String, String>, Vec<String>) {
    let set = wanted
        .iter()
        .filter(|(key, value)| live.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let remove = user(before)
        .into_keys()
        .filter(|key| live.contains_key(key) && !wanted.contains_key(key))
        .collect();
    (set, remove)
}

/// Whether the object belongs to the cluster that the step is for.
pub(super) fn ours(tags: &BTreeMap<String, String>, ownership: &Ownership) -> bool {
    Ownership::from_tags(tags).is_some_and(|found| found.cluster == ownership.cluster)
}

/// Whether the object was made by the very step that asks.
pub(super) fn made_by(tags: &BTreeMap<String, String>, ownership: &Ownership) -> bool {
    Ownership::from_tags(tags).is_some_and(|found| found.token == ownership.token)
}

/// The address and generation on an object's tags; without an address, that of its id.
pub(super) fn listed(kind: &str, tags: &BTreeMap<String, String>, id: &str) -> (Address, u32) {
    let generation = tags.get(tag::GENERATION).and_then(|text| text.parse().ok());
    (
        address_or_id(kind, tags.get(tag::ADDRESS), id),
        generation.unwrap_or(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_retag_touches_the_users_tags_only() {
        let live = map(&[("Unit", "A"), ("old", "x"), ("subako:token", "t"), ("aws:x", "y")]);
        let before = map(&[("Unit", "A"), ("old", "x"), ("gone", "x"), ("subako:token", "t")]);
        let (set, remove) = change(&live, &before, &map(&[("Unit", "B"), ("new", "z")]));
        assert_eq!(set, map(&[("Unit", "B"), ("new", "z")]));
        assert_eq!(remove, ["old"]);
    }

    #[test]
    fn tags_of_others_are_neither_seen_nor_removed() {
        let live = map(&[("Unit", "A"), ("AutoTag_Creator", "me"), ("Team", "b")]);
        let recorded = map(&[("Unit", "A")]);
        assert_eq!(managed(&live, &recorded, None), recorded);
        assert_eq!(managed(&live, &recorded, Some(&recorded)), recorded);
        // A key that the manifest has from now on is compared, whoever set it.
        let seen = managed(&live, &recorded, Some(&map(&[("Team", "a")])));
        assert_eq!(seen, map(&[("Unit", "A"), ("Team", "b")]));
        let (set, remove) = change(&live, &seen, &map(&[("Team", "a")]));
        assert_eq!((set, remove), (map(&[("Team", "a")]), vec!["Unit".to_owned()]));
    }
}
