//! A ClientToken is answered with what it made first.
//!
//! Source: EC2 API reference, "Ensuring idempotency in Amazon EC2 API requests".

use std::collections::BTreeMap;

use super::{Answer, Behaviour, Call, Node};

/// The first request and answer of each token.
#[derive(Default)]
pub struct Tokens(BTreeMap<String, (Vec<(String, String)>, String)>);

impl Behaviour for Tokens {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        if call.action != "RunInstances" || call.is_dry() {
            return None;
        }
        let (asked, answer) = self.0.get(call.get("ClientToken")?)?;
        if *asked != call.parameters {
            let message = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).";
            return Answer::refusal(400, "IdempotentParameterMismatch", message);
        }
        Some(Answer::Success(answer.clone()))
    }

    fn answer(&mut self, call: &Call, answer: &mut Node) {
        if call.action == "RunInstances"
            && let Some(token) = call.get("ClientToken")
        {
            let made = (call.parameters.clone(), answer.render());
            self.0.entry(token.to_owned()).or_insert(made);
        }
    }
}
