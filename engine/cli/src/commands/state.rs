//! `subako state …`.

use serde::Serialize;
use subako_state::{Address, Digest, Lock, Resource, Snapshot};

use super::show::choose;
use crate::args::{Format, Global, StateCommand};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::lock;
use crate::project::Project;
use crate::prompt;
use crate::render::{Meaning, Table, report, resources};
use crate::runtime;
use crate::ui::Ui;

use super::{rebuild, rename};

/// Looks at the state, or repairs it.
pub fn run(global: &Global, command: &StateCommand, ui: &Ui) -> Result<Exit> {
    let project = Project::open(global, ui)?;
    match command {
        StateCommand::List { patterns } => {
            let (snapshot, _) = project.snapshot()?;
            let mut text = String::new();
            for resource in choose(&snapshot.resources, patterns)? {
                text.push_str(resource.address.as_str());
                text.push_str(if resource.deposed {
                    " (replaced, waits to be deleted)\n"
                } else {
                    "\n"
                });
            }
            ui.print(&text)?;
        }
        StateCommand::Show { address, format } => show(&project, address, *format, ui)?,
        StateCommand::Rm { addresses, yes } => remove(&project, addresses, *yes, ui)?,
        StateCommand::Mv { from, to } => rename::run(&project, from, to, ui)?,
        StateCommand::History { format } => history(&project, *format, ui)?,
        StateCommand::Restore { serial, yes } => restore(&project, *serial, *yes, ui)?,
        StateCommand::Rebuild { target, yes } => return rebuild::run(&project, target, *yes, ui),
    }
    Ok(Exit::Done)
}

fn show(project: &Project, address: &str, format: Format, ui: &Ui) -> Result<()> {
    let (snapshot, _) = project.snapshot()?;
    let chosen: Vec<&Resource> = snapshot
        .resources
        .iter()
        .filter(|r| r.address.as_str() == address)
        .collect();
    let Some(current) = chosen.iter().find(|r| !r.deposed).or(chosen.first()) else {
        return Err(unknown(address));
    };
    match format {
        Format::Json => ui.print(
            &resources::resource_json(current)
                .map_err(|error| CliError::new(format!("failed to write the resource: {error}")))?,
        ),
        Format::Text => {
            let mut text = String::new();
            resources::text(&mut text, ui.out, &chosen);
            ui.print(&text)
        }
    }
}

/// An address that the state does not know.
pub(super) fn unknown(address: &str) -> CliError {
    CliError::new(format!("the state knows no `{address}`")).help("`subako state list` lists what it knows")
}

/// The lock, and the snapshot that may be edited: refused while a run is unfinished.
pub(super) fn editable(project: &Project, command: &str, ui: &Ui) -> Result<(Lock, Snapshot, Digest)> {
    let lock = lock::take(&project.store, command)?;
    if let Some(holder) = lock.left_by() {
        ui.note(&lock::taken_over(holder));
    }
    if project.store.load()?.journal.is_some() {
        return Err(
            CliError::refused("an earlier run did not end, so the state does not say what is so").help(
                format!(
                    "`subako recover --forward|--back{}` finishes or undoes it",
                    project.options
                ),
            ),
        );
    }
    let (snapshot, digest) = project.snapshot()?;
    Ok((lock, snapshot, digest))
}

/// Writes the edited snapshot as the successor of the one with that digest.
pub(super) fn save(project: &Project, before: Digest, mut snapshot: Snapshot) -> Result<()> {
    snapshot.sort();
    snapshot.serial += 1;
    snapshot.previous = Some(before);
    project.store.save(&snapshot)?;
    Ok(())
}

/// Asks, unless `--yes` was given.
pub(super) fn ask(question: &str, yes: bool, command: &str, ui: &Ui) -> Result<()> {
    if yes {
        return Ok(());
    }
    runtime::block_on(false, prompt::confirm(ui, question, command))
}

fn remove(project: &Project, patterns: &[String], yes: bool, ui: &Ui) -> Result<()> {
    let (_lock, mut snapshot, digest) = editable(project, "state rm", ui)?;
    let leaving: Vec<Address> = choose(&snapshot.resources, patterns)?
        .into_iter()
        .map(|resource| resource.address.clone())
        .collect();
    let needing: Vec<Address> = snapshot
        .resources
        .iter()
        .filter(|r| !leaving.contains(&r.address) && r.depends_on.iter().any(|d| leaving.contains(d)))
        .map(|r| r.address.clone())
        .collect();
    if !needing.is_empty() {
        ui.warn(&format!(
            "these depend on what is forgotten: {}",
            report::list(&needing)
        ));
    }
    let question = format!(
        "Forget {}? The world is left as it is: what runs goes on to run, and to cost.",
        report::list(&leaving)
    );
    ask(&question, yes, &format!("state rm{} …", project.options), ui)?;
    snapshot
        .resources
        .retain(|resource| !leaving.contains(&resource.address));
    save(project, digest, snapshot)?;
    ui.print(&format!("Forgot {}.\n", report::list(&leaving)))?;
    ui.note("the world is as it was: a plan adopts again, by its tags, what the manifest has");
    Ok(())
}

#[derive(Serialize)]
struct HistoryEntry {
    serial: u64,
    digest: Option<Digest>,
    previous: Option<Digest>,
    resources: usize,
    current: bool,
    /// Whether it names the one before it as its predecessor.
    follows: bool,
    trouble: Option<String>,
}

fn history(project: &Project, format: Format, ui: &Ui) -> Result<()> {
    let items = project.store.history()?;
    // A damaged state file is no reason not to show the way back.
    let current = project
        .store
        .load()
        .ok()
        .and_then(|loaded| Some(loaded.snapshot?.1));
    let mut before: Option<Digest> = None;
    let mut entries = Vec::new();
    for item in items {
        let trouble = match &item.digest {
            Err(damage) => Some(damage.to_string()),
            Ok(_) => None,
        };
        let follows = before.is_none() || item.previous == before;
        let digest = item.digest.ok();
        entries.push(HistoryEntry {
            serial: item.serial,
            current: digest.is_some() && digest == current,
            previous: item.previous,
            resources: item.resources,
            trouble,
            follows,
            digest: digest.clone(),
        });
        before = digest;
    }
    if format == Format::Json {
        #[derive(Serialize)]
        struct Document {
            format_version: u32,
            history: Vec<HistoryEntry>,
        }
        let text = serde_json::to_string(&Document {
            format_version: 1,
            history: entries,
        })
        .map_err(|error| CliError::new(format!("failed to write the history: {error}")))?;
        return ui.print(&(text + "\n"));
    }
    if entries.is_empty() {
        return ui.print("There is no history: nothing was ever applied.\n");
    }
    let mut table = Table::new(&["SERIAL", "DIGEST", "RESOURCES", ""]);
    for entry in entries {
        let mut words: Vec<(String, Meaning)> = Vec::new();
        if let Some(trouble) = &entry.trouble {
            words.push((format!("damaged: {trouble}"), Meaning::Error));
        } else if entry.previous.is_none() && entry.serial > 1 {
            words.push(("made anew".to_owned(), Meaning::Warning));
        } else if !entry.follows {
            words.push((
                "does not follow from the one before it".to_owned(),
                Meaning::Warning,
            ));
        }
        if entry.current {
            words.insert(0, ("current".to_owned(), Meaning::Good));
        }
        let meaning = words.last().map(|(_, meaning)| *meaning);
        let word = words
            .into_iter()
            .map(|(word, _)| word)
            .collect::<Vec<_>>()
            .join(", ");
        let digest = entry.digest.as_ref().map_or("-", Digest::short);
        table.row([
            (entry.serial.to_string(), Some(Meaning::Strong)),
            (digest.to_owned(), None),
            (entry.resources.to_string(), None),
            (word, meaning),
        ]);
    }
    ui.print(&table.text(ui.out))
}

fn restore(project: &Project, serial: u64, yes: bool, ui: &Ui) -> Result<()> {
    let lock = lock::take(&project.store, "state restore")?;
    if let Some(holder) = lock.left_by() {
        ui.note(&lock::taken_over(holder));
    }
    let items = project.store.history()?;
    let Some(item) = items.iter().find(|item| item.serial == serial) else {
        return Err(CliError::new(format!("the history has no serial {serial}"))
            .help("`subako state history` lists what it has"));
    };
    let question = format!(
        "Put serial {serial} ({} resources) in place of the current state? The world is left as it is.",
        item.resources
    );
    let command = format!("state restore {serial}{}", project.options);
    ask(&question, yes, &command, ui)?;
    let digest = project.store.restore(serial)?;
    ui.print(&format!(
        "The state is serial {serial} again, digest {}.\n",
        digest.short()
    ))?;
    ui.note("`subako plan` shows how the world differs from it");
    Ok(())
}
