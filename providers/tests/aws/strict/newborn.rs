//! What was made a moment ago is not there yet for every part of EC2.
//!
//! Source: EC2 API reference, "Eventual consistency in the Amazon EC2 API"; RunInstances refusing
//! a group or key that a Describe has shown already: packer#1322, packer#3627,
//! terraform-provider-aws#44835.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Answer, Behaviour, Call, Node};

/// What was made, by id or (keys) by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Group,
    Key,
    Instance,
    Address,
}

impl Kind {
    fn missing(self, name: &str) -> Option<Answer> {
        match self {
            Self::Group => Answer::refusal(
                400,
                "InvalidGroup.NotFound",
                format!("The security group '{name}' does not exist"),
            ),
            Self::Key => Answer::refusal(
                400,
                "InvalidKeyPair.NotFound",
                format!("The key pair '{name}' does not exist"),
            ),
            Self::Instance => Answer::refusal(
                400,
                "InvalidInstanceID.NotFound",
                format!("The instance ID '{name}' does not exist"),
            ),
            Self::Address => Answer::refusal(
                400,
                "InvalidAllocationID.NotFound",
                format!("The allocation ID '{name}' does not exist"),
            ),
        }
    }
}

/// A new object is not shown for a third of `lag`, and refused by name for all of it.
pub struct Newborn {
    lag: Duration,
    born: BTreeMap<String, (Kind, Instant)>,
}

impl Newborn {
    pub fn new(lag: Duration) -> Self {
        Self {
            lag,
            born: BTreeMap::new(),
        }
    }

    fn younger_than(&self, age: Duration, name: &str) -> Option<Kind> {
        let (kind, at) = self.born.get(name)?;
        (at.elapsed() < age).then_some(*kind)
    }

    fn is_hidden(&self, name: &str) -> bool {
        self.younger_than(self.lag / 3, name).is_some()
    }
}

impl Behaviour for Newborn {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        if call.is_dry() {
            return None;
        }
        let mut named: Vec<&str> = call.groups();
        named.extend(call.list("GroupId"));
        named.extend(call.list("InstanceId"));
        named.extend(call.list("ResourceId"));
        named.extend(
            ["GroupId", "InstanceId", "AllocationId"]
                .into_iter()
                .filter_map(|key| call.get(key)),
        );
        if call.action == "RunInstances" {
            named.extend(call.get("KeyName"));
        }
        let mut young = named.iter().filter_map(|name| {
            let kind = self.younger_than(self.lag, name)?;
            Some((kind, *name))
        });
        let (kind, name) = young.next()?;
        kind.missing(name)
    }

    fn answer(&mut self, call: &Call, answer: &mut Node) {
        match call.action.as_str() {
            "CreateSecurityGroup" => {
                let id = answer.text(&["groupId"]).to_owned();
                self.born.insert(id, (Kind::Group, Instant::now()));
            }
            "ImportKeyPair" => {
                let name = call.get("KeyName").unwrap_or_default();
                for name in [name, answer.text(&["keyPairId"])] {
                    self.born.insert(name.to_owned(), (Kind::Key, Instant::now()));
                }
            }
            "AllocateAddress" => {
                let id = answer.text(&["allocationId"]).to_owned();
                self.born.insert(id, (Kind::Address, Instant::now()));
            }
            "RunInstances" => {
                for instance in answer.instances() {
                    let id = instance.text(&["instanceId"]).to_owned();
                    self.born.entry(id).or_insert((Kind::Instance, Instant::now()));
                }
            }
            "DescribeInstances" => {
                answer.retain_instances(&mut |instance| !self.is_hidden(instance.text(&["instanceId"])));
            }
            "DescribeSecurityGroups" => {
                if let Some(groups) = answer.list_mut("securityGroupInfo") {
                    groups.retain(|group| !self.is_hidden(group.text(&["groupId"])));
                }
            }
            "DescribeKeyPairs" => {
                if let Some(keys) = answer.list_mut("keySet") {
                    keys.retain(|key| !self.is_hidden(key.text(&["keyName"])));
                }
            }
            "DescribeAddresses" => {
                if let Some(addresses) = answer.list_mut("addressesSet") {
                    addresses.retain(|address| !self.is_hidden(address.text(&["allocationId"])));
                }
            }
            "DescribeVolumes" => {
                if let Some(volumes) = answer.list_mut("volumeSet") {
                    volumes.retain(|volume| {
                        let mut attached = volume.items("attachmentSet");
                        !attached.any(|to| self.is_hidden(to.text(&["instanceId"])))
                    });
                }
            }
            _ => {}
        }
    }
}
