//! `subako rebalance`.

use subako_engine::plan::Purpose;
use subako_engine::session::{SessionError, Status};

use crate::args::{Format, Global, RebalanceArgs};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::provider::Cluster;
use crate::render::uneven;
use crate::run::{Request, changes};
use crate::runtime;
use crate::ui::Ui;
use crate::unfinished;

/// Spreads the tasks of skewed services evenly again, or only says whether any is skewed.
pub fn run(global: &Global, args: &RebalanceArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open(global, ui)?;
    if args.check {
        return check(&project, args, ui);
    }
    let request = Request::of_verb(Purpose::Rebalance, &args.verb, false);
    runtime::block_on(project.is_instant(), changes(&project, ui, &request))
}

/// Whether every service is even: exit code 0, or 2.
fn check(project: &Project, args: &RebalanceArgs, ui: &Ui) -> Result<Exit> {
    let unfinished = unfinished::say(&project.offline(), ui)?;
    let status = runtime::block_on(project.is_instant(), look(project))?;
    if let Some(parked) = &status.parked {
        return Err(CliError::from(SessionError::Parked {
            cluster: status.cluster,
            machines: parked.machines,
        }));
    }
    if let (None, Some(why)) = (&status.via, &status.trouble) {
        return Err(CliError::new(format!("cannot see where tasks run: {why}")));
    }
    ui.print(&match args.verb.run.format {
        Format::Text => uneven::text(&status, ui.out),
        Format::Json => uneven::json(&status, unfinished.as_ref())?,
    })?;
    match uneven::help(&uneven::names(&status)) {
        None => Ok(Exit::Done),
        Some(help) => {
            ui.help(&help);
            Ok(Exit::Changes)
        }
    }
}

async fn look(project: &Project) -> Result<Status> {
    let cluster = Cluster::open(project).await?;
    let known = cluster.session.load()?;
    Ok(cluster.session.status(&known).await?)
}
