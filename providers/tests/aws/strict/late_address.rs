//! An instance runs before its public address is shown.
//!
//! Source: flocker#2237; RunInstances never answers with one (EC2 API reference, Instance,
//! `ipAddress`: "available after the instance enters the running state").

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Behaviour, Call, Node};

/// The address is shown so long after the instance was first seen running.
pub struct LateAddress {
    after: Duration,
    running: BTreeMap<String, Instant>,
}

impl LateAddress {
    pub fn new(after: Duration) -> Self {
        Self {
            after,
            running: BTreeMap::new(),
        }
    }
}

/// Takes every public address from what is shown of an instance.
pub(super) fn hide(instance: &mut Node) {
    let hidden = ["ipAddress", "dnsName", "association"];
    instance
        .children
        .retain(|child| !hidden.contains(&child.name.as_str()));
    instance.walk(&mut |below| {
        below
            .children
            .retain(|child| !hidden.contains(&child.name.as_str()))
    });
}

impl Behaviour for LateAddress {
    fn answer(&mut self, call: &Call, answer: &mut Node) {
        if !matches!(call.action.as_str(), "RunInstances" | "DescribeInstances") {
            return;
        }
        answer.retain_instances(&mut |instance| {
            let id = instance.text(&["instanceId"]).to_owned();
            let runs = instance.text(&["instanceState", "name"]) == "running";
            if !runs {
                self.running.remove(&id);
                hide(instance);
            } else if self.running.entry(id).or_insert_with(Instant::now).elapsed() < self.after {
                hide(instance);
            }
            true
        });
    }
}
