//! Who reaches what, as the manifest wants it and as subnets and routes are.

use super::moves::Moves;
use super::{Session, SessionError};
use crate::plan::Selection;
use crate::reach::Ground;

impl Session {
    /// What decides who reaches what. Looks up what a plan would, and sends no packet.
    pub async fn ground(&self) -> Result<Ground, SessionError> {
        let known = self.load()?;
        let snapshot = Moves::of(&self.manifest, &known.snapshot, &self.registry, false).snapshot;
        let all = Selection::default();
        let (looked_up, types) = tokio::try_join!(self.look_up(&snapshot, &all), self.types(&all))?;
        let (desired, looked_up) = self.lower(&snapshot, &all, looked_up, &types)?;
        Ok(Ground::of(&desired, looked_up.as_ref(), &self.manifest))
    }
}
