//! `subako output`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::args::{Format, Global, OutputArgs};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::render::{Meaning, Table, resources};
use crate::ui::Ui;

#[derive(Serialize)]
struct Document {
    format_version: u32,
    outputs: BTreeMap<String, Vec<String>>,
}

/// Shows where the cluster answers.
pub fn run(global: &Global, args: &OutputArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open(global, ui)?;
    let (snapshot, _) = project.snapshot()?;
    let mut endpoints = resources::endpoints(&snapshot);
    if let Some(address) = &args.address {
        endpoints.retain(|endpoint| endpoint.address.as_str() == address.as_str());
        if endpoints.is_empty() {
            return Err(CliError::new(format!("`{address}` has no endpoint"))
                .help("`subako output` lists those that do: instances, and services that publish a port"));
        }
    }
    let text = match (args.format, &args.address) {
        (Format::Json, _) => {
            let document = Document {
                format_version: 1,
                outputs: endpoints
                    .into_iter()
                    .map(|endpoint| (endpoint.address.to_string(), endpoint.values))
                    .collect(),
            };
            let text = serde_json::to_string(&document)
                .map_err(|error| CliError::new(format!("failed to write the outputs: {error}")))?;
            text + "\n"
        }
        (Format::Text, Some(_)) => endpoints
            .iter()
            .flat_map(|endpoint| &endpoint.values)
            .map(|value| format!("{value}\n"))
            .collect(),
        (Format::Text, None) => {
            let mut table = Table::new(&["ADDRESS", "ANSWERS AT"]);
            for endpoint in &endpoints {
                table.row([
                    (endpoint.address.to_string(), Some(Meaning::Strong)),
                    (endpoint.values.join(" "), None),
                ]);
            }
            table.text(ui.out)
        }
    };
    ui.print(&text)?;
    Ok(Exit::Done)
}
