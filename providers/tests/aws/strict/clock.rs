//! A clock that differs from this machine's: no request is good.
//!
//! Source: IAM user guide, "AWS Signature Version 4 for API requests" (five minutes); the codes
//! are those of EC2 and of the Security Token Service.

use super::{Answer, Behaviour, Call};

/// EC2's clock is so many seconds ahead of this machine's.
pub struct ClockOff {
    pub ahead: i64,
}

impl Behaviour for ClockOff {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        match call.action.as_str() {
            "GetCallerIdentity" => Answer::refusal(
                403,
                "SignatureDoesNotMatch",
                "Signature expired: 20261128T220000Z is now earlier than 20261128T220500Z",
            ),
            _ => Answer::refusal(
                401,
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
            ),
        }
    }

    fn ahead(&self) -> i64 {
        self.ahead
    }
}
