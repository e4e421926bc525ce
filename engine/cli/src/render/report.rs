//! What came of a run.

use std::fmt::Write as _;

use subako_engine::plan::Plan;
pub use subako_engine::session::list;
use subako_engine::session::{RunReport, endpoints as endpoints_of};
use subako_engine::world::{Certainty, Code, Failure, NextCommand, Residue};
use subako_state::{Address, Direction, Outcome, Snapshot, StateError};

use super::progress::RunLog;
use super::{Table, duration, plan_text};
use crate::hint::{Hint, Invocation};
use crate::plain::plain;
use crate::style::{Meaning, Paint};

/// After a run that made its plan real.
pub fn applied(plan: &Plan, log: &RunLog, simulated: bool, paint: Paint) -> String {
    let done: Vec<String> = plan_text::counts(&plan.summary)
        .into_iter()
        .filter_map(|(count, words, meaning)| {
            let word = match words {
                "to destroy" => "destroyed",
                "to replace" => "replaced",
                "to change" => "changed",
                "to create" => "created",
                "to adopt" => "adopted",
                "to forget" => "forgotten",
                _ => return None,
            };
            Some(paint.of(meaning, format!("{count} {word}")).to_string())
        })
        .collect();
    let phases = log.phases.text().map(|text| format!("  {text}\n"));
    format!(
        "{} {} in {}{}.\n{}",
        paint.of(Meaning::Good, "Done:"),
        done.join(", "),
        duration::short(log.elapsed_ms),
        if simulated { " of simulated time" } else { "" },
        phases.unwrap_or_default()
    )
}

/// What a run was made for, for its report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportContext<'a> {
    /// The command, for example `apply`.
    pub command: &'a str,
    /// The command line.
    pub typed: &'a Invocation,
    /// Whether keeping what was done was asked for.
    pub keep: bool,
}

/// After a run that failed, was interrupted, or was kept on request.
pub fn failed(ran: &RunReport, log: &RunLog, told: ReportContext<'_>, paint: Paint) -> String {
    let mut out = String::new();
    let head = headline(ran, log, told);
    let _ = writeln!(out, "{}: {head}", paint.of(Meaning::Error, "error"));
    if ran.failures.is_empty()
        && let Some((_, why)) = &log.turned
    {
        let _ = writeln!(out, "  why: {}", plain(why));
    }
    for (address, failure) in &ran.failures {
        write_failure(&mut out, paint, address, failure, told.typed);
    }
    if !log.undone.is_empty() {
        let _ = writeln!(
            out,
            "  {} {}",
            paint.of(Meaning::Strong, "undone:"),
            plain(list(&log.undone))
        );
    }
    match ran.outcome {
        Outcome::RolledBack if ran.cut => {}
        Outcome::RolledBack => {
            let _ = writeln!(
                out,
                "  {} nothing; the state and the world are as they were before",
                paint.of(Meaning::Strong, "remains:")
            );
        }
        Outcome::Applied => {}
        Outcome::Remains => {
            let kept = matches!(log.turned, Some((Direction::Keep, _)));
            if kept && !log.done.is_empty() {
                let _ = writeln!(
                    out,
                    "  {} {}",
                    paint.of(Meaning::Strong, "done and kept:"),
                    plain(list(&log.done))
                );
            }
            let word = match (ran.cut, kept) {
                (true, _) => "not done, or not known:",
                (false, true) => "not done:",
                (false, false) => "remains:",
            };
            if !ran.remains.is_empty() {
                let _ = writeln!(
                    out,
                    "  {} {}",
                    paint.of(Meaning::Strong, word),
                    plain(list(&ran.remains))
                );
            }
        }
    }
    for help in next(ran, log, told) {
        let help = help.text(told.typed);
        let _ = writeln!(out, "{}: {}", paint.of(Meaning::Note, "help"), plain(help));
    }
    out
}

fn headline(ran: &RunReport, log: &RunLog, told: ReportContext<'_>) -> String {
    let command = told.command;
    match (&ran.broken, ran.outcome) {
        (Some(error), Outcome::Applied) => {
            return format!(
                "{command} made every change, but could not record it: {}",
                plain(error)
            );
        }
        (Some(error), Outcome::RolledBack) => {
            return format!(
                "{command} failed, and everything it did was undone, but it could not record that: {}",
                plain(error)
            );
        }
        (Some(error), Outcome::Remains) => {
            return format!(
                "{command} stopped, because it could not write down what it does: {}",
                plain(error)
            );
        }
        (None, _) if ran.cut => {
            return format!(
                "{command} was stopped at once: what was in flight may or may not have been done"
            );
        }
        (None, _) => {}
    }
    let stopped = if ran.failures.is_empty() {
        "was interrupted"
    } else {
        "failed"
    };
    match (ran.outcome, log.turned.as_ref().map(|(direction, _)| *direction)) {
        (Outcome::RolledBack, _) => format!("{command} {stopped}, and everything it did was undone"),
        (Outcome::Remains, Some(Direction::Keep)) if told.keep => {
            format!("{command} {stopped}, and what it had done by then was kept, as asked")
        }
        (Outcome::Remains, Some(Direction::Keep)) => {
            format!(
                "{command} {stopped} past the line of no return, so that what it had done by then was kept"
            )
        }
        (Outcome::Remains, _) => format!("{command} {stopped}, and not everything it did could be undone"),
        (Outcome::Applied, _) => format!("{command} {stopped}"),
    }
}

/// The way out where a machine hangs: to EC2 it looks like one that runs, so that only people can
/// tell.
fn if_it_hangs(ran: &RunReport) -> Option<Hint> {
    let silent = |failure: &Failure| {
        matches!(failure.code, Code::Timeout | Code::Unreachable)
            && failure.certainty == Certainty::NotApplied
    };
    ran.failures.iter().any(|(_, failure)| silent(failure)).then(|| {
        Hint::from("if a host hangs, stop its instance: ")
            .then(NextCommand::Apply)
            .and(" starts it again")
    })
}

fn next(ran: &RunReport, log: &RunLog, told: ReportContext<'_>) -> Vec<Hint> {
    let mut before = Vec::new();
    if let Some(error) = &ran.broken {
        before.push(match **error {
            StateError::LockLost { .. } | StateError::Conflict { .. } => {
                Hint::from("something other than this run writes there: find out what, and end it")
            }
            _ => Hint::from(
                "free some space, or give the state back to its owner: the journal has what was done until then",
            ),
        });
    }
    if ran.cut && ran.broken.is_some() && ran.outcome != Outcome::Remains {
        before.push(Hint::from("then ").then(NextCommand::Again).and(" records it"));
        return before;
    }
    before.extend(match ran.outcome {
        Outcome::RolledBack if ran.failures.is_empty() => vec![
            Hint::from("run ")
                .then(NextCommand::Again)
                .and(" again when you are ready"),
        ],
        Outcome::RolledBack => vec![
            Hint::from("remove the cause, then run ")
                .then(NextCommand::Again)
                .and(" again"),
        ],
        Outcome::Applied => Vec::new(),
        Outcome::Remains => {
            let past_the_line = matches!(log.turned, Some((Direction::Keep, _))) && !told.keep;
            let mut ways = vec![Hint::run(NextCommand::RecoverForward, " finishes it")];
            if !past_the_line {
                ways.push(Hint::run(
                    NextCommand::RecoverBack,
                    " undoes it, as far as it can be undone",
                ));
            }
            let anew = " keeps what is there and plans from it";
            match told.command {
                "destroy" => ways.push(Hint::run(NextCommand::Destroy, anew)),
                _ => ways.push(Hint::run(NextCommand::Apply, anew)),
            }
            ways
        }
    });
    before.extend(if_it_hangs(ran));
    before
}

/// A failure: what, why, hint, the last lines of output.
fn write_failure(out: &mut String, paint: Paint, address: &Address, failure: &Failure, typed: &Invocation) {
    let _ = writeln!(
        out,
        "  {} {}",
        paint.of(Meaning::Strong, format!("{address}:")),
        plain(failure)
    );
    for line in &failure.output {
        let _ = writeln!(out, "    {} {}", paint.of(Meaning::Dim, "|"), plain(line));
    }
    let hint = failure.hint.iter().map(|hint| Hint::from(hint.as_str()));
    let next = failure.next.iter();
    let next = next.map(|next| Hint::from("run ").then(next.clone()));
    for help in hint.chain(next) {
        let label = paint.of(Meaning::Note, "help");
        let _ = writeln!(out, "    {label}: {}", plain(help.text(typed)));
    }
}

/// What was found after a destroy, with what keeping it costs.
pub fn residue(found: &[Residue], paint: Paint) -> String {
    let mut table = Table::new(&["WHAT", "ID", "NAME", "ADDRESS", "USD/HOUR"]);
    let mut sum = 0.0;
    for residue in found {
        sum += residue.usd_per_hour.unwrap_or(0.0);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        table.row([
            (residue.what.clone(), None),
            (residue.id.clone(), Some(Meaning::Strong)),
            (text(&residue.name), None),
            (text(&residue.address), None),
            (
                residue
                    .usd_per_hour
                    .map_or_else(|| "?".to_owned(), |usd| format!("{usd:.4}")),
                None,
            ),
        ]);
    }
    let mut out = table.text(paint);
    if sum > 0.0 {
        let _ = writeln!(
            out,
            "  together {sum:.4} USD an hour, about {:.2} USD a month",
            sum * 730.0
        );
    }
    out
}

/// Where the cluster answers, in a few lines.
pub fn endpoints(snapshot: &Snapshot, paint: Paint) -> String {
    let mut out = String::new();
    for endpoint in endpoints_of(snapshot) {
        if let Some(first) = endpoint.values.first()
            && endpoint.address.kind() == "service"
        {
            let _ = writeln!(
                out,
                "  {} {}{}",
                paint.of(Meaning::Strong, &endpoint.address),
                plain(first),
                match endpoint.values.len() {
                    1 => String::new(),
                    more => format!(" (and at {} other addresses)", more - 1),
                }
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::Cli;

    fn ran(outcome: Outcome, failures: Vec<(Address, Failure)>, remains: Vec<Address>) -> RunReport {
        RunReport {
            outcome,
            snapshot: Snapshot::empty("l".into(), "c".into(), "sim".into()),
            remains,
            failures,
            cut: false,
            broken: None,
        }
    }

    /// What is said after `subako apply --sim`.
    fn after_apply(ran: &RunReport, log: &RunLog) -> String {
        let cli = Cli::try_parse_from(["subako", "apply", "--sim"]).expect("valid");
        let typed = Invocation::new(["apply", "--sim"].map(str::to_owned), &cli.global);
        let told = ReportContext {
            command: "apply",
            typed: &typed,
            keep: false,
        };
        failed(ran, log, told, Paint::PLAIN)
    }

    #[test]
    fn a_rollback_says_what_failed_what_was_undone_and_what_to_do_next() {
        let failure = Failure::not_applied("run instance node-1", "there is no room in ap-northeast-1a")
            .with_service_code("InsufficientInstanceCapacity")
            .with_hint("name another zone")
            .with_output(vec!["last words".into()]);
        let log = RunLog {
            undone: vec![Address::new("instance", "a"), Address::new("key_pair", "k")],
            turned: Some((Direction::Back, "x".into())),
            elapsed_ms: 10,
            ..RunLog::default()
        };
        let failures = vec![(Address::new("instance", "node-1"), failure)];
        let text = after_apply(&ran(Outcome::RolledBack, failures, vec![]), &log);
        assert_eq!(
            text,
            "error: apply failed, and everything it did was undone\n\
             \x20 instance.node-1: failed to run instance node-1: InsufficientInstanceCapacity: there is no room in ap-northeast-1a\n\
             \x20   | last words\n\
             \x20   help: name another zone\n\
             \x20 undone: instance.a, key_pair.k (2 in all)\n\
             \x20 remains: nothing; the state and the world are as they were before\n\
             help: remove the cause, then run `subako apply --sim` again\n"
        );
    }

    #[test]
    fn what_remains_is_listed_with_the_ways_on() {
        let remains = vec![Address::new("instance", "a")];
        let text = after_apply(&ran(Outcome::Remains, vec![], remains), &RunLog::default());
        assert!(text.contains("  remains: instance.a\n"), "{text}");
        assert!(text.contains("`subako recover --back --sim`"), "{text}");
    }

    #[test]
    fn residue_is_priced() {
        let text = residue(
            &[Residue {
                what: "volume".into(),
                id: "vol-1".into(),
                name: None,
                address: Some("instance.a".into()),
                usd_per_hour: Some(0.001),
            }],
            Paint::PLAIN,
        );
        assert!(text.contains("vol-1        instance.a  0.0010"), "{text}");
        assert!(
            text.contains("together 0.0010 USD an hour, about 0.73 USD a month"),
            "{text}"
        );
    }
}
