//! `subako schema`.

use crate::args::SchemaOf;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::schemas;
use crate::ui::Ui;

/// Prints a JSON Schema.
pub fn run(of: SchemaOf, ui: &Ui) -> Result<Exit> {
    let text = serde_json::to_string_pretty(&schemas::schema(of)?)
        .map_err(|error| CliError::new(format!("failed to write the schema: {error}")))?;
    ui.print(&(text + "\n"))?;
    Ok(Exit::Done)
}
