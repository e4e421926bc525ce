//! Key pairs and security groups.

use std::collections::BTreeMap;

use subako_world::{
    KeyPair, KeyPairRequest, Ownership, Rule, SecurityGroup, SecurityGroupRequest, Source, tag,
};

use super::catalog::vpc_range;
use super::effect::Effect;
use super::world::Model;
use crate::sim::names::{Ms, ec2_id, mix};
use crate::sim::refusal::Refusal;

/// A decision: what changes, if anything, and what is answered.
pub(crate) type Decision<T> = Result<(Option<Effect>, T), Refusal>;

/// The most rules that EC2 allows in a group, whatever the account's quota (Amazon VPC quotas).
const RULES_PER_GROUP: usize = 1_000;

/// All tags of something owned.
pub(crate) fn all_tags(user: &BTreeMap<String, String>, ownership: &Ownership) -> BTreeMap<String, String> {
    let mut tags = user.clone();
    tags.extend(ownership.tags());
    tags
}

/// EC2's answer about a group that it does not have.
pub(crate) fn no_such_group(id: &str) -> Refusal {
    Refusal::ec2(
        "InvalidGroup.NotFound",
        format!("The security group '{id}' does not exist"),
    )
}

impl Model {
    /// Imports a public key.
    pub fn decide_import_key_pair(&self, request: &KeyPairRequest) -> Decision<KeyPair> {
        if let Some(there) = self.key_pairs.get(&request.name) {
            if there.tags.get(tag::TOKEN) == Some(&request.ownership.token) {
                return Ok((None, there.clone()));
            }
            let message = format!("The keypair '{}' already exists", request.name);
            return Err(Refusal::ec2("InvalidKeyPair.Duplicate", message)
                .hint("choose another name in [key_pair], or delete the one that is there"));
        }
        let mut parts = request.public_key.split_whitespace();
        let (kind, body) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if !matches!(kind, "ssh-ed25519" | "ssh-rsa") || body.len() < 16 {
            return Err(Refusal::ec2(
                "InvalidKey.Format",
                "Key is not in valid OpenSSH public key format",
            )
            .hint("EC2 takes ed25519 and RSA public keys in OpenSSH's one-line form"));
        }
        let print = mix(0, &["fingerprint", kind, body]).to_be_bytes();
        let print: Vec<String> = print
            .iter()
            .chain(&print)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let pair = KeyPair {
            id: ec2_id(
                "key",
                self.place.seed,
                &["key", &request.name, &request.ownership.token],
            ),
            name: request.name.clone(),
            fingerprint: print.join(":"),
            public_key: Some(request.public_key.trim().to_owned()),
            tags: all_tags(&request.tags, &request.ownership),
        };
        Ok((Some(Effect::KeyPair(pair.clone())), pair))
    }

    /// Deletes a key pair by name; instances that use it are not touched.
    pub fn decide_delete_key_pair(&self, name: &str) -> Decision<()> {
        Ok((
            self.key_pairs
                .contains_key(name)
                .then(|| Effect::NoKeyPair(name.to_owned())),
            (),
        ))
    }

    /// Creates an empty group.
    pub fn decide_create_group(&self, request: &SecurityGroupRequest) -> Decision<SecurityGroup> {
        if vpc_range(&self.place, &request.vpc_id).is_none() {
            let message = format!("The vpc ID '{}' does not exist", request.vpc_id);
            return Err(Refusal::ec2("InvalidVpcID.NotFound", message));
        }
        if let Some(there) = self.find_group(&request.vpc_id, &request.name) {
            if there.tags.get(tag::TOKEN) == Some(&request.ownership.token) {
                return Ok((None, there.clone()));
            }
            let message = format!(
                "The security group '{}' already exists for VPC '{}'",
                request.name, request.vpc_id
            );
            return Err(Refusal::ec2("InvalidGroup.Duplicate", message)
                .hint("choose another name in [security_group], or delete the one that is there"));
        }
        if request.name.starts_with("sg-") || request.name.is_empty() || request.name.len() > 255 {
            let message = format!("Value ({}) for parameter groupName is invalid", request.name);
            return Err(Refusal::ec2("InvalidParameterValue", message));
        }
        let group = SecurityGroup {
            id: ec2_id(
                "sg",
                self.place.seed,
                &["group", &request.name, &request.ownership.token],
            ),
            name: request.name.clone(),
            description: request.description.clone(),
            vpc_id: request.vpc_id.clone(),
            rules: Vec::new(),
            tags: all_tags(&request.tags, &request.ownership),
        };
        Ok((Some(Effect::Group(group.clone())), group))
    }

    /// The group of that name in a VPC.
    pub fn find_group(&self, vpc: &str, name: &str) -> Option<&SecurityGroup> {
        self.groups
            .values()
            .find(|group| group.vpc_id == vpc && group.name == name)
    }

    /// Adds rules; those already there are left alone.
    pub fn decide_authorize(&self, id: &str, rules: &[Rule]) -> Decision<()> {
        let mut group = self.groups.get(id).ok_or_else(|| no_such_group(id))?.clone();
        let before = group.rules.len();
        for rule in rules {
            if rule.ports.from > rule.ports.to {
                let message = format!("Invalid value '{}' for portRange", rule.ports.from);
                return Err(Refusal::ec2("InvalidParameterValue", message));
            }
            if let Source::Group(other) = &rule.source
                && !self.groups.contains_key(other)
            {
                return Err(no_such_group(other));
            }
            if !group.rules.iter().any(|there| there.same_traffic(rule)) {
                group.rules.push(rule.clone());
            }
        }
        if self.place.has_catalog() && group.rules.len() > RULES_PER_GROUP {
            return Err(Refusal::ec2(
                "RulesPerSecurityGroupLimitExceeded",
                format!(
                    "The maximum number of rules per security group ({RULES_PER_GROUP}) has been reached"
                ),
            ));
        }
        let changed = group.rules.len() != before;
        group.rules.sort();
        Ok((changed.then_some(Effect::Group(group)), ()))
    }

    /// Removes rules; those not there are left alone.
    pub fn decide_revoke(&self, id: &str, rules: &[Rule]) -> Decision<()> {
        let mut group = self.groups.get(id).ok_or_else(|| no_such_group(id))?.clone();
        let before = group.rules.len();
        group
            .rules
            .retain(|there| !rules.iter().any(|rule| there.same_traffic(rule)));
        let changed = group.rules.len() != before;
        Ok((changed.then_some(Effect::Group(group)), ()))
    }

    /// Changes descriptions of rules that are there.
    pub fn decide_describe(&self, id: &str, rules: &[Rule]) -> Decision<()> {
        let before = self.groups.get(id).ok_or_else(|| no_such_group(id))?;
        let mut group = before.clone();
        for rule in rules {
            let mut there = group.rules.iter_mut();
            let Some(there) = there.find(|there| there.same_traffic(rule)) else {
                let message = "The specified rule does not exist in this security group";
                return Err(Refusal::ec2("InvalidPermission.NotFound", message.to_owned()));
            };
            there.description.clone_from(&rule.description);
        }
        group.rules.sort();
        let changed = group.rules != before.rules;
        Ok((changed.then_some(Effect::Group(group)), ()))
    }

    /// Deletes a group that no instance uses any more, and no rule of another group names.
    pub fn decide_delete_group(&self, t: Ms, id: &str) -> Decision<()> {
        if !self.groups.contains_key(id) {
            return Ok((None, ()));
        }
        let used = self.index().of_group(id).filter_map(|i| self.instances.get(i));
        if used
            .into_iter()
            .any(|instance| !instance.terminated(t) && instance.groups.iter().any(|g| g == id))
        {
            return Err(Refusal::ec2(
                "DependencyViolation",
                format!("resource {id} has a dependent object"),
            )
            .hint("wait until its instances are terminated"));
        }
        let named = Source::Group(id.to_owned());
        let names = |group: &&SecurityGroup| group.rules.iter().any(|rule| rule.source == named);
        if let Some(other) = self.groups.values().find(names) {
            return Err(Refusal::ec2(
                "DependencyViolation",
                format!("resource {id} has a dependent object"),
            )
            .hint(format!("remove the rules of {} that name it", other.id)));
        }
        Ok((Some(Effect::NoGroup(id.to_owned())), ()))
    }

    /// Sets and removes tags on a group, key pair or elastic address.
    pub fn decide_retag(&self, id: &str, set: &BTreeMap<String, String>, remove: &[String]) -> Decision<()> {
        let change = |tags: &mut BTreeMap<String, String>| {
            let before = tags.clone();
            tags.retain(|key, _| !remove.contains(key));
            tags.extend(set.clone());
            *tags != before
        };
        if let Some(group) = self.groups.get(id) {
            let mut group = group.clone();
            let changed = change(&mut group.tags);
            return Ok((changed.then_some(Effect::Group(group)), ()));
        }
        if let Some(pair) = self.key_pairs.values().find(|pair| pair.id == id) {
            let mut pair = pair.clone();
            let changed = change(&mut pair.tags);
            return Ok((changed.then_some(Effect::KeyPair(pair)), ()));
        }
        if let Some(address) = self.elastic_ips.get(id) {
            let mut address = address.clone();
            let changed = change(&mut address.tags);
            return Ok((changed.then_some(Effect::ElasticIp(address)), ()));
        }
        let code = match id.split('-').next() {
            Some("key") => "InvalidKeyPair.NotFound",
            Some("eipalloc") => "InvalidAllocationID.NotFound",
            _ => "InvalidGroup.NotFound",
        };
        Err(Refusal::ec2(code, format!("The ID '{id}' does not exist")))
    }
}
