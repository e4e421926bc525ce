//! What the manifest wants, and what depends on what.

use super::{Session, SessionError};
use crate::graph::ResourceGraph;
use crate::plan::PlanError;

impl Session {
    /// The resources that the manifest wants, as a graph.
    pub async fn graph(&self) -> Result<ResourceGraph, SessionError> {
        let known = self.load()?;
        let desired = self.desired(&known.snapshot).await?;
        Ok(ResourceGraph::build(&desired).map_err(PlanError::Graph)?)
    }
}
