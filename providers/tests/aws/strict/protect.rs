//! An instance that is to be protected is so from its first moment.
//!
//! Source: EC2 API reference, RunInstances (`DisableApiTermination`).

use super::{Behaviour, Call, Node};

/// Protection is part of the launch.
pub struct Protects;

impl Behaviour for Protects {
    fn then(&mut self, call: &Call, answer: &Node) -> Vec<Call> {
        let wanted = call.action == "RunInstances" && call.get("DisableApiTermination") == Some("true");
        if !wanted || call.is_dry() {
            return Vec::new();
        }
        let protect = |instance: &Node| {
            let parameters = [
                ("InstanceId", instance.text(&["instanceId"])),
                ("DisableApiTermination.Value", "true"),
            ];
            call.other("ModifyInstanceAttribute", &parameters)
        };
        answer.instances().into_iter().map(protect).collect()
    }
}
