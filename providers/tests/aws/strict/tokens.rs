//! A ClientToken is answered with what it made first, and spent once that is terminated.
//!
//! Source: EC2 API reference, "Ensuring idempotency in Amazon EC2 API requests"; "Error codes"
//! (`IdempotentInstanceTerminated`, `IdempotentParameterMismatch`).

use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, Behaviour, Call, Node};

type Parameters = Vec<(String, String)>;

/// What a token made.
struct Made {
    asked: Parameters,
    instances: Vec<String>,
    answer: String,
}

/// The first request and answer of each token.
#[derive(Default)]
pub struct Tokens {
    /// As they came: behaviours that are nearer to the API change them.
    asked: BTreeMap<String, Parameters>,
    made: BTreeMap<String, Made>,
    terminated: BTreeSet<String>,
}

impl Behaviour for Tokens {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        if call.action != "RunInstances" || call.is_dry() {
            return None;
        }
        let token = call.get("ClientToken")?;
        let Some(made) = self.made.get(token) else {
            self.asked.insert(token.to_owned(), call.parameters.clone());
            return None;
        };
        if made.asked != call.parameters {
            let message = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).";
            return Answer::refusal(400, "IdempotentParameterMismatch", message);
        }
        if made.instances.iter().all(|id| self.terminated.contains(id)) {
            let message = format!("The instances of the token {token} are terminated");
            return Answer::refusal(400, "IdempotentInstanceTerminated", message);
        }
        Some(Answer::Success(made.answer.clone()))
    }

    fn answer(&mut self, call: &Call, answer: &mut Node) {
        if call.action == "TerminateInstances" {
            let ended = call.list("InstanceId").into_iter().map(str::to_owned);
            self.terminated.extend(ended);
        }
        let token = call.get("ClientToken").filter(|_| call.action == "RunInstances");
        let Some((token, asked)) = token.and_then(|token| self.asked.remove_entry(token)) else {
            return;
        };
        let ids = answer.instances().into_iter();
        let made = Made {
            asked,
            instances: ids.map(|one| one.text(&["instanceId"]).to_owned()).collect(),
            answer: answer.render(),
        };
        self.made.insert(token, made);
    }
}
