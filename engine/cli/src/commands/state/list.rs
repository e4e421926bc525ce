//! `subako state list`.

use crate::args::Format;
use crate::error::Result;
use crate::plain::plain;
use crate::project::Project;
use crate::render::resources;
use crate::ui::Ui;
use crate::unfinished;

/// Lists the addresses that the state knows.
pub fn run(project: &Project, patterns: &[String], format: Format, ui: &Ui) -> Result<()> {
    let session = project.offline();
    let unfinished = unfinished::say(&session, ui)?;
    let recorded = session.recorded()?;
    let chosen = recorded.choose(patterns)?;
    if format == Format::Json {
        return ui.print(&resources::list_json(&chosen, unfinished.as_ref())?);
    }
    let mut text = String::new();
    for resource in chosen {
        text.push_str(&plain(&resource.address).to_string());
        text.push_str(if resource.deposed {
            " (replaced, waits to be deleted)\n"
        } else {
            "\n"
        });
    }
    ui.print(&text)
}
