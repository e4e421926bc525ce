//! `subako destroy`.

use subako_engine::plan::Purpose;
use subako_engine::world::{NextCommand, Residue};

use crate::args::{DestroyArgs, Format, Global};
use crate::error::Result;
use crate::exit::Exit;
use crate::hint::Hint;
use crate::project::Project;
use crate::provider::Cluster;
use crate::recorded::Needs;
use crate::render::report;
use crate::run::{Request, changes};
use crate::runtime;
use crate::ui::Ui;

/// Deletes everything, then looks for what still carries the cluster's tags.
pub fn run(global: &Global, args: &DestroyArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open_recorded(global, ui, Needs::World)?;
    let request = Request {
        command: "destroy",
        purpose: Purpose::Change,
        selection: args.selection.selection(true),
        refresh: args.refresh.refresh,
        expect: args.expect.as_deref(),
        rehearse: args.rehearse,
        saved: None,
        preflight: args.preflight.preflight,
        full: args.full,
        guards: args.guards.guards(),
        run: &args.run,
    };
    let exit = runtime::block_on(project.is_instant(), changes(&project, ui, &request))?;
    if exit != Exit::Done || !request.selection.target.is_empty() || !request.selection.exclude.is_empty() {
        return Ok(exit);
    }
    let left = runtime::block_on(project.is_instant(), residue(&project)).map_err(|error| {
        let mut error = error.exit(Exit::Remains);
        error.message = format!(
            "everything in the state is deleted, but what else may be left could not be looked for: {}",
            error.message
        );
        error.help(Hint::run(NextCommand::Destroy, " looks again"))
    })?;
    let text = args.run.format == Format::Text;
    if left.is_empty() {
        if text {
            ui.print(&format!(
                "Nothing is left: no resource carries the tags of {}.\n",
                project.manifest.cluster.name
            ))?;
        }
        return Ok(Exit::Done);
    }
    let table = format!(
        "These still carry the tags of {}, although the state does not know them:\n{}",
        project.manifest.cluster.name,
        report::residue(&left, if text { ui.out } else { ui.err })
    );
    if text {
        ui.print(&table)?;
    } else {
        ui.say(table.trim_end());
    }
    ui.help(&Hint::run(
        NextCommand::StateRebuild,
        " takes those that the manifest has back into the state; delete the others by hand",
    ));
    Ok(Exit::Remains)
}

async fn residue(project: &Project) -> Result<Vec<Residue>> {
    let cluster = Cluster::open(project).await?;
    Ok(cluster.session.residue().await?)
}
