//! `subako show`.

use subako_state::Resource;

use crate::args::{Format, Global, ShowArgs};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::render::{Meaning, resources};
use crate::ui::Ui;

/// Shows what the state knows.
pub fn run(global: &Global, args: &ShowArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open(global, ui)?;
    let (snapshot, digest) = project.snapshot()?;
    let chosen: Vec<&Resource> = choose(&snapshot.resources, &args.addresses)?;
    match args.format {
        Format::Json => {
            let text = resources::json(&snapshot, Some(&digest), &chosen)
                .map_err(|error| CliError::new(format!("failed to write the state: {error}")))?;
            ui.print(&text)?;
        }
        Format::Text => {
            let mut text = String::new();
            if args.addresses.is_empty() {
                let place = snapshot.account.as_ref().map_or_else(String::new, |account| {
                    format!(", account {} in {}", account.id, account.region)
                });
                text.push_str(&format!(
                    "{} on {}: {} resources, serial {}, digest {}{place}\n\n",
                    ui.out.of(Meaning::Strong, &snapshot.cluster),
                    snapshot.provider,
                    snapshot.resources.len(),
                    snapshot.serial,
                    digest.short()
                ));
            }
            resources::text(&mut text, ui.out, &chosen);
            ui.print(&text)?;
        }
    }
    Ok(Exit::Done)
}

/// The resources that patterns name; all if there are none. A pattern that names nothing is an error.
pub fn choose<'a>(all: &'a [Resource], patterns: &[String]) -> Result<Vec<&'a Resource>> {
    for pattern in patterns {
        if !all.iter().any(|resource| resource.address.matches(pattern)) {
            return Err(CliError::new(format!("the state knows no `{pattern}`"))
                .help("`subako state list` lists what it knows"));
        }
    }
    Ok(all
        .iter()
        .filter(|resource| patterns.is_empty() || patterns.iter().any(|p| resource.address.matches(p)))
        .collect())
}
