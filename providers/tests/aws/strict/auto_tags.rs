//! The account tags everything that is made in it.
//!
//! Source: AWS's "auto-tag" samples (EventBridge and Lambda on RunInstances); terraform#31632.

use super::{Behaviour, Call, Node};

/// Who made it, on everything.
pub struct AutoTags;

/// The key of the tag.
pub const KEY: &str = "AutoTag_Creator";

impl Behaviour for AutoTags {
    fn then(&mut self, call: &Call, answer: &Node) -> Vec<Call> {
        if call.is_dry() {
            return Vec::new();
        }
        let made: Vec<String> = match call.action.as_str() {
            "AllocateAddress" => vec![answer.text(&["allocationId"]).to_owned()],
            "CreateSecurityGroup" => vec![answer.text(&["groupId"]).to_owned()],
            "ImportKeyPair" => vec![answer.text(&["keyPairId"]).to_owned()],
            "RunInstances" => {
                let instances = answer.instances().into_iter();
                instances
                    .flat_map(|instance| {
                        let disks = instance.items("blockDeviceMapping");
                        let disks = disks.map(|disk| disk.text(&["ebs", "volumeId"]).to_owned());
                        [instance.text(&["instanceId"]).to_owned()]
                            .into_iter()
                            .chain(disks)
                    })
                    .collect()
            }
            _ => Vec::new(),
        };
        let tag = |id: &String| {
            let parameters = [
                ("ResourceId.1", id.as_str()),
                ("Tag.1.Key", KEY),
                ("Tag.1.Value", "AROAX:me"),
            ];
            call.other("CreateTags", &parameters)
        };
        made.iter().filter(|id| !id.is_empty()).map(tag).collect()
    }
}
