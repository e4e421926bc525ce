//! A zone that does not offer an instance type of its region.
//!
//! Source: EC2 API reference, DescribeInstanceTypeOfferings; terraform-provider-aws#8868.

use std::collections::BTreeMap;

use super::{Answer, Behaviour, Call, Node};

/// The zone that ends with this letter offers only what it is asked to.
pub struct Offerings {
    letter: char,
    offers: Vec<String>,
    zones: BTreeMap<String, String>,
}

impl Offerings {
    /// The zone with that letter offers these types alone.
    pub fn only(letter: char, types: &[&str]) -> Self {
        Self {
            letter,
            offers: types.iter().map(|kind| (*kind).to_owned()).collect(),
            zones: BTreeMap::new(),
        }
    }

    fn lacks(&self, zone: &str, kind: &str) -> bool {
        zone.ends_with(self.letter) && !self.offers.iter().any(|offered| offered == kind)
    }
}

impl Behaviour for Offerings {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        let kind = call
            .get("InstanceType")
            .filter(|_| call.action == "RunInstances")?;
        let zone = self.zones.get(call.subnet()?)?;
        let message = format!(
            "Your requested instance type ({kind}) is not supported in your requested Availability Zone ({zone})."
        );
        self.lacks(zone, kind)
            .then_some(Answer::Refusal(400, "Unsupported", message))
    }

    fn answer(&mut self, call: &Call, answer: &mut Node) {
        match call.action.as_str() {
            "DescribeSubnets" => {
                let known = answer.items("subnetSet").map(|subnet| {
                    let text = |name| subnet.text(&[name]).to_owned();
                    (text("subnetId"), text("availabilityZone"))
                });
                self.zones.extend(known);
            }
            "DescribeInstanceTypeOfferings" => {
                if let Some(offered) = answer.list_mut("instanceTypeOfferingSet") {
                    offered.retain(|one| !self.lacks(one.text(&["location"]), one.text(&["instanceType"])));
                }
            }
            _ => {}
        }
    }
}
