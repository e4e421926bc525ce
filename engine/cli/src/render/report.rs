//! What came of a run.

use std::fmt::Write as _;

use subako_engine::display::Display;
use subako_engine::plan::Plan;
pub use subako_engine::session::list;
use subako_engine::session::{RunReport, endpoints as endpoints_of};
use subako_engine::world::{Certainty, Code, Failure, NextCommand, Residue};
use subako_state::{Address, Direction, Outcome, Snapshot, StateError};

use super::progress::RunLog;
use super::{Table, aftermath, duration, plan_text};
use crate::hint::{Hint, Invocation};
use crate::plain::plain;
use crate::style::{Meaning, Paint};

/// After a run that made its plan real.
pub fn applied(plan: &Plan, log: &RunLog, simulated: bool, paint: Paint) -> String {
    let done: Vec<String> = plan_text::counts(plan)
        .into_iter()
        .filter_map(|(count, words, meaning)| {
            let word = match words {
                "to destroy" => "destroyed",
                "to replace" => "replaced",
                "to change" => "changed",
                "to create" => "created",
                "to adopt" => "adopted",
                "to rename" => "renamed",
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
#[derive(Debug, Clone, Copy)]
pub struct ReportContext<'a> {
    /// The command that the run belongs to: `apply` or `destroy`.
    pub command: &'a str,
    /// Which way `recover` went on with it; `None` for its own first end.
    pub recovery: Option<Direction>,
    /// The command line.
    pub typed: &'a Invocation,
    /// How kinds are shown.
    pub kinds: &'a Display,
}

/// After a run that failed, was interrupted, or was kept on request.
pub fn failed(ran: &RunReport, log: &RunLog, told: ReportContext<'_>, paint: Paint) -> String {
    let mut out = String::new();
    let head = headline(ran, log, told);
    let _ = writeln!(out, "{}: {head}", paint.of(Meaning::Error, "error"));
    if ran.failures.is_empty()
        && !undid_a_run(ran, told)
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
        Outcome::RolledBack if !ran.aftermath.is_clean() => {
            aftermath::write(&mut out, told.kinds, paint, &ran.aftermath);
        }
        Outcome::RolledBack => {
            let _ = writeln!(
                out,
                "  {} nothing; the state and the world are as they were before{}",
                paint.of(Meaning::Strong, "remains:"),
                told.recovery.map_or("", |_| " that run")
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
    for help in next(ran, told) {
        let help = help.text(told.typed);
        let _ = writeln!(out, "{}: {}", paint.of(Meaning::Note, "help"), plain(help));
    }
    out
}

impl ReportContext<'_> {
    /// What was typed, as it is named in a headline.
    fn name(&self) -> &str {
        match self.recovery {
            None => self.command,
            Some(Direction::Back) => "recover --back",
            Some(Direction::Forward | Direction::Keep) => "recover --forward",
        }
    }

    /// Whose work is undone or kept: a recovery's is that of the whole run.
    fn whose(&self) -> &'static str {
        self.recovery.map_or("it", |_| "that run")
    }

    /// The command that plans from what is there, whatever became of the run.
    fn planning(&self) -> NextCommand {
        match self.command {
            "destroy" => NextCommand::Destroy,
            "park" => NextCommand::Park,
            "rebalance" => NextCommand::Rebalance,
            "recover --quorum" => NextCommand::RecoverQuorum,
            "resume" => NextCommand::Resume,
            _ => NextCommand::Apply,
        }
    }
}

/// Whether it is the end of a recovery that was made to undo a run: it did not fail, and there is
/// nothing to do again.
fn undid_a_run(ran: &RunReport, told: ReportContext<'_>) -> bool {
    told.recovery == Some(Direction::Back) && ran.outcome == Outcome::RolledBack && ran.failures.is_empty()
}

fn headline(ran: &RunReport, log: &RunLog, told: ReportContext<'_>) -> String {
    let (command, whose) = (told.name(), told.whose());
    let stopped = match (ran.failures.is_empty(), undid_a_run(ran, told)) {
        (_, true) => "is done",
        (true, false) => "was interrupted",
        (false, false) => "failed",
    };
    // What broke after the run was recorded is no part of its end.
    match (&ran.broken, ran.outcome) {
        (Some(error), Outcome::Applied) if ran.cut => {
            return format!(
                "{command} made every change, but could not record it: {}",
                plain(error)
            );
        }
        (Some(error), Outcome::RolledBack) if ran.cut => {
            return format!(
                "{command} {stopped}, and everything {whose} did was undone, but it could not record that: {}",
                plain(error)
            );
        }
        (Some(error), Outcome::Remains) if ran.cut => {
            return format!(
                "{command} stopped, because it could not write down what it does: {}",
                plain(error)
            );
        }
        _ if ran.cut => {
            return format!(
                "{command} was stopped at once: what was in flight may or may not have been done"
            );
        }
        _ => {}
    }
    match (ran.outcome, log.turned.as_ref().map(|(direction, _)| *direction)) {
        (Outcome::RolledBack, _) => match aftermath::but(&ran.aftermath) {
            Some(but) if undid_a_run(ran, told) => format!("{command} undid everything, {but}"),
            Some(but) => format!("{command} {stopped}, and everything {whose} did was undone, {but}"),
            None => format!("{command} {stopped}, and everything {whose} did was undone"),
        },
        (Outcome::Remains, Some(Direction::Keep)) if ran.can_go_back => {
            format!("{command} {stopped}, and what {whose} had done by then was kept, as asked")
        }
        (Outcome::Remains, Some(Direction::Keep)) => {
            format!(
                "{command} {stopped} past the line of no return, so that what {whose} had done by then was kept"
            )
        }
        (Outcome::Remains, _) => {
            format!("{command} {stopped}, and not everything {whose} did could be undone")
        }
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

/// What to do next. Each command that is named works in what is then the case: a run that is over
/// cannot be recovered, and one past the line cannot be undone.
fn next(ran: &RunReport, told: ReportContext<'_>) -> Vec<Hint> {
    let mut ways = Vec::new();
    if let (Some(error), true) = (&ran.broken, ran.cut) {
        ways.push(match **error {
            StateError::LockLost { .. } | StateError::Conflict { .. } => {
                Hint::from("something other than this run writes there: find out what, and end it")
            }
            _ => Hint::from(
                "free some space, or give the state back to its owner: the journal has what was done until then",
            ),
        });
    }
    if ran.cut && ran.broken.is_some() && ran.outcome != Outcome::Remains {
        // Going on in the direction in which nothing is left to do. A saved plan, or one that was
        // expected, would no longer be the plan.
        let command = match ran.outcome {
            Outcome::RolledBack => NextCommand::RecoverBack,
            _ => NextCommand::RecoverForward,
        };
        ways.push(Hint::from("then ").then(command).and(" records it"));
        return ways;
    }
    ways.extend(aftermath::next(&ran.aftermath));
    ways.extend(match ran.outcome {
        Outcome::RolledBack if undid_a_run(ran, told) => Vec::new(),
        Outcome::RolledBack => vec![once_more(ran, told)],
        Outcome::Applied => Vec::new(),
        Outcome::Remains => {
            let mut ways = Hint::ways_on(ran.can_go_back);
            let keeps = " keeps what is there and plans from it";
            ways.push(Hint::run(told.planning(), keeps));
            ways
        }
    });
    ways.extend(if_it_hangs(ran));
    ways
}

/// How to try again what was undone.
fn once_more(ran: &RunReport, told: ReportContext<'_>) -> Hint {
    let interrupted = ran.failures.is_empty();
    match told.recovery {
        None if interrupted => Hint::from("run ")
            .then(NextCommand::Again)
            .and(" again when you are ready"),
        None => Hint::from("remove the cause, then run ")
            .then(NextCommand::Again)
            .and(" again"),
        // That run is over: there is nothing to recover any more.
        Some(_) if interrupted => Hint::from("that run is over; ")
            .then(told.planning())
            .and(" plans its change again when you are ready"),
        Some(_) => Hint::from("that run is over; remove the cause, then ")
            .then(told.planning())
            .and(" plans its change again"),
    }
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
#[path = "report_tests.rs"]
mod tests;
