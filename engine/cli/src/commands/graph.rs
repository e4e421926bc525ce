//! `subako graph`.

use subako_engine::graph::ResourceGraph;
use subako_engine::lower::{lower, needs};

use crate::args::{Global, GraphArgs, GraphFormat};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::provider::Cluster;
use crate::runtime;
use crate::ui::Ui;

/// Draws what the manifest wants.
pub fn run(global: &Global, args: &GraphArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open(global, ui)?;
    let graph = runtime::block_on(project.is_instant(), build(&project))?;
    ui.print(&match args.format {
        GraphFormat::Dot => graph.dot(),
        GraphFormat::Mermaid => graph.mermaid(),
    })?;
    Ok(Exit::Done)
}

async fn build(project: &Project) -> Result<ResourceGraph> {
    let cluster = Cluster::open(project).await?;
    let known = cluster.session.load()?;
    let lookup = needs(&project.manifest, &known.snapshot);
    let answer = cluster.session.world().cloud.lookup(&lookup).await?;
    let desired = lower(&project.manifest, &known.snapshot, &answer)
        .map_err(|error| CliError::new(error.to_string()))?;
    ResourceGraph::build(&desired).map_err(|error| CliError::new(error.to_string()))
}
