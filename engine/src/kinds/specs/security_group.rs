//! `security_group`: what is wanted, and what is answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::world::{self, Rule};

/// What is wanted of a security group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// The description, which EC2 never lets change.
    pub description: String,
    /// The name, unique in the VPC.
    pub name: String,
    /// Ingress rules in the order of [`sort_rules`].
    pub rules: Vec<Rule>,
    /// The user's tags.
    pub tags: BTreeMap<String, String>,
    /// The VPC.
    pub vpc_id: String,
}

/// What EC2 answers of a security group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupOutputs {
    /// The id, `sg-…`.
    pub group_id: String,
}

impl From<world::SecurityGroup> for SecurityGroupOutputs {
    fn from(group: world::SecurityGroup) -> Self {
        Self { group_id: group.id }
    }
}

/// Sorts rules by their traffic and keeps the first of those that let in the same.
pub fn sort_rules(rules: &mut Vec<Rule>) {
    rules.sort_by(|a, b| (a.protocol, a.ports, &a.source).cmp(&(b.protocol, b.ports, &b.source)));
    rules.dedup_by(|later, first| later.same_traffic(first));
}
