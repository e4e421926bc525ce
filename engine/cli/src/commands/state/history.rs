//! `subako state history`.

use serde::Serialize;
use subako_engine::session::{History, HistoryEntry, HistoryRun};
use subako_state::{Digest, Holder, Outcome};

use crate::args::Format;
use crate::error::Result;
use crate::project::Project;
use crate::render::{Table, document};
use crate::style::Meaning;
use crate::ui::Ui;
use crate::unfinished;
use crate::who;

#[derive(Serialize)]
struct HistoryView<'a> {
    history: &'a [HistoryEntry],
    runs: &'a [HistoryRun],
}

/// Lists earlier states, oldest first: who wrote each with which command, and whether it follows from
/// the one before it; between them the runs that no state came of.
pub fn run(project: &Project, format: Format, ui: &Ui) -> Result<()> {
    let session = project.offline();
    let unfinished = unfinished::say(&session, ui)?;
    let history = session.history()?;
    if format == Format::Json {
        let view = HistoryView {
            history: &history.entries,
            runs: &history.runs,
        };
        return ui.print(&document::json("the history", &view, unfinished.as_ref())?);
    }
    if history.entries.is_empty() && history.runs.is_empty() {
        return ui.print(match history.unfinished {
            Some(_) => "There is no history: the first run did not end.\n",
            None => "There is no history: nothing was ever applied.\n",
        });
    }
    ui.print(&table(&history).text(ui.out))
}

fn table(history: &History) -> Table {
    let mut table = Table::new(&[
        "SERIAL",
        "DIGEST",
        "RESOURCES",
        "WHEN",
        "WHO",
        "COMMAND",
        "PLAN",
        "",
    ]);
    let mut runs = history.runs.iter().peekable();
    let mut until = |serial: u64, table: &mut Table| {
        while let Some(run) = runs.next_if(|run| run.serial < serial) {
            row_of_run(table, run);
        }
    };
    for entry in &history.entries {
        until(entry.serial, &mut table);
        row_of_state(&mut table, entry);
    }
    until(u64::MAX, &mut table);
    table
}

type Cell = (String, Option<Meaning>);

fn row_of_state(table: &mut Table, entry: &HistoryEntry) {
    let words = words(entry);
    let meaning = words.last().map(|(_, meaning)| *meaning);
    let words: Vec<String> = words.into_iter().map(|(word, _)| word).collect();
    let state: [Cell; 3] = [
        (entry.serial.to_string(), Some(Meaning::Strong)),
        (short(entry.digest.as_ref()), None),
        (entry.resources.to_string(), None),
    ];
    let plan = entry.ran.as_ref().map(|ran| &ran.plan);
    let by = by(entry.by.as_ref(), None, plan);
    table.row(state.into_iter().chain(by).chain([(words.join(", "), meaning)]));
}

/// Of a run that left no state only the last columns are told.
fn row_of_run(table: &mut Table, run: &HistoryRun) {
    let (word, meaning) = match (&run.trouble, run.outcome) {
        (Some(trouble), _) => (format!("damaged journal: {trouble}"), Meaning::Error),
        (None, Some(outcome)) => match outcome {
            Outcome::Applied => ("applied, the state stayed as it was".to_owned(), Meaning::Good),
            Outcome::RolledBack => ("rolled back".to_owned(), Meaning::Warning),
            Outcome::Remains => (
                "did not end; settled by the next command".to_owned(),
                Meaning::Warning,
            ),
        },
        (None, None) => ("has no end in its journal".to_owned(), Meaning::Warning),
    };
    let state = ["", "", ""].map(|empty| (empty.to_owned(), None));
    let by = by(run.by.as_ref(), run.command.as_deref(), run.plan.as_ref());
    table.row(state.into_iter().chain(by).chain([(word, Some(meaning))]));
}

/// When, who, with which command, by which plan.
fn by(by: Option<&Holder>, command: Option<&str>, plan: Option<&Digest>) -> [Cell; 4] {
    let typed = by.and_then(|by| by.line.clone());
    let command = command.or(by.map(|by| &*by.command));
    let line = typed.or_else(|| command.map(|command| format!("subako {command}")));
    [
        by.map_or("-".to_owned(), |by| by.since.clone()),
        by.map_or("-".to_owned(), who::name),
        line.unwrap_or_else(|| "-".to_owned()),
        short(plan),
    ]
    .map(|cell| (cell, None))
}

fn short(digest: Option<&Digest>) -> String {
    digest.map_or("-", Digest::short).to_owned()
}

fn words(entry: &HistoryEntry) -> Vec<(String, Meaning)> {
    let mut words = Vec::new();
    if entry.current {
        words.push(("current".to_owned(), Meaning::Good));
    }
    match entry.ran.as_ref().map(|ran| ran.outcome) {
        // That it was applied is what a state is there for.
        Some(Outcome::Applied) | None => {}
        Some(Outcome::RolledBack) => words.push(("rolled back".to_owned(), Meaning::Warning)),
        Some(Outcome::Remains) => words.push(("something remained".to_owned(), Meaning::Warning)),
    }
    if let Some(by) = &entry.restored_by {
        words.push((
            format!("restored by {} at {}", who::name(by), by.since),
            Meaning::Warning,
        ));
    }
    if let Some(trouble) = &entry.trouble {
        words.push((format!("damaged: {trouble}"), Meaning::Error));
    } else if entry.previous.is_none() && entry.serial > 1 {
        words.push(("rebuilt".to_owned(), Meaning::Warning));
    } else if !entry.follows {
        let word = "does not follow from the one before it";
        words.push((word.to_owned(), Meaning::Warning));
    }
    words
}
