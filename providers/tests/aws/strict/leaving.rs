//! An instance is shutting down for a while, and holds its groups until it is terminated.
//!
//! Source: EC2 user guide, "Terminate Amazon EC2 instances"; EC2 API reference, DeleteSecurityGroup
//! (`DependencyViolation`).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Answer, Behaviour, Call, Node};

/// How long it takes, and who is where.
pub struct Leaving {
    takes: Duration,
    since: BTreeMap<String, Instant>,
    groups: BTreeMap<String, Vec<String>>,
}

impl Leaving {
    pub fn new(takes: Duration) -> Self {
        Self {
            takes,
            since: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    fn is_gone(&self, instance: &str) -> bool {
        self.since
            .get(instance)
            .is_some_and(|since| since.elapsed() >= self.takes)
    }
}

const STATE: &str = "instance-state-name";

impl Behaviour for Leaving {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        match call.action.as_str() {
            // Who asks for those that shut down is to see those that the API took away at once.
            "DescribeInstances"
                if call
                    .filter(STATE)
                    .is_some_and(|states| states.contains(&"shutting-down")) =>
            {
                call.widen(STATE, "terminated");
                None
            }
            "DeleteSecurityGroup" if !call.is_dry() => {
                let group = call.get("GroupId")?;
                let holds = |(instance, groups): &(&String, &Vec<String>)| {
                    !self.is_gone(instance) && groups.iter().any(|held| held == group)
                };
                self.groups.iter().find(holds)?;
                let message = format!("resource {group} has a dependent object");
                Answer::refusal(400, "DependencyViolation", message)
            }
            _ => None,
        }
    }

    fn answer(&mut self, call: &Call, answer: &mut Node) {
        match call.action.as_str() {
            "TerminateInstances" => {
                for id in call.list("InstanceId") {
                    self.since.entry(id.to_owned()).or_insert_with(Instant::now);
                }
            }
            "ModifyInstanceAttribute" => {
                let groups: Vec<String> = call.list("GroupId").into_iter().map(str::to_owned).collect();
                if let Some(id) = call.get("InstanceId").filter(|_| !groups.is_empty()) {
                    self.groups.insert(id.to_owned(), groups);
                }
            }
            "RunInstances" => {
                let groups: Vec<String> = call.groups().into_iter().map(str::to_owned).collect();
                for instance in answer.instances() {
                    let id = instance.text(&["instanceId"]).to_owned();
                    self.groups.insert(id, groups.clone());
                }
            }
            "DescribeInstances" => {
                let shown = call.filter(STATE).map(|states| states.contains(&"shutting-down"));
                answer.retain_instances(&mut |instance| {
                    let id = instance.text(&["instanceId"]).to_owned();
                    let going = self.since.contains_key(&id) && !self.is_gone(&id);
                    if instance.text(&["instanceState", "name"]) != "terminated" {
                        return true;
                    }
                    if going && let Some(state) = instance.child_mut("instanceState") {
                        state.set("name", "shutting-down");
                        state.set("code", "32");
                    }
                    // A filter that was widened above lets through those alone.
                    going || shown.is_none()
                });
            }
            _ => {}
        }
    }
}
