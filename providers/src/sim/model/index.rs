//! Ways into the instances that the facts alone do not give; rebuilt when a world is opened.
//!
//! Hash maps are fine here: nothing is ever listed from them.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use super::facts::InstanceFacts;

/// Instances by what they are looked up by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// By the token they were run with: the latest.
    pub by_token: HashMap<String, String>,
    /// By private address: whoever had it last.
    pub by_address: HashMap<Ipv4Addr, String>,
    /// Those that ever used a security group and may still.
    pub by_group: HashMap<String, std::collections::HashSet<String>>,
}

/// An index says nothing that the facts do not.
impl PartialEq for Index {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Index {
    /// Enters an instance, or enters it again after a change.
    pub fn enter(&mut self, instance: &InstanceFacts) {
        self.by_token.insert(instance.token.clone(), instance.id.clone());
        if instance.phase != super::facts::Phase::Gone {
            self.by_address.insert(instance.private_ip, instance.id.clone());
        } else {
            self.by_address
                .entry(instance.private_ip)
                .or_insert_with(|| instance.id.clone());
        }
        for group in &instance.groups {
            self.by_group
                .entry(group.clone())
                .or_default()
                .insert(instance.id.clone());
        }
    }

    /// Takes an instance out for good.
    pub fn leave(&mut self, instance: &InstanceFacts) {
        if self.by_token.get(&instance.token) == Some(&instance.id) {
            self.by_token.remove(&instance.token);
        }
        if self.by_address.get(&instance.private_ip) == Some(&instance.id) {
            self.by_address.remove(&instance.private_ip);
        }
        for group in &instance.groups {
            if let Some(users) = self.by_group.get_mut(group) {
                users.remove(&instance.id);
            }
        }
    }
}
