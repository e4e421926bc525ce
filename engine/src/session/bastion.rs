//! The bastion's host key: pinned before the first run that goes through it changes anything.

use super::{Session, SessionError};
use crate::kind::Plane;
use crate::plan::{Action, Plan};

impl Session {
    /// Pins the key that the bastion shows, where a plan logs in to hosts through one and none is
    /// pinned yet. A bastion that cannot be reached ends the run before it has begun.
    pub(super) async fn pin_bastion(&self, plan: &Plan) -> Result<(), SessionError> {
        let Some(address) = self.world.hosts.bastion() else {
            return Ok(());
        };
        let logs_in = plan.steps.iter().any(|step| {
            let plane = self.registry.plane(step.address.kind());
            !matches!(step.action(), Action::Adopt | Action::Forget) && plane != Some(Plane::Cloud)
        });
        if !logs_in || self.store.bastion_key(&address)?.is_some() {
            return Ok(());
        }
        let key = self.world.hosts.greet_bastion().await?;
        Ok(self.store.pin_bastion(&address, &key)?)
    }
}

impl<W> Session<W> {
    /// Forgets the bastion's host key, also while a run is unfinished: the next run pins the one that
    /// is shown then. Says whether there was one. The lock must be held.
    pub fn unpin_bastion(&self) -> Result<bool, SessionError> {
        Ok(self.store.unpin_bastion()?)
    }
}
