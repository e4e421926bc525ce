//! A zone is out: instances are described where all that are asked for by id are in the others.
//!
//! Source: EC2 API reference, DescribeInstances ("if you describe instances in the rare case where an
//! Availability Zone is experiencing a service disruption").

use std::collections::BTreeSet;

use super::{Answer, Behaviour, Call};

/// The instances in the zone that is out.
pub struct ZoneOut(BTreeSet<String>);

impl ZoneOut {
    pub fn with<S: Into<String>>(instances: impl IntoIterator<Item = S>) -> Self {
        Self(instances.into_iter().map(Into::into).collect())
    }
}

impl Behaviour for ZoneOut {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        if call.action != "DescribeInstances" {
            return None;
        }
        let asked = call.list("InstanceId");
        if !asked.is_empty() && asked.iter().all(|id| !self.0.contains(*id)) {
            return None;
        }
        Answer::refusal(
            503,
            "Unavailable",
            "The service is unavailable. Please try again shortly.",
        )
    }
}
