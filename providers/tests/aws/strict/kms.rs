//! Instances whose disk's key the caller may not use start, and are terminated.
//!
//! Source: EC2 user guide, "Troubleshoot instance launch issues", `Client.InternalError: Client
//! error on launch`; karpenter-provider-aws#1407.

use std::collections::BTreeSet;

use super::{Behaviour, Call, Node};

/// The default key of the account's disks is out of reach.
#[derive(Default)]
pub struct Kms(BTreeSet<String>);

impl Behaviour for Kms {
    fn answer(&mut self, call: &Call, answer: &mut Node) {
        if call.action == "RunInstances" {
            let ids = answer.instances().into_iter();
            self.0
                .extend(ids.map(|instance| instance.text(&["instanceId"]).to_owned()));
        }
        if call.action == "DescribeInstances" {
            answer.retain_instances(&mut |instance| {
                if self.0.contains(instance.text(&["instanceId"])) {
                    if let Some(state) = instance.child_mut("instanceState") {
                        state.set("name", "terminated");
                        state.set("code", "48");
                    }
                    instance.children.retain(|child| child.name != "stateReason");
                    let why = [
                        Node::leaf("code", "Client.InternalError"),
                        Node::leaf("message", "Client.InternalError: Client error on launch"),
                    ];
                    instance.children.push(Node::of("stateReason", why));
                }
                true
            });
        }
    }
}
