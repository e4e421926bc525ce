//! What the engine's errors mean: a code, a certainty, a hint.

use serde_json::Value;
use subako_world::{Code, Failure};

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
    // What gRPC puts in front says nothing to people; what it means is in `Failure::code`.
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
    let (code, refused) = meaning(reply, &message);
    let failure = if effect == Effect::Reads || refused {
        Failure::not_applied(doing, message)
    } else {
        Failure::unknown(doing, message)
    };
    failure.with_code(code)
}

/// What the engine's words mean where it has refused before it did anything. It has no codes of
/// its own: swarmkit's are gRPC's, which are too few, and older parts have status 500 alone.
fn refusal(message: &str) -> Option<Code> {
    const WORDS: [(&str, Code); 19] = [
        ("update out of sequence", Code::OutOfSequence),
        ("already exists", Code::AlreadyExists),
        ("name conflicts", Code::AlreadyExists),
        ("already part of a swarm", Code::AlreadyInSwarm),
        ("not a swarm manager", Code::NotAManager),
        ("not part of a swarm", Code::NotAManager),
        ("from a worker node", Code::NotAManager),
        ("does not have a leader", Code::NoLeader),
        ("no elected primary", Code::NoLeader),
        ("loss of quorum", Code::NoQuorum),
        ("participating as a manager", Code::WrongState),
        ("demote the last manager", Code::WrongState),
        ("is already in use by service", Code::Taken),
        ("Pool overlaps", Code::Taken),
        ("is in use by", Code::InUse),
        ("has active endpoints", Code::InUse),
        ("could not find an available", Code::NoCapacity),
        ("service mode change is not allowed", Code::Unsupported),
        (" not found: ", Code::NotFound),
    ];
    let known = WORDS.iter().find(|(words, _)| message.contains(words));
    // A network of which only a node's own copy is left is not found with status 500.
    let missing = message.ends_with("not found").then_some(Code::NotFound);
    known.map(|(_, code)| *code).or(missing)
}

/// What the code of gRPC in front of an answer means, and whether it is a refusal. A deadline
/// that passed inside the engine may have left the change behind.
fn grpc(raw: &str) -> Option<(Code, bool)> {
    let (_, rest) = raw.split_once("rpc error: code = ")?;
    let (name, _) = rest.split_once(" desc = ")?;
    Some(match name {
        "InvalidArgument" => (Code::Invalid, true),
        "NotFound" => (Code::NotFound, true),
        "AlreadyExists" => (Code::AlreadyExists, true),
        "FailedPrecondition" => (Code::WrongState, true),
        "PermissionDenied" => (Code::Denied, true),
        "Unimplemented" => (Code::Unsupported, true),
        "Unauthenticated" => (Code::Credentials, true),
        "DeadlineExceeded" => (Code::Timeout, false),
        "Unavailable" => (Code::Unavailable, false),
        _ => return None,
    })
}

/// What an answer means, and whether the engine refused before it did anything.
fn meaning(reply: &Reply, message: &str) -> (Code, bool) {
    if let Some(code) = refusal(message) {
        return (code, true);
    }
    if let Some(known) = grpc(&reply.body.to_string()) {
        return known;
    }
    match reply.status {
        400 => (Code::Invalid, true),
        401 => (Code::Credentials, true),
        403 => (Code::Denied, true),
        404 => (Code::NotFound, true),
        409 => (Code::AlreadyExists, true),
        status => (Code::Other, (400..500).contains(&status)),
    }
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
            (
                409,
                "network with name my-overlay already exists",
                Code::AlreadyExists,
            ),
            (
                409,
                "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service reply already exists",
                Code::AlreadyExists,
            ),
            (
                500,
                "rpc error: code = Unknown desc = update out of sequence",
                Code::OutOfSequence,
            ),
            (
                503,
                "This node is already part of a swarm. Use \"docker swarm leave\" to leave this swarm and join another one.",
                Code::AlreadyInSwarm,
            ),
            (
                503,
                "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.",
                Code::NotAManager,
            ),
            (
                500,
                "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online.",
                Code::NoLeader,
            ),
            (404, "node x not found", Code::NotFound),
            (500, "network xebvfablt44hmjbdcp7fblsra not found", Code::NotFound),
            (
                400,
                "rpc error: code = InvalidArgument desc = port '80' is already in use by service 'reply' (41sv9cmu) as an ingress port",
                Code::Taken,
            ),
            (
                503,
                "You are attempting to leave the swarm on a node that is participating as a manager. Use `--force` to suppress this message.",
                Code::WrongState,
            ),
        ] {
            let failure = failure("do it", Effect::Changes, &reply(status, text));
            assert_eq!(failure.code, code, "{text}");
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
