//! `subako show`.

use subako_engine::session::Recorded;

use crate::args::{Format, Global, ShowArgs};
use crate::error::Result;
use crate::exit::Exit;
use crate::plain::plain;
use crate::project::Project;
use crate::recorded::Needs;
use crate::render::resources;
use crate::style::Meaning;
use crate::ui::Ui;
use crate::unfinished;

/// Shows what is in the state.
pub fn run(global: &Global, args: &ShowArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open_recorded(global, ui, Needs::State)?;
    let session = project.offline();
    let unfinished = unfinished::say(&session, ui)?;
    let recorded = session.recorded()?;
    let chosen = recorded.choose(&args.addresses)?;
    match args.format {
        Format::Json => ui.print(&resources::json(
            &recorded.snapshot,
            recorded.digest.as_ref(),
            &chosen,
            unfinished.as_ref(),
        )?)?,
        Format::Text => {
            let mut text = String::new();
            if args.addresses.is_empty() {
                text.push_str(&head(&recorded, ui));
            }
            resources::text(&mut text, ui.out, &session.display(), &chosen);
            ui.print(&text)?;
        }
    }
    Ok(Exit::Done)
}

fn head(recorded: &Recorded, ui: &Ui) -> String {
    let snapshot = &recorded.snapshot;
    let place = snapshot.account.as_ref().map_or_else(String::new, |account| {
        format!(", account {} in {}", plain(&account.id), plain(&account.region))
    });
    let state = match &recorded.digest {
        Some(digest) => format!("serial {}, digest {}", snapshot.serial, digest.short()),
        None => "not recorded yet".to_owned(),
    };
    format!(
        "{} on {}: {} resources, {state}{place}\n\n",
        ui.out.of(Meaning::Strong, &snapshot.cluster),
        plain(&snapshot.provider),
        snapshot.resources.len(),
    )
}
