//! An elastic address is shown by the instance that has it and by no other, whether that runs or
//! not, and outlives it.
//!
//! Source: EC2 user guide, "Elastic IP addresses" (associate, disassociate, terminate).

use std::collections::{BTreeMap, BTreeSet};

use super::late_address::hide;
use super::{Behaviour, Call, Node};

/// Which instance has an address, and what ties them.
struct Held {
    instance: String,
    association: String,
}

/// The addresses of the account.
#[derive(Default)]
pub struct Elastic {
    addresses: BTreeMap<String, String>,
    held: BTreeMap<String, Held>,
    /// Also those that were given back: the API behind goes on showing them.
    ever: BTreeSet<String>,
}

impl Elastic {
    fn of(&self, instance: &str) -> Option<&String> {
        let (id, _) = self.held.iter().find(|(_, held)| held.instance == instance)?;
        self.addresses.get(id)
    }

    fn show(&self, instance: &mut Node) {
        let has = self.of(instance.text(&["instanceId"]));
        if has.is_none() && self.ever.contains(instance.text(&["ipAddress"])) {
            hide(instance);
        }
        if let Some(address) = has {
            instance.set("ipAddress", address);
        }
    }
}

impl Behaviour for Elastic {
    fn answer(&mut self, call: &Call, answer: &mut Node) {
        match call.action.as_str() {
            "AllocateAddress" => {
                let (id, ip) = (answer.text(&["allocationId"]), answer.text(&["publicIp"]));
                self.addresses.insert(id.to_owned(), ip.to_owned());
                self.ever.insert(ip.to_owned());
            }
            "AssociateAddress" => {
                let text = |key| call.get(key).unwrap_or_default().to_owned();
                let held = Held {
                    instance: text("InstanceId"),
                    association: answer.text(&["associationId"]).to_owned(),
                };
                self.held.insert(text("AllocationId"), held);
            }
            "DisassociateAddress" => {
                let ended = call.get("AssociationId").unwrap_or_default();
                self.held.retain(|_, held| held.association != ended);
            }
            "ReleaseAddress" => {
                let id = call.get("AllocationId").unwrap_or_default();
                self.held.remove(id);
                self.addresses.remove(id);
            }
            "DescribeInstances" => answer.retain_instances(&mut |instance| {
                self.show(instance);
                true
            }),
            _ => {}
        }
    }

    fn then(&mut self, call: &Call, _: &Node) -> Vec<Call> {
        if call.action != "TerminateInstances" || call.is_dry() {
            return Vec::new();
        }
        let ended = call.list("InstanceId");
        let (left, kept) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|(_, held)| ended.contains(&held.instance.as_str()));
        self.held = kept;
        let left: BTreeMap<String, Held> = left;
        let part = |held: &Held| call.other("DisassociateAddress", &[("AssociationId", &held.association)]);
        left.values().map(part).collect()
    }
}
