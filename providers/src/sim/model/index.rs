//! Ways into the instances that the facts alone do not give; rebuilt when a world is opened.
//!
//! Hash maps are fine here: nothing is ever listed from them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::OnceLock;

use super::facts::InstanceFacts;
use crate::sim::names::Ms;

/// Instances by what they are looked up by. Where several share a token or an address, the one
/// created last counts: the others have ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    by_token: HashMap<String, (Ms, String)>,
    by_address: HashMap<Ipv4Addr, (Ms, String)>,
    by_group: HashMap<String, HashSet<String>>,
}

/// An index that is built when it is first wanted: most runs of the program only read.
#[derive(Debug, Clone, Default)]
pub(crate) struct LazyIndex(OnceLock<Index>);

/// An index says nothing that the facts do not.
impl PartialEq for LazyIndex {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl LazyIndex {
    /// The index of `instances`, which must be those that were entered before.
    pub fn of(&self, instances: &BTreeMap<String, InstanceFacts>) -> &Index {
        self.0.get_or_init(|| {
            let mut index = Index::default();
            instances.values().for_each(|instance| index.enter(instance));
            index
        })
    }

    /// Enters an instance. An index not built yet will find it among the others.
    pub fn enter(&mut self, instance: &InstanceFacts) {
        if let Some(index) = self.0.get_mut() {
            index.enter(instance);
        }
    }
}

impl Index {
    /// Enters an instance, or enters it again after a change.
    fn enter(&mut self, instance: &InstanceFacts) {
        let own = (instance.created, instance.id.clone());
        let by_token = self
            .by_token
            .entry(instance.token.clone())
            .or_insert_with(|| own.clone());
        if *by_token < own {
            by_token.clone_from(&own);
        }
        let by_address = self
            .by_address
            .entry(instance.private_ip)
            .or_insert_with(|| own.clone());
        if *by_address < own {
            *by_address = own;
        }
        for group in &instance.groups {
            match self.by_group.get_mut(group) {
                Some(users) => {
                    users.insert(instance.id.clone());
                }
                None => {
                    self.by_group
                        .insert(group.clone(), HashSet::from([instance.id.clone()]));
                }
            }
        }
    }

    /// The id of the instance that was run with a token.
    pub fn of_token(&self, token: &str) -> Option<&String> {
        self.by_token.get(token).map(|(_, id)| id)
    }

    /// The id of the instance that has or had a private address.
    pub fn of_address(&self, address: Ipv4Addr) -> Option<&String> {
        self.by_address.get(&address).map(|(_, id)| id)
    }

    /// The ids of instances that use a group, or did.
    pub fn of_group(&self, group: &str) -> impl Iterator<Item = &String> {
        self.by_group.get(group).into_iter().flatten()
    }
}
