//! `subako state mv`.

use crate::error::Result;
use crate::lock;
use crate::project::Project;
use crate::provider::Cluster;
use crate::runtime;
use crate::ui::Ui;

/// Renames a machine in the state and in the world.
pub fn run(project: &Project, from: &str, to: &str, ui: &Ui) -> Result<()> {
    let _lock = lock::take(project, "state mv", ui)?;
    let renamed = runtime::block_on(project.is_instant(), async {
        let cluster = Cluster::open(project).await?;
        let renamed = cluster.session.rename(from, to).await;
        let closed = cluster.close();
        let renamed = renamed?;
        closed?;
        Ok(renamed)
    })?;
    if renamed.label_is_old {
        ui.warn(&format!(
            "the swarm cannot be read, so that its label of the node still says {}",
            renamed.from
        ));
    }
    ui.line(&format!("{} is {} now.", renamed.from, renamed.to))
}
