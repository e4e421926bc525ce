//! `subako state diff`.

use std::fmt::Write as _;

use serde::Serialize;
use subako_engine::plan::{Action, Change, Step};
use subako_engine::session::{At, Comparison, Side};
use subako_state::{Address, Digest};

use crate::args::Format;
use crate::error::Result;
use crate::plain::plain;
use crate::project::Project;
use crate::render::{document, plan_text};
use crate::style::Meaning;
use crate::ui::Ui;
use crate::unfinished;

#[derive(Serialize)]
struct DiffView<'a> {
    from: &'a Side,
    to: &'a Side,
    resources: Vec<Differs<'a>>,
}

/// How a resource differs.
#[derive(Serialize)]
struct Differs<'a> {
    address: &'a Address,
    generation: u32,
    action: &'static str,
    changes: &'a [Change],
}

/// Shows what leads from one state to another, as a plan shows it.
pub fn run(project: &Project, from: u64, to: Option<u64>, full: bool, format: Format, ui: &Ui) -> Result<()> {
    let session = project.offline();
    let unfinished = unfinished::say(&session, ui)?;
    let found = session.compare(At::Serial(from), to.map_or(At::Now, At::Serial))?;
    if format == Format::Json {
        let view = DiffView {
            from: &found.from,
            to: &found.to,
            resources: found.steps.iter().map(differs).collect(),
        };
        return ui.print(&document::json("the difference", &view, unfinished.as_ref())?);
    }
    let mut text = String::new();
    let (from, to) = (side(&found.from), side(&found.to));
    let head = format!("From {from} to {to} of {}:", plain(&found.cluster));
    let _ = writeln!(text, "{}", ui.out.of(Meaning::Strong, head));
    plan_text::steps(&mut text, &found.steps, &session.display(), ui.out, full);
    text.push_str(&summary(&found));
    ui.print(&text)
}

fn side(side: &Side) -> String {
    match side.serial {
        0 => "nothing".to_owned(),
        serial => format!(
            "serial {serial} ({})",
            side.digest.as_ref().map_or("-", Digest::short)
        ),
    }
}

fn action(step: &Step) -> &'static str {
    match step.action() {
        _ if step.replaces() => "replace",
        action => action.verb(),
    }
}

fn differs(step: &Step) -> Differs<'_> {
    Differs {
        address: &step.address,
        generation: step.generation,
        action: action(step),
        changes: &step.changes,
    }
}

fn summary(found: &Comparison) -> String {
    if found.steps.is_empty() {
        return "No differences.\n".to_owned();
    }
    let count = |wanted: fn(&Step) -> bool| found.steps.iter().filter(|step| wanted(step)).count();
    let counts = [
        (count(|step| step.action() == Action::Delete), "gone"),
        (count(Step::replaces), "replaced"),
        (count(|step| step.action() == Action::Update), "changed"),
        (
            count(|step| step.action() == Action::Create && !step.replaces()),
            "new",
        ),
    ];
    let words: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    format!("Differences: {}.\n", words.join(", "))
}
