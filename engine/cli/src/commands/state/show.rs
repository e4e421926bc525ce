//! `subako state show`.

use crate::args::Format;
use crate::error::Result;
use crate::project::Project;
use crate::render::{document, resources};
use crate::ui::Ui;
use crate::unfinished;

/// Shows one resource.
pub fn run(project: &Project, address: &str, format: Format, ui: &Ui) -> Result<()> {
    let session = project.offline();
    let unfinished = unfinished::say(&session, ui)?;
    let recorded = session.recorded()?;
    let found = recorded.at(address)?;
    match format {
        Format::Json => ui.print(&document::json("the resource", found[0], unfinished.as_ref())?),
        Format::Text => {
            let mut text = String::new();
            resources::text(&mut text, ui.out, &session.display(), &found);
            ui.print(&text)
        }
    }
}
