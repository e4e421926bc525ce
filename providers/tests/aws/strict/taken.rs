//! A private address is one instance's, until that is terminated.
//!
//! Source: EC2 API reference, "Error codes" (`InvalidIPAddress.InUse`).

use std::collections::BTreeMap;

use super::{Answer, Behaviour, Call, Node};

/// Who has which address, by subnet and address.
#[derive(Default)]
pub struct Taken(BTreeMap<(String, String), String>);

impl Behaviour for Taken {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        if call.action != "RunInstances" || call.is_dry() {
            return None;
        }
        let address = call
            .get("PrivateIpAddress")
            .or_else(|| call.get("NetworkInterface.1.PrivateIpAddress"))?;
        let place = (call.subnet()?.to_owned(), address.to_owned());
        self.0.get(&place)?;
        Answer::refusal(
            400,
            "InvalidIPAddress.InUse",
            format!("Address {address} is in use."),
        )
    }

    fn answer(&mut self, call: &Call, answer: &mut Node) {
        if call.action == "RunInstances" {
            for instance in answer.instances() {
                let text = |name| instance.text(&[name]).to_owned();
                let place = (text("subnetId"), text("privateIpAddress"));
                self.0.insert(place, text("instanceId"));
            }
        }
        if call.action == "DescribeInstances" {
            let gone: Vec<&str> = answer
                .instances()
                .into_iter()
                .filter(|instance| instance.text(&["instanceState", "name"]) == "terminated")
                .map(|instance| instance.text(&["instanceId"]))
                .collect();
            self.0.retain(|_, holder| !gone.contains(&holder.as_str()));
        }
    }
}
