//! `subako state …`.

use serde::Serialize;
use subako_state::{Address, Digest, Json, Lock, Resource, Snapshot};

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

use super::rebuild;

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
        StateCommand::Mv { from, to } => rename(&project, from, to, ui)?,
        StateCommand::History { format } => history(&project, *format, ui)?,
        StateCommand::Restore { serial, yes } => restore(&project, *serial, *yes, ui)?,
        StateCommand::Rebuild { yes } => return rebuild::run(&project, *yes, ui),
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

fn unknown(address: &str) -> CliError {
    CliError::new(format!("the state knows no `{address}`")).help("`subako state list` lists what it knows")
}

/// The lock, and the snapshot that may be edited: refused while a run is unfinished.
fn editable(project: &Project, command: &str, ui: &Ui) -> Result<(Lock, Snapshot, Digest)> {
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

fn save(project: &Project, before: Digest, mut snapshot: Snapshot) -> Result<()> {
    snapshot.sort();
    snapshot.serial += 1;
    snapshot.previous = Some(before);
    project.store.save(&snapshot)?;
    Ok(())
}

fn ask(question: &str, yes: bool, command: &str, ui: &Ui) -> Result<()> {
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

fn rename(project: &Project, from: &str, to: &str, ui: &Ui) -> Result<()> {
    let parse = |text: &str| -> Result<Address> {
        text.parse()
            .map_err(|error: subako_state::AddressError| CliError::new(error.to_string()))
    };
    let (from, to) = (parse(from)?, parse(to)?);
    if from.kind() != to.kind() {
        return Err(CliError::new(format!(
            "a {} cannot become a {}: only the name may change",
            from.kind(),
            to.kind()
        )));
    }
    let (_lock, mut snapshot, digest) = editable(project, "state mv", ui)?;
    if !snapshot.resources.iter().any(|resource| resource.address == from) {
        return Err(unknown(from.as_str()));
    }
    if snapshot.resources.iter().any(|resource| resource.address == to) {
        return Err(CliError::new(format!("the state has a {to} already"))
            .help(format!("`subako state rm {to}{}` forgets it", project.options)));
    }
    for resource in &mut snapshot.resources {
        if resource.address == from {
            resource.address = to.clone();
        }
        for dependency in &mut resource.depends_on {
            if *dependency == from {
                *dependency = to.clone();
            }
        }
        if let Some(spec) = refer_anew(&resource.spec, &from, &to)? {
            resource.spec_sha256 = spec.digest();
            resource.spec = spec;
        }
    }
    save(project, digest, snapshot)?;
    ui.print(&format!("{from} is {to} now.\n"))
}

/// The spec with its references to `from` naming `to`; `None` if it has none.
fn refer_anew(spec: &Json, from: &Address, to: &Address) -> Result<Option<Json>> {
    // In canonical text only a reference looks like this: quotes inside strings are escaped.
    let old = format!("\"$ref\":\"{from}\"");
    if !spec.as_str().contains(&old) {
        return Ok(None);
    }
    let text = spec.as_str().replace(&old, &format!("\"$ref\":\"{to}\""));
    serde_json::from_str::<serde_json::Value>(&text)
        .and_then(|value| Json::canonical(&value))
        .map(Some)
        .map_err(|error| CliError::new(format!("failed to rewrite the references to {from}: {error}")))
}

#[derive(Serialize)]
struct HistoryEntry {
    serial: u64,
    digest: Option<Digest>,
    previous: Option<Digest>,
    resources: usize,
    current: bool,
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
            Ok(_) if before.is_some() && item.previous != before => {
                Some("it does not follow from the one before it".to_owned())
            }
            Ok(_) => None,
        };
        let digest = item.digest.ok();
        entries.push(HistoryEntry {
            serial: item.serial,
            current: digest.is_some() && digest == current,
            previous: item.previous,
            resources: item.resources,
            trouble,
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
        let (word, meaning) = match (&entry.trouble, entry.current) {
            (Some(trouble), _) => (format!("damaged: {trouble}"), Some(Meaning::Error)),
            (None, true) => ("current".to_owned(), Some(Meaning::Good)),
            (None, false) => (String::new(), None),
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_name_is_followed_by_references_and_nothing_else() {
        let spec = Json::canonical(&serde_json::json!({
            "a": {"$ref": "instance.x", "attr": "id"},
            "b": {"$ref": "instance.x2", "attr": "id"},
            "c": "{\"$ref\":\"instance.x\"}",
        }))
        .expect("json");
        let (from, to) = (Address::new("instance", "x"), Address::new("instance", "y"));
        let moved = refer_anew(&spec, &from, &to)
            .expect("rewritten")
            .expect("it refers to it");
        assert_eq!(moved.value()["a"]["$ref"], "instance.y");
        assert_eq!(moved.value()["b"], spec.value()["b"]);
        assert_eq!(moved.value()["c"], spec.value()["c"]);
        assert_eq!(refer_anew(&moved, &from, &to).expect("fine"), None);
    }
}
