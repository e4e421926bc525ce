//! `subako new`: a first manifest, from flags and questions.
//!
//! * `answers`: what is asked and what is taken without asking; `address`: this machine's, as an SSH
//!   session shows it; `profile`: the region of the AWS profile.
//! * `key`: the key pair; `ignored`: what git is not to keep.

mod address;
mod answers;
mod ignored;
mod key;
mod profile;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use subako_engine::manifest::Starter;
use subako_engine::world::NextCommand;

use crate::args::{Global, NewArgs};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::hint::{Hint, Invocation};
use crate::ui::Ui;

/// Writes a starter manifest; never over a file that is there. Nothing is written, and no key made,
/// before every answer is known to be a good one.
pub fn run(global: &Global, args: &NewArgs, ui: &Ui) -> Result<Exit> {
    let file = args.dir.join("cluster.toml");
    if file.symlink_metadata().is_ok() {
        return Err(taken(&file));
    }
    let starter = answers::all(args, ui)?;
    answers::check(&starter)?;
    std::fs::create_dir_all(&args.dir).map_err(|error| CliError::io("create", args.dir.display(), &error))?;
    if let Some(key) = &starter.key
        && key::ensure(key, &args.dir, starter.name.as_deref().unwrap_or_default())?
    {
        ui.line(&format!("Made the key pair {key} and {key}.pub."))?;
    }
    write(&file, &starter.text())?;
    ignored::ensure(&args.dir)?;
    let shown = file.strip_prefix(".").unwrap_or(&file);
    let name = starter.name.as_deref().unwrap_or_default();
    ui.line(&format!("Wrote {}, for a cluster named {name}.", shown.display()))?;
    let next = Invocation::new(
        [],
        &Global {
            file: shown.to_owned(),
            sim: true,
            // The new manifest has no variables.
            vars: Vec::new(),
            var_files: Vec::new(),
            ..global.clone()
        },
    );
    ui.line(&what_next(&starter).text(&next))?;
    Ok(Exit::Done)
}

fn write(file: &Path, text: &str) -> Result<()> {
    let opened = OpenOptions::new().write(true).create_new(true).open(file);
    opened
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => taken(file),
            _ => CliError::io("write", file.display(), &error),
        })
}

fn taken(file: &Path) -> CliError {
    CliError::new(format!("{} exists, and is left as it is", file.display()))
        .help(Hint::from("name another directory: ").then(NextCommand::New(Some("DIR".to_owned()))))
}

/// What is still missing, then the two commands that come next.
fn what_next(starter: &Starter) -> Hint {
    let missing: Vec<&str> = [
        (
            starter.ssh_from.is_none(),
            "put this machine's address into `ssh_from`",
        ),
        (starter.key.is_none(), "name a key under [key_pair] and [ssh]"),
    ]
    .into_iter()
    .filter_map(|(is_missing, what)| is_missing.then_some(what))
    .collect();
    let hint = match missing.as_slice() {
        [] => Hint::from("Next: "),
        missing => Hint::from(format!("Next: {}; then ", missing.join(" and "))),
    };
    hint.then(NextCommand::Plan)
        .and(" shows what it would create, ")
        .then(NextCommand::Apply)
        .and(" rehearses it; without --sim it is created on AWS.")
}
