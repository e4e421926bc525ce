//! A region that the account has not enabled knows no key of it.
//!
//! Source: AWS Account Management guide, "Enable or disable AWS Regions in your account"; the
//! codes are those of EC2 and of the Security Token Service there.

use super::{Answer, Behaviour, Call};

/// The region is off.
pub struct RegionOff;

impl Behaviour for RegionOff {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        match call.action.as_str() {
            "GetCallerIdentity" => Answer::refusal(
                403,
                "InvalidClientTokenId",
                "The security token included in the request is invalid",
            ),
            _ => Answer::refusal(
                401,
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
            ),
        }
    }
}
