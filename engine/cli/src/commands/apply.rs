//! `subako apply`.

use subako_engine::plan::Purpose;
use subako_engine::session::SavedPlan;

use crate::args::{ApplyArgs, Global};
use crate::error::Result;
use crate::exit::Exit;
use crate::project::Project;
use crate::run::{Request, changes};
use crate::runtime;
use crate::ui::Ui;

/// Makes the plan real, or undoes what it did of it.
pub fn run(global: &Global, args: &ApplyArgs, ui: &Ui) -> Result<Exit> {
    let saved = args.plan_file.as_deref().map(SavedPlan::read).transpose()?;
    let kept = saved.as_ref().map(|saved| saved.variables.clone());
    let project = Project::open_with(global, ui, &kept.unwrap_or_default())?;
    let request = Request {
        command: "apply",
        purpose: Purpose::Change,
        selection: match &saved {
            Some(saved) => saved.plan.selection.clone(),
            None => args.selection.selection(args.destroy),
        },
        refresh: saved.as_ref().map_or(args.refresh.refresh, |saved| saved.refresh),
        expect: args.expect.as_deref(),
        rehearse: args.rehearse,
        saved,
        preflight: args.preflight.preflight,
        full: args.full,
        guards: args.guards.guards(),
        run: &args.run,
    };
    runtime::block_on(project.is_instant(), changes(&project, ui, &request))
}
