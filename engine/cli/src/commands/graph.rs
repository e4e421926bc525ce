//! `subako graph`.

use subako_engine::graph::ResourceGraph;

use crate::args::{Global, GraphArgs, GraphFormat};
use crate::error::Result;
use crate::exit::Exit;
use crate::project::Project;
use crate::provider::Cluster;
use crate::render::drawing::Drawing;
use crate::runtime;
use crate::ui::Ui;

/// Draws what the manifest wants.
pub fn run(global: &Global, args: &GraphArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open(global, ui)?;
    let graph = runtime::block_on(project.is_instant(), draw(&project))?;
    let drawing = Drawing {
        nodes: graph.nodes().collect(),
        edges: graph.edges(),
    };
    ui.print(&match args.format {
        GraphFormat::Dot => drawing.dot(),
        GraphFormat::Mermaid => drawing.mermaid(),
    })?;
    Ok(Exit::Done)
}

async fn draw(project: &Project) -> Result<ResourceGraph> {
    let cluster = Cluster::open(project).await?;
    Ok(cluster.session.graph().await?)
}
