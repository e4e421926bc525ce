//! `subako state history`.

use serde::Serialize;
use subako_engine::session::HistoryEntry;
use subako_state::Digest;

use crate::args::Format;
use crate::error::Result;
use crate::project::Project;
use crate::render::{Table, document};
use crate::style::Meaning;
use crate::ui::Ui;
use crate::unfinished;

#[derive(Serialize)]
struct HistoryView<'a> {
    history: &'a [HistoryEntry],
}

/// Lists earlier states, oldest first, and whether each follows from the one before it.
pub fn run(project: &Project, format: Format, ui: &Ui) -> Result<()> {
    let session = project.offline();
    let unfinished = unfinished::say(&session, ui)?;
    let history = session.history()?;
    if format == Format::Json {
        let view = HistoryView {
            history: &history.entries,
        };
        return ui.print(&document::json("the history", &view, unfinished.as_ref())?);
    }
    if history.entries.is_empty() {
        return ui.print(match history.unfinished {
            Some(_) => "There is no history: the first run did not end.\n",
            None => "There is no history: nothing was ever applied.\n",
        });
    }
    ui.print(&table(&history.entries).text(ui.out))
}

fn table(entries: &[HistoryEntry]) -> Table {
    let mut table = Table::new(&["SERIAL", "DIGEST", "RESOURCES", ""]);
    for entry in entries {
        let words = words(entry);
        let meaning = words.last().map(|(_, meaning)| *meaning);
        let words: Vec<String> = words.into_iter().map(|(word, _)| word).collect();
        table.row([
            (entry.serial.to_string(), Some(Meaning::Strong)),
            (entry.digest.as_ref().map_or("-", Digest::short).to_owned(), None),
            (entry.resources.to_string(), None),
            (words.join(", "), meaning),
        ]);
    }
    table
}

fn words(entry: &HistoryEntry) -> Vec<(String, Meaning)> {
    let mut words = Vec::new();
    if entry.current {
        words.push(("current".to_owned(), Meaning::Good));
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
