//! What a rehearsal gave, in a sentence: `Rehearsed: about 2 min 40 s; quorum never below 2 of 3`.

use subako_engine::plan::{LowestQuorum, LowestService, PortAway, Rehearsal, Rehearsed};

use super::duration;
use crate::plain::plain;

/// So many services and ports are named; of the rest only their number is said.
const NAMED: usize = 4;

/// The sentence, without a full stop. Nothing in it acts on a terminal.
pub fn sentence(rehearsal: &Rehearsal) -> String {
    match rehearsal {
        Rehearsal::NotRehearsed { reason, .. } => format!("Not rehearsed: {}", plain(reason)),
        Rehearsal::Rehearsed(seen) => format!("Rehearsed: {}", clauses(seen).join("; ")),
    }
}

/// What the model had to assume, on one line; `None` if nothing.
pub fn assumed(rehearsal: &Rehearsal) -> Option<String> {
    match rehearsal {
        Rehearsal::Rehearsed(seen) if !seen.assumed.is_empty() => {
            Some(format!("assumed: {}", plain(&seen.assumed.join("; "))))
        }
        _ => None,
    }
}

fn clauses(seen: &Rehearsed) -> Vec<String> {
    if let Some(failed) = &seen.failed {
        return vec![format!(
            "after {} {} fails (see above)",
            duration::short(failed.after_ms),
            plain(&failed.address)
        )];
    }
    let mut clauses = vec![format!("about {}", about(seen.took_ms))];
    clauses.extend(seen.quorum.and_then(quorum));
    let dips: Vec<&LowestService> = seen.services.iter().filter(|service| service.dips()).collect();
    let lows = dips.iter().map(|service| {
        format!(
            "{} never below {} of {}",
            plain(&service.name),
            service.least,
            service.wanted
        )
    });
    clauses.extend(named(lows, "services run fewer tasks for a while"));
    let away: Vec<&PortAway> = seen.ports.iter().filter(|port| port.away_ms > 0).collect();
    let gaps = away.iter().map(|port| {
        let protocol = match port.protocol.as_str() {
            "tcp" => String::new(),
            other => format!("/{}", plain(other)),
        };
        format!(
            "port {}{protocol} away for {}",
            port.port,
            duration::short(port.away_ms)
        )
    });
    clauses.extend(named(gaps, "ports away for a while"));
    clauses
}

/// The first few, and how many more.
fn named(mut all: impl ExactSizeIterator<Item = String>, what: &str) -> Vec<String> {
    let mut out: Vec<String> = all.by_ref().take(NAMED).collect();
    if all.len() > 0 {
        out.push(format!("{} more {what}", all.len()));
    }
    out
}

/// Said only where some manager does not answer for a while.
fn quorum(lowest: LowestQuorum) -> Option<String> {
    let LowestQuorum { alive, voters } = lowest;
    if alive >= voters {
        return None;
    }
    Some(match alive * 2 > voters {
        true => format!("quorum never below {alive} of {voters}"),
        false => format!("no quorum for a while ({alive} of {voters} managers)"),
    })
}

/// A duration that nobody takes for exact: above a minute in steps of ten seconds.
fn about(ms: u64) -> String {
    match ms {
        0..60_000 => duration::short(ms),
        _ => duration::short((ms + 5_000) / 10_000 * 10_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use subako_engine::plan::{Action, Because, FailedStep};

    fn service(name: &str, before: u64, least: u64, wanted: u64) -> LowestService {
        LowestService {
            name: name.to_owned(),
            before,
            least,
            wanted,
        }
    }

    fn port(port: u16, protocol: &str, away_ms: u64) -> PortAway {
        PortAway {
            port,
            protocol: protocol.to_owned(),
            away_ms,
        }
    }

    fn said(seen: Rehearsed) -> String {
        sentence(&Rehearsal::Rehearsed(Box::new(seen)))
    }

    #[test]
    fn a_rehearsal_is_a_sentence_that_names_what_gets_worse() {
        let seen = Rehearsed {
            took_ms: 157_000,
            quorum: Some(LowestQuorum { alive: 2, voters: 3 }),
            services: vec![
                service("reply", 8, 6, 8),
                service("grows", 3, 3, 8),
                service("shrinks", 8, 3, 3),
            ],
            ports: vec![
                port(80, "tcp", 4_000),
                port(81, "tcp", 0),
                port(53, "udp", 12_400),
            ],
            ..Rehearsed::default()
        };
        assert_eq!(
            said(seen),
            "Rehearsed: about 2 min 40 s; quorum never below 2 of 3; reply never below 6 of 8; \
             port 80 away for 4.0 s; port 53/udp away for 12 s"
        );
    }

    #[test]
    fn what_stays_up_is_not_mentioned_and_a_lost_quorum_is() {
        let quorum = |alive, voters| {
            said(Rehearsed {
                took_ms: 41_000,
                quorum: Some(LowestQuorum { alive, voters }),
                ..Rehearsed::default()
            })
        };
        assert_eq!(quorum(3, 3), "Rehearsed: about 41 s");
        assert_eq!(
            quorum(0, 1),
            "Rehearsed: about 41 s; no quorum for a while (0 of 1 managers)"
        );
        assert_eq!(
            quorum(2, 4),
            "Rehearsed: about 41 s; no quorum for a while (2 of 4 managers)"
        );
    }

    #[test]
    fn of_many_services_a_few_are_named() {
        let services = (0..7)
            .map(|number| service(&format!("s{number}"), 2, 1, 2))
            .collect();
        let text = said(Rehearsed {
            services,
            ..Rehearsed::default()
        });
        assert!(
            text.contains("s3 never below 1 of 2; 3 more services run fewer tasks for a while"),
            "{text}"
        );
        assert!(!text.contains("s4"), "{text}");
    }

    #[test]
    fn a_failure_and_a_reason_are_said() {
        let failed = FailedStep {
            address: "member.node-1".parse().expect("an address"),
            action: Action::Create,
            after_ms: 61_000,
            cause: "x".into(),
            hint: None,
        };
        let text = said(Rehearsed {
            failed: Some(failed),
            ..Rehearsed::default()
        });
        assert_eq!(text, "Rehearsed: after 1 min 1 s member.node-1 fails (see above)");
        let not = Rehearsal::not(Because::NotRead, "the world was not read");
        assert_eq!(sentence(&not), "Not rehearsed: the world was not read");
    }
}
