//! `subako output`.

use std::collections::BTreeMap;

use serde::Serialize;
use subako_engine::session::Endpoint;

use crate::args::{Format, Global, OutputArgs};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::plain::{self, plain};
use crate::project::Project;
use crate::render::Table;
use crate::style::Meaning;
use crate::ui::Ui;
use crate::unfinished;

#[derive(Serialize)]
struct Document {
    format_version: u32,
    outputs: BTreeMap<String, Vec<String>>,
}

/// Shows where the cluster answers.
pub fn run(global: &Global, args: &OutputArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open(global, ui)?;
    let session = project.offline();
    unfinished::say(&session, ui)?;
    let endpoints = session.endpoints(args.address.as_deref())?;
    ui.print(&match (args.format, &args.address) {
        (Format::Json, _) => json(endpoints)?,
        (Format::Text, Some(_)) => endpoints
            .iter()
            .flat_map(|endpoint| &endpoint.values)
            .map(|value| format!("{}\n", plain(value)))
            .collect(),
        (Format::Text, None) => table(&endpoints).text(ui.out),
    })?;
    Ok(Exit::Done)
}

fn json(endpoints: Vec<Endpoint>) -> Result<String> {
    let outputs = endpoints
        .into_iter()
        .map(|endpoint| (endpoint.address.to_string(), endpoint.values))
        .collect();
    let document = Document {
        format_version: 1,
        outputs,
    };
    let text = serde_json::to_string(&document)
        .map_err(|error| CliError::new(format!("failed to write the outputs: {error}")))?;
    Ok(plain::json(text + "\n"))
}

fn table(endpoints: &[Endpoint]) -> Table {
    let mut table = Table::new(&["ADDRESS", "ANSWERS AT"]);
    for endpoint in endpoints {
        table.row([
            (endpoint.address.to_string(), Some(Meaning::Strong)),
            (endpoint.values.join(" "), None),
        ]);
    }
    table
}
