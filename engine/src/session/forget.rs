//! Resources leave the state; the world is left as it is.

use subako_state::{Address, Digest, Resource, Snapshot};

use super::show::choose;
use super::{Session, SessionError};

/// What would be forgotten.
#[derive(Debug, Clone)]
pub struct Forgetting {
    /// The resources that leave.
    pub leaving: Vec<Address>,
    /// Those that stay and depend on them.
    pub needing: Vec<Address>,
    snapshot: Snapshot,
    before: Digest,
}

impl<W> Session<W> {
    /// What forgetting the resources that patterns name would mean. The lock must be held.
    pub fn draft_forget(&self, patterns: &[String]) -> Result<Forgetting, SessionError> {
        let (snapshot, before) = self.editable()?;
        let leaving: Vec<Address> = choose(&snapshot.resources, patterns)?
            .into_iter()
            .map(|resource| resource.address.clone())
            .collect();
        let needs =
            |r: &&Resource| !leaving.contains(&r.address) && r.depends_on.iter().any(|d| leaving.contains(d));
        Ok(Forgetting {
            needing: snapshot
                .resources
                .iter()
                .filter(needs)
                .map(|r| r.address.clone())
                .collect(),
            leaving,
            snapshot,
            before,
        })
    }

    /// Forgets them. The lock must be held since before the draft.
    pub fn forget(&self, forgetting: &Forgetting) -> Result<(), SessionError> {
        let mut snapshot = forgetting.snapshot.clone();
        snapshot
            .resources
            .retain(|resource| !forgetting.leaving.contains(&resource.address));
        self.save_edited(&forgetting.before, snapshot)
    }

    /// The snapshot that may be edited, and its digest: refused while a run is unfinished.
    pub(super) fn editable(&self) -> Result<(Snapshot, Digest), SessionError> {
        let recorded = self.recorded()?;
        match (recorded.unfinished, recorded.digest) {
            (None, Some(digest)) => Ok((recorded.snapshot, digest)),
            (unfinished, _) => Err(SessionError::Unfinished {
                can_go_back: unfinished.is_some_and(|run| run.can_go_back()),
            }),
        }
    }

    /// Writes an edited snapshot as the successor of the one with that digest.
    pub(super) fn save_edited(&self, before: &Digest, mut snapshot: Snapshot) -> Result<(), SessionError> {
        snapshot.sort();
        snapshot.serial += 1;
        snapshot.previous = Some(before.clone());
        self.write_state(|| self.store.save(&snapshot))?;
        Ok(())
    }
}
