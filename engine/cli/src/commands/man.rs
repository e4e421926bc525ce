//! `subako man`.

use std::path::Path;

use clap::CommandFactory as _;

use crate::args::Cli;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::ui::Ui;

/// Prints `subako(1)`, or writes the page of every command into a directory, which is created.
pub fn run(dir: Option<&Path>, ui: &Ui) -> Result<Exit> {
    let Some(dir) = dir else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
        rendered.map_err(|error| CliError::io("render", "the manual page", &error))?;
        ui.print(&String::from_utf8_lossy(&page))?;
        return Ok(Exit::Done);
    };
    let written = std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(Cli::command(), dir));
    written.map_err(|error| CliError::io("write the manual pages to", dir.display(), &error))?;
    Ok(Exit::Done)
}
