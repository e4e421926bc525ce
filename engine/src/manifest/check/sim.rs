//! `[sim]`.

use super::value;
use crate::manifest::decode::{Context, did_you_mean};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::model::{Sim, SimFault, SimFaultKind};
use crate::manifest::raw::{self, Timeout};
use crate::manifest::span::{At, Span};

/// The calls of the seams `Cloud`, `Hosts` and `Host`, any of which can be made to fail.
const CALLS: [&str; 50] = [
    "account",
    "authorize_ingress",
    "await_instance",
    "configs",
    "connect",
    "create_config",
    "create_network",
    "create_secret",
    "create_security_group",
    "create_service",
    "delete_key_pair",
    "delete_security_group",
    "engine_info",
    "find_instance_by_token",
    "find_key_pair",
    "find_security_group",
    "image_digest",
    "import_key_pair",
    "install_engine",
    "instance",
    "lookup",
    "modify_instance",
    "networks",
    "node",
    "nodes",
    "reach",
    "remove_config",
    "remove_network",
    "remove_node",
    "remove_secret",
    "remove_service",
    "residue",
    "retag",
    "revoke_ingress",
    "run_instance",
    "secrets",
    "security_group",
    "service",
    "services",
    "start_instance",
    "stop_instance",
    "survey",
    "swarm_init",
    "swarm_inspect",
    "swarm_join",
    "swarm_leave",
    "tasks",
    "terminate_instance",
    "update_node",
    "update_service",
];

/// Any call that changes something.
const ANY_CALL: &str = "*";

/// Checks the simulator's settings.
pub fn check(cx: &mut Context<'_>, raw: raw::Sim) -> Sim {
    let faults = value(raw.faults);
    Sim {
        seed: value(raw.seed).0,
        time: value(raw.time),
        faults: faults
            .into_iter()
            .filter_map(|At { value, span }| fault(cx, value, span))
            .collect(),
    }
}

/// A call, or a call on one object: `run_instance`, `run_instance:node-0`.
fn is_call(text: &str) -> bool {
    let (call, object) = text.split_once(':').unwrap_or((text, "*"));
    (call == ANY_CALL || CALLS.contains(&call)) && !object.is_empty()
}

fn fault(cx: &mut Context<'_>, raw: raw::Fault, span: Span) -> Option<SimFault> {
    if let Some(call) = raw.call.as_ref().filter(|call| !is_call(&call.0)) {
        cx.report(
            ManifestError::new(Code::UnknownReference, format!("there is no call \"{}\"", call.0))
                .at(call.span, "this fault would never happen")
                .help(
                    did_you_mean(&call.0, CALLS)
                        .unwrap_or_else(|| format!("the calls are \"{ANY_CALL}\", {}", CALLS.join(", "))),
                ),
        );
    }
    let kind = match (raw.error, raw.timeout) {
        (Some(error), None) => SimFaultKind::Error(error.value.0),
        (None, Some(timeout)) => match timeout.value {
            Timeout::BeforeEffect => SimFaultKind::TimeoutBeforeEffect,
            Timeout::AfterEffect => SimFaultKind::TimeoutAfterEffect,
        },
        (Some(error), Some(timeout)) => {
            cx.report(
                ManifestError::new(Code::Conflict, "a call fails or times out, not both")
                    .at(timeout.span, "it times out")
                    .at(error.span, "it fails")
                    .help("write two faults, with different `nth`"),
            );
            return None;
        }
        (None, None) => {
            if !raw.mistaken {
                cx.report(
                    ManifestError::new(Code::Missing, "a fault needs `error` or `timeout`")
                        .at(span, "neither is here")
                        .help(
                            "write error = \"InsufficientInstanceCapacity\", or timeout = \"after-effect\"",
                        ),
                );
            }
            return None;
        }
    };
    let number = |n: Option<At<_>>| {
        n.map_or(
            1,
            |at: At<crate::manifest::decode::Int<1, { u32::MAX as u64 }>>| at.0 as u32,
        )
    };
    Some(SimFault {
        call: raw.call?.value.0,
        nth: number(raw.nth),
        times: number(raw.times),
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seams' own text: a trait's methods cannot be listed at run time.
    const SEAMS: [&str; 2] = [
        include_str!("../../world/cloud.rs"),
        include_str!("../../world/host.rs"),
    ];

    #[test]
    fn the_calls_are_those_of_the_seams() {
        let mut calls: Vec<&str> = SEAMS
            .iter()
            .flat_map(|text| text.split("async fn ").skip(1))
            .filter_map(|rest| rest.split('(').next())
            // One method for both kinds of files, two calls of the engine.
            .flat_map(|call| match call {
                "files" => vec!["secrets", "configs"],
                "create_file" => vec!["create_secret", "create_config"],
                "remove_file" => vec!["remove_secret", "remove_config"],
                other => vec![other],
            })
            .collect();
        calls.sort_unstable();
        calls.dedup();
        assert_eq!(calls, CALLS);
    }
}
