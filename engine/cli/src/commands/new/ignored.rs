//! `.gitignore`: the state does not belong into the repository.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use crate::error::{CliError, Result};

/// The folder of the states, beside the manifest.
const STATES: &str = ".subako/";

/// Makes git ignore the states under a directory. What stands in the file stays.
pub fn ensure(directory: &Path) -> Result<()> {
    let file = directory.join(".gitignore");
    let there = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(CliError::io("read", file.display(), &error)),
    };
    let Some(addition) = addition(&there) else {
        return Ok(());
    };
    let opened = OpenOptions::new().append(true).create(true).open(&file);
    opened
        .and_then(|mut file| file.write_all(addition.as_bytes()))
        .map_err(|error| CliError::io("write", file.display(), &error))
}

/// What a `.gitignore` lacks.
fn addition(text: &str) -> Option<String> {
    let is_there = text
        .lines()
        .any(|line| line.trim().trim_matches('/') == STATES.trim_end_matches('/'));
    let gap = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    (!is_there).then(|| format!("{gap}{STATES}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_are_ignored_once() {
        assert_eq!(addition("").as_deref(), Some(".subako/\n"));
        assert_eq!(addition("target").as_deref(), Some("\n.subako/\n"));
        assert_eq!(addition("target\n").as_deref(), Some(".subako/\n"));
        for there in [".subako/\n", "a\n/.subako\nb", "  .subako"] {
            assert_eq!(addition(there), None, "{there}");
        }
    }
}
