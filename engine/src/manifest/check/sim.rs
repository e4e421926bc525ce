//! `[sim]`.

use subako_world::calls;

use super::value;
use crate::manifest::decode::{Context, did_you_mean};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::model::{Sim, SimFault, SimFaultKind};
use crate::manifest::raw::{self, Timeout};
use crate::manifest::span::{At, Span};

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
    (call == ANY_CALL || calls::all().any(|known| known == call)) && !object.is_empty()
}

fn fault(cx: &mut Context<'_>, raw: raw::Fault, span: Span) -> Option<SimFault> {
    if let Some(call) = raw.call.as_ref().filter(|call| !is_call(&call.0)) {
        cx.report(
            ManifestError::new(Code::UnknownReference, format!("there is no call \"{}\"", call.0))
                .at(call.span, "this fault would never happen")
                .help(did_you_mean(&call.0, calls::all()).unwrap_or_else(|| {
                    let mut all: Vec<&str> = calls::all().collect();
                    all.sort_unstable();
                    format!("the calls are \"{ANY_CALL}\", {}", all.join(", "))
                })),
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
