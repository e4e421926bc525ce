//! The resources that the last run left.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::digest::Digest;
use crate::json::Json;

/// The account and region a cluster lives in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountId {
    /// The account's id.
    pub id: String,
    /// The region.
    pub region: String,
}

/// One resource as the last run left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its address.
    pub address: Address,
    /// What must be gone before what it names may go: addresses, or `kind.*` for a whole kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Address>,
    /// Whether a newer object has taken its address, and this one only waits to be deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deposed: bool,
    /// How many times the address had been created before.
    pub generation: u32,
    /// The generation of each resource that its spec refers to, as it was when this one was
    /// made or last changed; left away where it is 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub made_with: BTreeMap<Address, u32>,
    /// What the world answered: ids, addresses.
    pub outputs: Json,
    /// Whether deleting it is refused, whatever the manifest says now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// What was wanted of it.
    pub spec: Json,
    /// The SHA-256 of `spec`.
    pub spec_sha256: Digest,
}

/// What is known of a cluster. `digest` is not a field: it is made when the snapshot is
/// rendered, over everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Identifies this history: two clusters of one name never have the same lineage.
    pub lineage: String,
    /// Counts the snapshots of a lineage, from 1; 0 before the first is written.
    pub serial: u64,
    /// The digest of the snapshot before it: history is a hash chain.
    pub previous: Option<Digest>,
    /// The cluster's name.
    pub cluster: String,
    /// `aws` or `sim`.
    pub provider: String,
    /// Where it lives, once known.
    pub account: Option<AccountId>,
    /// The resources, sorted by address, then generation.
    pub resources: Vec<Resource>,
}

impl Snapshot {
    /// The snapshot of a cluster of which nothing exists yet.
    pub fn empty(lineage: String, cluster: String, provider: String) -> Self {
        Self {
            lineage,
            serial: 0,
            previous: None,
            cluster,
            provider,
            account: None,
            resources: Vec::new(),
        }
    }

    /// Puts the resources in the order of the file.
    pub fn sort(&mut self) {
        self.resources
            .sort_by(|a, b| (&a.address, a.generation).cmp(&(&b.address, b.generation)));
    }

    /// The current resource at an address.
    pub fn get(&self, address: &Address) -> Option<&Resource> {
        let mut there = self.at(address).map(|place| &self.resources[place]);
        there.find(|r| !r.deposed)
    }

    /// The places of everything recorded at an address, deposed ones included, by generation.
    pub fn at(&self, address: &Address) -> Range<usize> {
        let from = self.resources.partition_point(|r| r.address < *address);
        let there = self.resources[from..]
            .iter()
            .take_while(|r| r.address == *address);
        from..from + there.count()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resource(name: u8, generation: u32, deposed: bool) -> Resource {
        let spec = Json::canonical("").expect("json");
        Resource {
            address: Address::new("toy", &name.to_string()),
            depends_on: Vec::new(),
            deposed,
            generation,
            made_with: BTreeMap::new(),
            outputs: spec.clone(),
            protect: false,
            spec_sha256: spec.digest(),
            spec,
        }
    }

    proptest! {
        #[test]
        fn the_current_resource_is_found_at_each_address(
            all in prop::collection::vec((0..6u8, 0..4u32, any::<bool>()), 0..12),
        ) {
            let mut snapshot = Snapshot::empty("l".into(), "c".into(), "sim".into());
            snapshot.resources = all.iter().map(|(name, generation, deposed)| resource(*name, *generation, *deposed)).collect();
            snapshot.sort();
            let order: Vec<_> = snapshot.resources.iter().map(|r| (&r.address, r.generation)).collect();
            prop_assert!(order.is_sorted(), "{order:?}");
            for name in 0..6 {
                let address = Address::new("toy", &name.to_string());
                let expected = all.iter().filter(|(n, _, deposed)| *n == name && !deposed).map(|(_, g, _)| *g).min();
                let found = snapshot.get(&address);
                prop_assert!(found.is_none_or(|r| r.address == address && !r.deposed));
                prop_assert_eq!(found.map(|r| r.generation), expected);
            }
        }
    }
}
