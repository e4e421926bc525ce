//! A plan for people.

use std::fmt::Write as _;

use subako_engine::check::{Finding, planner};
use subako_engine::display::{Display, Units};
use subako_engine::plan::{Action, Drift, Operation, Plan, Purpose, Rehearsal, Step};
use subako_state::Direction;
use unicode_width::UnicodeWidthStr as _;

use super::{changes, cost, findings, fold, headline, moved, rehearsal, value};
use crate::hint::Invocation;
use crate::plain::plain;
use crate::style::{Meaning, Paint};

/// Labels longer than this do not push the others to the right.
const WIDEST_LABEL: usize = 40;

/// The line that steps past it cannot be undone.
pub const LINE: &str = "── from here on nothing can be undone ──";

/// The provider, for people.
pub fn provider(name: &str) -> &str {
    match name {
        "sim" => "the simulator",
        "aws" => "AWS",
        other => other,
    }
}

/// The whole plan. Linear in its steps.
pub fn plan(plan: &Plan, kinds: &Display, typed: &Invocation, paint: Paint, full: bool) -> String {
    let mut out = String::with_capacity(1024 + if full { plan.steps.len() * 160 } else { 4096 });
    if !plan.drift.is_empty() {
        let _ = writeln!(
            out,
            "{}",
            paint.of(Meaning::Strong, "Changed outside of Subako since the last run:")
        );
        write_drift(&mut out, paint, kinds, &plan.drift);
        out.push('\n');
    }
    if !plan.moved.is_empty() {
        let head = "Renamed, nothing is recreated:";
        let _ = writeln!(out, "{}", paint.of(Meaning::Strong, head));
        for line in moved::lines(plan) {
            let _ = writeln!(out, "{} {line}", paint.of(Meaning::Adopt, "  »"));
        }
        out.push('\n');
    }
    if !plan.steps.is_empty() {
        let verb = match plan.selection.destroy {
            true => "destroy",
            false => plan.purpose.word(),
        };
        // Whose bill it is matters; the simulator's account bills nobody.
        let place = match &plan.account {
            Some(account) if plan.provider != "sim" => {
                format!(" (account {}, {})", account.id, account.region)
            }
            _ => String::new(),
        };
        let head = format!(
            "To {verb} {} on {}{place}:",
            plan.cluster,
            provider(&plan.provider)
        );
        let _ = writeln!(out, "{}", paint.of(Meaning::Strong, head));
        steps(&mut out, &plan.steps, kinds, paint, full);
        out.push('\n');
    }
    if !plan.findings.is_empty() {
        findings::write(&mut out, typed, paint, &plan.findings);
        out.push('\n');
    }
    let _ = writeln!(out, "{}", summary(plan, paint));
    if let Some(found) = &plan.rehearsal {
        rehearsed(&mut out, paint, found);
    }
    // Of a plan that does nothing it is said on request.
    if let Some(bill) = plan.cost.as_ref().filter(|_| full || !plan.steps.is_empty()) {
        out.push_str(&cost::text(bill, paint));
    }
    let _ = writeln!(
        out,
        "{}",
        paint.of(Meaning::Dim, format!("Digest: {}", plan.digest))
    );
    out
}

fn rehearsed(out: &mut String, paint: Paint, found: &Rehearsal) {
    let meaning = match found {
        Rehearsal::NotRehearsed { .. } => Meaning::Warning,
        Rehearsal::Rehearsed(seen) if seen.failed.is_some() => Meaning::Error,
        Rehearsal::Rehearsed(_) => Meaning::Strong,
    };
    let sentence = rehearsal::sentence(found);
    let (word, rest) = sentence.split_once(':').unwrap_or((&sentence, ""));
    let _ = writeln!(out, "{}{rest}", paint.of(meaning, format!("{word}:")));
    if let Some(assumed) = rehearsal::assumed(found) {
        let _ = writeln!(out, "  {}", paint.of(Meaning::Dim, assumed));
    }
}

/// The summary line: what is lost comes first.
pub fn summary(plan: &Plan, paint: Paint) -> String {
    if plan.is_empty() {
        let unchanged = plan.summary.unchanged;
        // What cannot be read was planned as recorded: nobody may take that for a look at it.
        let unseen = |finding: &Finding| finding.id == planner::REFRESH.id;
        if plan.findings.iter().any(unseen) {
            let what = format!(
                "No changes in what can be seen of {}: some of it could not be read (see above).",
                plan.cluster
            );
            return paint.of(Meaning::Warning, what).to_string();
        }
        if super::findings::refuse(&plan.findings) {
            let what = format!("No changes to {}: the plan is refused.", plan.cluster);
            return paint.of(Meaning::Error, what).to_string();
        }
        let what = if plan.purpose == Purpose::Park {
            format!("No changes: {} is parked.", plan.cluster)
        } else if plan.purpose == Purpose::Rebalance {
            format!("No changes: every service of {} is spread evenly.", plan.cluster)
        } else if plan.purpose == Purpose::Quorum {
            format!("No changes: the swarm of {} has a quorum again.", plan.cluster)
        } else if plan.purpose == Purpose::Resume {
            format!(
                "No changes: no machine of {} is stopped on request.",
                plan.cluster
            )
        } else if plan.selection.destroy {
            format!("No changes: there is nothing of {} to destroy.", plan.cluster)
        } else if plan.selection.target.is_empty() && plan.selection.exclude.is_empty() {
            format!(
                "No changes: {} is as the manifest wants it ({unchanged} resources).",
                plan.cluster
            )
        } else {
            format!(
                "No changes: the chosen part of {} is as the manifest wants it.",
                plan.cluster
            )
        };
        return paint.of(Meaning::Good, what).to_string();
    }
    let counts = counts(plan)
        .into_iter()
        .map(|(count, words, meaning)| paint.of(meaning, format!("{count} {words}")).to_string())
        .collect::<Vec<_>>()
        .join(", ");
    format!("{} {counts}.", paint.of(Meaning::Strong, "Plan:"))
}

/// How many of each, without those of which there are none, in the order in which people have
/// to look at them.
pub fn counts(plan: &Plan) -> Vec<(u32, &'static str, Meaning)> {
    let summary = &plan.summary;
    [
        (summary.delete, "to destroy", Meaning::Delete),
        (summary.replace, "to replace", Meaning::Replace),
        (summary.update, "to change", Meaning::Update),
        (summary.create, "to create", Meaning::Create),
        (summary.adopt, "to adopt", Meaning::Adopt),
        (plan.moved.len() as u32, "to rename", Meaning::Adopt),
        (summary.forget, "to forget", Meaning::Dim),
        (summary.unchanged, "unchanged", Meaning::Dim),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .collect()
}

/// The symbol of a step and its meaning.
pub fn symbol(step: &Step) -> (&'static str, Meaning) {
    match step.action() {
        Action::Create if step.replaces() => ("-/+", Meaning::Replace),
        Action::Create => ("+", Meaning::Create),
        Action::Update => ("~", Meaning::Update),
        Action::Delete | Action::Forget => ("-", Meaning::Delete),
        Action::Adopt => ("↻", Meaning::Adopt),
    }
}

/// Why a step is made, and what is special about it; empty if nothing is.
pub fn why(step: &Step) -> String {
    let reason = step.reason.as_ref().map(|reason| plain(reason).to_string());
    match &step.operation {
        Operation::Vanish { host } if host.name() == "*" => format!("goes with every {}", plain(host.kind())),
        Operation::Vanish { host } => format!("goes with {}", plain(host)),
        Operation::Forget => "gone already: only its record is dropped".to_owned(),
        Operation::Delete if step.goes_first() => reason.unwrap_or_default(),
        Operation::Delete if step.replaces() => "the old one of the replacement".to_owned(),
        // The field that forces it says why.
        Operation::Create
            if step.replaces() && step.changes.iter().any(|c| c.forces_replacement.is_some()) =>
        {
            "must be replaced".to_owned()
        }
        Operation::Create if step.replaces() => format!("replaced: {}", reason.unwrap_or_default()),
        Operation::Spread => format!("{}; restarts its tasks", reason.unwrap_or_default()),
        Operation::Reform { on } => format!(
            "{}; re-formed with {} as its only manager",
            reason.unwrap_or_default(),
            plain(on.name())
        ),
        Operation::Settle => format!("{}; waits for it to converge", reason.unwrap_or_default()),
        Operation::Update if step.changes.is_empty() => "only its record changes".to_owned(),
        _ => reason.unwrap_or_default(),
    }
}

/// Some steps, in their order, those alike as one. Linear.
pub fn steps(out: &mut String, steps: &[Step], kinds: &Display, paint: Paint, full: bool) {
    let entries = fold::entries(steps, full);
    let labels: Vec<String> = entries.iter().map(|entry| fold::label(steps, entry)).collect();
    let width = labels
        .iter()
        .map(|label| label.width())
        .filter(|width| *width <= WIDEST_LABEL)
        .max()
        .unwrap_or(0);
    let mut past = false;
    for (entry, label) in entries.iter().zip(&labels) {
        let step = &steps[entry[0]];
        if step.past_the_line && !past {
            past = true;
            let _ = writeln!(out, "{}", paint.of(Meaning::Line, LINE));
        }
        let (symbol, meaning) = symbol(step);
        let _ = write!(out, "{} {label}", paint.of(meaning, format!("{symbol:>3}")));
        let mut words = match whose_own(steps, entry) {
            Some(kind) => format!("each goes with its {kind}"),
            None => why(step),
        };
        if step.operation == Operation::Create && !step.replaces() && !full {
            let headline = step
                .spec_after()
                .map(|spec| headline::headline(kinds, &step.address, spec))
                .unwrap_or_default();
            if !words.is_empty() && !headline.is_empty() {
                words.push_str("; ");
            }
            words.push_str(&headline);
        }
        if !words.is_empty() {
            let gap = width.saturating_sub(label.width()) + 2;
            let _ = write!(out, "{:gap$}{}", "", paint.of(Meaning::Dim, words));
        }
        out.push('\n');
        let units = kinds.units(step.address.kind());
        changes::write(out, paint, units, 6, &step.changes);
        if step.operation == Operation::Create && !step.replaces() && !full && entry.len() == 1 {
            rules(out, paint, units, step);
        }
        if full && step.operation == Operation::Create && !step.replaces() {
            fields(out, units, step);
        }
    }
}

/// What a recovery is going to do, for people: the steps that are undone or finished.
pub fn recovery(
    steps: &[&Step],
    direction: Direction,
    rehearsal: Option<&Rehearsal>,
    paint: Paint,
) -> String {
    let mut out = String::new();
    let back = direction == Direction::Back;
    let head = match (back, steps.len()) {
        (_, 0) => "Nothing is left to do but to close the run.".to_owned(),
        (true, count) => format!("To undo ({count}):"),
        (false, count) => format!("To do ({count}):"),
    };
    let _ = writeln!(out, "{}", paint.of(Meaning::Strong, head));
    for step in steps {
        let (symbol, meaning) = match (back, step.action()) {
            (false, _) => symbol(step),
            (true, Action::Create) => ("-", Meaning::Delete),
            (true, Action::Update) => ("~", Meaning::Update),
            (true, Action::Delete) => ("+", Meaning::Create),
            (true, Action::Adopt | Action::Forget) => ("", Meaning::Dim),
        };
        let symbol = paint.of(meaning, format!("{symbol:>3}"));
        let _ = writeln!(out, "{symbol} {}", plain(&step.address));
    }
    if let Some(found) = rehearsal {
        rehearsed(&mut out, paint, found);
    }
    out
}

/// The kind of what folded steps go with, if that is another one for each.
pub fn whose_own<'a>(steps: &'a [Step], entry: &[usize]) -> Option<&'a str> {
    let host = |step: &usize| steps[*step].gone_with();
    let (first, last) = (host(entry.first()?)?, host(entry.last()?)?);
    (first != last).then(|| first.kind())
}

/// What a created resource opens to others: nobody should have to ask for that.
fn rules(out: &mut String, paint: Paint, units: Units, step: &Step) {
    let Some(found) = step
        .spec_after()
        .and_then(|spec| spec.value().get("rules").cloned())
    else {
        return;
    };
    for line in value::lines(units, "rules", &found) {
        let _ = writeln!(out, "        {}", paint.of(Meaning::Dim, line));
    }
}

/// Every field of a created resource.
fn fields(out: &mut String, units: Units, step: &Step) {
    let Some(spec) = step.spec_after() else {
        return;
    };
    let serde_json::Value::Object(fields) = spec.value() else {
        return;
    };
    let width = fields
        .keys()
        .map(|key| plain(key).to_string().width())
        .max()
        .unwrap_or(0);
    for (key, found) in &fields {
        let shown = plain(key).to_string();
        if found.is_null() {
            continue;
        }
        if value::is_long(units, found) {
            let _ = writeln!(out, "      {shown}:");
            for line in value::lines(units, key, found) {
                let _ = writeln!(out, "        {line}");
            }
        } else {
            let gap = width - shown.width() + 1;
            let _ = writeln!(
                out,
                "      {shown}:{:gap$}{}",
                "",
                value::inline(units, key, found)
            );
        }
    }
}

pub fn write_drift(out: &mut String, paint: Paint, kinds: &Display, drift: &[Drift]) {
    for moved in drift {
        if moved.gone {
            let _ = writeln!(
                out,
                "{} {} is gone",
                paint.of(Meaning::Delete, "  -"),
                plain(&moved.address)
            );
        } else {
            let _ = writeln!(
                out,
                "{} {}",
                paint.of(Meaning::Update, "  ~"),
                plain(&moved.address)
            );
            let units = kinds.units(moved.address.kind());
            changes::write(out, paint, units, 6, &moved.changes);
        }
    }
}
