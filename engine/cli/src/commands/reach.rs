//! `subako reach`.

use subako_engine::reach::{Ground, Path};

use crate::args::{Format, Global, ReachArgs};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::provider::Cluster;
use crate::render::reach;
use crate::runtime;
use crate::ui::Ui;
use crate::unfinished;

/// Shows the path from one end to the other, or where it stops.
pub fn run(global: &Global, args: &ReachArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open(global, ui)?;
    let unfinished = unfinished::say(&project.offline(), ui)?;
    let ground: Ground = runtime::block_on(project.is_instant(), look(&project))?;
    let path: Path = ground
        .path(&args.from, &args.to)
        .map_err(|error| CliError::new(error.to_string()))?;
    ui.print(&match args.format {
        Format::Text => reach::text(&args.from, &args.to, &path, ui.out),
        Format::Json => reach::json(&args.from, &args.to, &path, unfinished.as_ref())?,
    })?;
    Ok(match args.check && !path.arrives() {
        true => Exit::Changes,
        false => Exit::Done,
    })
}

async fn look(project: &Project) -> Result<Ground> {
    let cluster = Cluster::open(project).await?;
    Ok(cluster.session.ground().await?)
}
