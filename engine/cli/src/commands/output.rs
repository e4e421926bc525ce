//! `subako output`.

use std::collections::BTreeMap;

use serde::Serialize;
use subako_engine::session::Endpoint;

use crate::args::{Format, Global, OutputArgs};
use crate::error::Result;
use crate::exit::Exit;
use crate::plain::plain;
use crate::project::Project;
use crate::recorded::Needs;
use crate::render::{Table, document};
use crate::style::Meaning;
use crate::ui::Ui;
use crate::unfinished;

#[derive(Serialize)]
struct OutputView {
    outputs: BTreeMap<String, Vec<String>>,
}

/// Shows where the cluster answers.
pub fn run(global: &Global, args: &OutputArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open_recorded(global, ui, Needs::State)?;
    let session = project.offline();
    let unfinished = unfinished::say(&session, ui)?;
    let endpoints = session.endpoints(args.address.as_deref())?;
    ui.print(&match (args.format, &args.address) {
        (Format::Json, _) => document::json("the outputs", &view(endpoints), unfinished.as_ref())?,
        (Format::Text, Some(_)) => endpoints
            .iter()
            .flat_map(|endpoint| &endpoint.values)
            .map(|value| format!("{}\n", plain(value)))
            .collect(),
        (Format::Text, None) => table(&endpoints).text(ui.out),
    })?;
    Ok(Exit::Done)
}

fn view(endpoints: Vec<Endpoint>) -> OutputView {
    let outputs = endpoints
        .into_iter()
        .map(|endpoint| (endpoint.address.to_string(), endpoint.values));
    OutputView {
        outputs: outputs.collect(),
    }
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
