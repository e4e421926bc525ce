//! The type of an instance changes only while it is stopped.
//!
//! Source: EC2 API reference, ModifyInstanceAttribute; "Error codes" (`IncorrectInstanceState`).

use std::collections::BTreeMap;

use super::{Answer, Behaviour, Call, Node};

/// The state that each instance was last seen in.
#[derive(Default)]
pub struct Retype(BTreeMap<String, String>);

impl Behaviour for Retype {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        call.get("InstanceType.Value")
            .filter(|_| call.action == "ModifyInstanceAttribute")?;
        let id = call.get("InstanceId")?;
        let state = self.0.get(id).filter(|state| *state != "stopped")?;
        let message = format!("The instance '{id}' is not in the 'stopped' state, it is {state}.");
        Answer::refusal(400, "IncorrectInstanceState", message)
    }

    fn answer(&mut self, call: &Call, answer: &mut Node) {
        let state: &[&str] = match call.action.as_str() {
            "RunInstances" | "DescribeInstances" => &["instanceState", "name"],
            "StartInstances" | "StopInstances" | "TerminateInstances" => &["currentState", "name"],
            _ => return,
        };
        for instance in answer.instances() {
            let id = instance.text(&["instanceId"]).to_owned();
            self.0.insert(id, instance.text(state).to_owned());
        }
    }
}
