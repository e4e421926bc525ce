//! What the engine's errors mean: a code, a certainty, a hint.

use serde_json::Value;
use subako_world::Failure;

use crate::ssh::engine_http::Reply;

/// What kind of call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It only reads: a failure changes nothing.
    Reads,
    /// It changes the world.
    Changes,
}

/// The text of an error answer.
pub(super) fn message(reply: &Reply) -> String {
    let text = match &reply.body {
        Value::Object(fields) => fields.get("message").and_then(Value::as_str).unwrap_or_default(),
        Value::String(text) => text,
        _ => "",
    };
    let text = text.trim().trim_end_matches('.');
    // What gRPC puts in front says nothing to people; the code is kept in `Failure::code`.
    let text = match text.split_once(" desc = ") {
        Some((before, after)) if before.starts_with("rpc error: code = ") => after,
        _ => text,
    };
    if text.is_empty() {
        format!("the Docker Engine answered with status {}", reply.status)
    } else {
        text.to_owned()
    }
}

/// Whether a concurrent change came first: read again, then try again.
pub(super) fn out_of_sequence(reply: &Reply) -> bool {
    reply.status >= 400 && message(reply).contains("update out of sequence")
}

/// The failure that an error answer stands for.
pub(super) fn failure(doing: &str, effect: Effect, reply: &Reply) -> Failure {
    let message = message(reply);
    let code = code(reply.status, &message);
    let failure = if effect == Effect::Reads || certain(reply, &message) {
        Failure::not_applied(doing, message)
    } else {
        Failure::unknown(doing, message)
    };
    match code {
        Some(code) => failure.with_code(code),
        None => failure,
    }
}

fn code(status: u16, message: &str) -> Option<&'static str> {
    let says = |text: &str| message.contains(text);
    if says("update out of sequence") {
        Some("out_of_sequence")
    } else if status == 409 || says("already exists") || says("name conflicts") {
        Some("conflict")
    } else if says("already part of a swarm") {
        Some("already_in_swarm")
    } else if says("not a swarm manager") || says("not part of a swarm") {
        Some("not_a_manager")
    } else if says("does not have a leader") || says("no elected primary") {
        Some("no_leader")
    } else if says("participating as a manager") {
        Some("is_manager")
    } else if says("is already in use by service") {
        Some("port_in_use")
    } else if says("is in use by the following service") {
        Some("in_use")
    } else if status == 404 || message.ends_with("not found") {
        // A network of which only a node's own copy is left is not found with status 500.
        Some("not_found")
    } else {
        None
    }
}

/// Whether the engine refused before it did anything. Its server errors are refusals only where
/// they say so: a deadline that passed inside the engine may have left the change behind.
fn certain(reply: &Reply, message: &str) -> bool {
    const REFUSALS: [&str; 7] = [
        "code = InvalidArgument",
        "code = NotFound",
        "code = AlreadyExists",
        "code = FailedPrecondition",
        "code = PermissionDenied",
        "code = Unimplemented",
        "code = Unauthenticated",
    ];
    let raw = reply.body.to_string();
    (400..500).contains(&reply.status)
        || REFUSALS.iter().any(|refusal| raw.contains(refusal))
        || code(reply.status, message).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use subako_world::Certainty;

    use super::*;

    fn reply(status: u16, text: &str) -> Reply {
        Reply {
            status,
            body: json!({ "message": text }),
        }
    }

    #[test]
    fn known_answers_get_their_codes() {
        for (status, text, code) in [
            (409, "network with name my-overlay already exists", "conflict"),
            (
                409,
                "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service reply already exists",
                "conflict",
            ),
            (
                500,
                "rpc error: code = Unknown desc = update out of sequence",
                "out_of_sequence",
            ),
            (
                503,
                "This node is already part of a swarm. Use \"docker swarm leave\" to leave this swarm and join another one.",
                "already_in_swarm",
            ),
            (
                503,
                "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.",
                "not_a_manager",
            ),
            (
                500,
                "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online.",
                "no_leader",
            ),
            (404, "node x not found", "not_found"),
            (500, "network xebvfablt44hmjbdcp7fblsra not found", "not_found"),
            (
                400,
                "rpc error: code = InvalidArgument desc = port '80' is already in use by service 'reply' (41sv9cmu) as an ingress port",
                "port_in_use",
            ),
            (
                503,
                "You are attempting to leave the swarm on a node that is participating as a manager. Use `--force` to suppress this message.",
                "is_manager",
            ),
        ] {
            let failure = failure("do it", Effect::Changes, &reply(status, text));
            assert_eq!(failure.code.as_deref(), Some(code), "{text}");
            assert_eq!(failure.certainty, Certainty::NotApplied, "{text}");
        }
    }

    #[test]
    fn a_server_error_of_a_change_is_uncertain_and_of_a_read_is_not() {
        let late = reply(
            500,
            "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
        );
        assert_eq!(
            failure("do it", Effect::Changes, &late).certainty,
            Certainty::Unknown
        );
        assert_eq!(
            failure("do it", Effect::Reads, &late).certainty,
            Certainty::NotApplied
        );
        let refused = reply(
            500,
            "rpc error: code = FailedPrecondition desc = network x is in use by service y",
        );
        assert_eq!(
            failure("do it", Effect::Changes, &refused).certainty,
            Certainty::NotApplied
        );
        assert_eq!(
            failure("do it", Effect::Changes, &refused).message,
            "network x is in use by service y"
        );
    }

    #[test]
    fn an_answer_without_words_says_its_status() {
        let empty = Reply {
            status: 502,
            body: Value::Null,
        };
        assert_eq!(message(&empty), "the Docker Engine answered with status 502");
    }
}
