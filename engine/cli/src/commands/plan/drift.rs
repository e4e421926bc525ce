//! `subako plan --drift`.

use subako_engine::run::ApplyOptions;
use subako_engine::session::{DriftVerdict, Drifted, Settled};
use subako_engine::world::NextCommand;

use crate::args::{Global, PlanFormat};
use crate::error::Result;
use crate::exit::Exit;
use crate::hint::Hint;
use crate::project::Project;
use crate::provider::Cluster;
use crate::recorded::Needs;
use crate::render::{drift, markdown};
use crate::runtime;
use crate::ui::Ui;
use crate::unfinished;

/// Shows what differs between the state and the world, and changes nothing.
pub fn run(global: &Global, format: PlanFormat, ui: &Ui) -> Result<Exit> {
    let project = Project::open_recorded(global, ui, Needs::World)?;
    let unfinished = unfinished::say(&project.offline(), ui)?;
    let (found, settled) = runtime::block_on(project.is_instant(), look(&project))?;
    unfinished::say_unknown(settled.as_ref(), ui);
    let kinds = project.offline().display();
    ui.print(&match format {
        PlanFormat::Text => drift::text(&found, &kinds, ui.out),
        PlanFormat::Json => drift::json(&found, unfinished.as_ref())?,
        PlanFormat::Markdown => markdown::drifted(&found, &kinds, &ui.typed),
    })?;
    Ok(match found.verdict() {
        DriftVerdict::None => Exit::Done,
        DriftVerdict::Drifted => {
            ui.help(&Hint::run(
                NextCommand::Plan,
                " shows what an apply would do about it",
            ));
            Exit::Changes
        }
        DriftVerdict::Unknown => Exit::Error,
    })
}

async fn look(project: &Project) -> Result<(Drifted, Option<Settled>)> {
    let cluster = Cluster::open(project).await?;
    let known = cluster.session.load()?;
    Ok(cluster.session.drift(&known, &ApplyOptions::default()).await?)
}
