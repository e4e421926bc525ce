//! An account on the free plan runs only some types.
//!
//! Source: AWS Free Tier documentation, "EC2 free tier eligible instance types" for accounts since
//! 2025-07-15; the message is RunInstances' own.

use super::{Answer, Behaviour, Call};

/// The account is on the free plan.
pub struct FreePlan;

/// The types that it may run.
pub const ELIGIBLE: [&str; 6] = [
    "c7i-flex.large",
    "m7i-flex.large",
    "t3.micro",
    "t3.small",
    "t4g.micro",
    "t4g.small",
];

impl Behaviour for FreePlan {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        let kind = call
            .get("InstanceType")
            .filter(|_| call.action == "RunInstances")?;
        if ELIGIBLE.contains(&kind) || call.is_dry() {
            return None;
        }
        let message = "The specified instance type is not eligible for Free Tier. For a list of Free Tier instance types, run 'describe-instance-types' with the filter 'free-tier-eligible=true'.";
        Answer::refusal(400, "InvalidParameterCombination", message)
    }
}
