//! `subako state show`.

use crate::args::Format;
use crate::error::{CliError, Result};
use crate::project::Project;
use crate::render::resources;
use crate::ui::Ui;
use crate::unfinished;

/// Shows one resource.
pub fn run(project: &Project, address: &str, format: Format, ui: &Ui) -> Result<()> {
    let session = project.offline();
    unfinished::say(&session, ui)?;
    let recorded = session.recorded()?;
    let found = recorded.at(address)?;
    match format {
        Format::Json => ui.print(
            &resources::resource_json(found[0])
                .map_err(|error| CliError::new(format!("failed to write the resource: {error}")))?,
        ),
        Format::Text => {
            let mut text = String::new();
            resources::text(&mut text, ui.out, &found);
            ui.print(&text)
        }
    }
}
