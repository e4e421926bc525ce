//! What is asked on a terminal.

use std::io::{BufRead as _, Write as _};

use subako_engine::world::NextCommand;

use crate::error::{CliError, Result};
use crate::hint::Hint;
use crate::plain::plain;
use crate::ui::Ui;

/// Asks until `yes` or anything else is said. Refused without a terminal.
pub async fn confirm(ui: &Ui, question: &str) -> Result<()> {
    if !ui.interactive {
        return Err(
            CliError::new("cannot prompt without a terminal; nothing was changed")
                .help(Hint::run(NextCommand::AgainWithYes, " does it without asking")),
        );
    }
    let text = format!("{} Only \"yes\" is accepted: ", plain(question));
    let answer = tokio::task::spawn_blocking(move || line(&text))
        .await
        .map_err(|error| CliError::new(format!("failed to ask: {error}")))?
        .map_err(|error| CliError::io("read", "the answer", &error))?;
    if answer.trim() == "yes" {
        Ok(())
    } else {
        Err(CliError::new("not confirmed; nothing was changed"))
    }
}

/// Asks until there is an answer that `check` takes; an empty one is what is proposed. Fails where
/// the terminal is closed instead.
pub fn ask<T>(
    question: &str,
    proposed: Option<&str>,
    check: impl Fn(&str) -> std::result::Result<T, String>,
) -> Result<T> {
    let text = match proposed {
        Some(proposed) => format!("{} [{}]: ", plain(question), plain(proposed)),
        None => format!("{}: ", plain(question)),
    };
    loop {
        let typed = line(&text).map_err(|error| CliError::io("read", "the answer", &error))?;
        if typed.is_empty() {
            return Err(CliError::new("no answer; nothing was written"));
        }
        let answer = match (typed.trim(), proposed) {
            ("", Some(proposed)) => proposed,
            (answer, _) => answer,
        };
        match check(answer) {
            Ok(answer) => return Ok(answer),
            Err(why) => eprint_line(&why)?,
        }
    }
}

/// Says something and reads a line; an empty text where the terminal is closed instead.
fn line(text: &str) -> std::io::Result<String> {
    let mut stderr = std::io::stderr().lock();
    stderr.write_all(text.as_bytes())?;
    stderr.flush()?;
    drop(stderr);
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}

fn eprint_line(text: &str) -> Result<()> {
    let line = format!("{}\n", plain(text));
    let written = std::io::stderr().lock().write_all(line.as_bytes());
    written.map_err(|error| CliError::io("write to", "the terminal", &error))
}
