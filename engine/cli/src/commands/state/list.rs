//! `subako state list`.

use crate::error::Result;
use crate::plain::plain;
use crate::project::Project;
use crate::ui::Ui;
use crate::unfinished;

/// Lists the addresses that the state knows.
pub fn run(project: &Project, patterns: &[String], ui: &Ui) -> Result<()> {
    let session = project.offline();
    unfinished::say(&session, ui)?;
    let mut text = String::new();
    for resource in session.recorded()?.choose(patterns)? {
        text.push_str(&plain(&resource.address).to_string());
        text.push_str(if resource.deposed {
            " (replaced, waits to be deleted)\n"
        } else {
            "\n"
        });
    }
    ui.print(&text)
}
