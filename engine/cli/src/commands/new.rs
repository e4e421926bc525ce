//! `subako new`.

use std::io::Write as _;
use std::path::Path;

use subako_engine::manifest::starter;
use subako_engine::world::NextCommand;

use crate::args::{Global, NewArgs};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::hint::{Hint, Invocation};
use crate::ui::Ui;

/// The name that the starter manifest carries.
const PLACEHOLDER: &str = "my-cluster";
/// The longest name that is made from a directory's.
const LONGEST: usize = 32;

/// Writes a starter manifest; never over a file that is there.
pub fn run(global: &Global, args: &NewArgs, ui: &Ui) -> Result<Exit> {
    let name = match &args.name {
        Some(name) if sanitised(name).as_deref() == Some(name) => name.clone(),
        Some(name) => {
            let error = CliError::new(format!(
                "`{name}` cannot be the name of a cluster: lower-case letters, digits and hyphens, beginning with a letter, at most {LONGEST}"
            ));
            return Err(match sanitised(name) {
                Some(near) => error.help(format!("`--name {near}` would do")),
                None => error,
            });
        }
        None => directory_name(&args.dir).unwrap_or_else(|| PLACEHOLDER.to_owned()),
    };
    std::fs::create_dir_all(&args.dir).map_err(|error| CliError::io("create", args.dir.display(), &error))?;
    let file = args.dir.join("cluster.toml");
    let text = starter().replace(PLACEHOLDER, &name);
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&file)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let out = CliError::io("write", file.display(), &error);
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            out.help(Hint::from("name another directory: ").then(NextCommand::New(Some("DIR".to_owned()))))
        } else {
            out
        }
    })?;
    let shown = file.strip_prefix(".").unwrap_or(&file);
    ui.line(&format!("Wrote {}, for a cluster named {name}.", shown.display()))?;
    let next = Invocation::new(
        [],
        &Global {
            file: shown.to_owned(),
            sim: true,
            ..global.clone()
        },
    );
    let hint = Hint::from("Next: set ssh_from in it to your own address; then ")
        .then(NextCommand::Plan)
        .and(" shows what it would create, ")
        .then(NextCommand::Apply)
        .and(" rehearses it; without --sim it is created on AWS.");
    ui.line(&hint.text(&next))?;
    Ok(Exit::Done)
}

fn directory_name(directory: &Path) -> Option<String> {
    let name = match directory.file_name() {
        Some(name) => name.to_owned(),
        None => directory.canonicalize().ok()?.file_name()?.to_owned(),
    };
    sanitised(name.to_str()?)
}

/// The nearest name that a cluster can have.
fn sanitised(name: &str) -> Option<String> {
    let mut out = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' => out.push(c),
            '0'..='9' if !out.is_empty() => out.push(c),
            _ if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            _ => {}
        }
    }
    out.truncate(LONGEST);
    let out = out.trim_end_matches('-');
    (!out.is_empty()).then(|| out.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_from_a_directorys() {
        let cases = [
            ("sandbox", Some("sandbox")),
            ("My Project_2", Some("my-project-2")),
            ("2nd", Some("nd")),
            ("巣箱", None),
            ("--", None),
        ];
        for (name, made) in cases {
            assert_eq!(sanitised(name).as_deref(), made, "{name}");
        }
    }

    #[test]
    fn the_starter_carries_the_placeholder() {
        assert!(starter().contains(&format!("name = \"{PLACEHOLDER}\"")));
    }
}
