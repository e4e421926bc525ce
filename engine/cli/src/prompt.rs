//! The one question.

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
    let answer = tokio::task::spawn_blocking(move || -> std::io::Result<String> {
        let mut stderr = std::io::stderr().lock();
        stderr.write_all(text.as_bytes())?;
        stderr.flush()?;
        drop(stderr);
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        Ok(answer)
    })
    .await
    .map_err(|error| CliError::new(format!("failed to ask: {error}")))?
    .map_err(|error| CliError::io("read", "the answer", &error))?;
    if answer.trim() == "yes" {
        Ok(())
    } else {
        Err(CliError::new("not confirmed; nothing was changed"))
    }
}
