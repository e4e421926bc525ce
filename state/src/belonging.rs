//! Which journal counts: one of a run that has not ended, and that began from the state that is
//! there or has led to it. A journal put back from a backup is none.

use crate::digest::Digest;
use crate::error::StateError;
use crate::format;
use crate::journal::{Begin, Journal};
use crate::names::{JOURNAL, past_journal, past_state};
use crate::snapshot::Snapshot;
use crate::store::Store;

impl Store {
    /// Whether a run that has not ended began from this state, or has led to it.
    pub(crate) fn counts(
        &self,
        journal: &Journal,
        state: Option<(&Snapshot, &Digest)>,
    ) -> Result<bool, StateError> {
        // Whoever reads the journal says that it does not begin as it should.
        let Some(begin) = journal.begin() else {
            return Ok(true);
        };
        if self.has_been_retired(&begin)? {
            return Ok(false);
        }
        let Some((snapshot, digest)) = state else {
            return Ok(true);
        };
        if snapshot.lineage != begin.lineage {
            return Ok(false);
        }
        if self.descends(snapshot, digest, &begin)? {
            return Ok(true);
        }
        Err(StateError::OtherBase {
            place: self.place_of(JOURNAL),
            began: begin.serial,
            found: Some(snapshot.serial),
        })
    }

    /// Whether the journal of that very run is in the history already. Runs have the number of
    /// those from the same serial that were retired before them.
    fn has_been_retired(&self, begin: &Begin<'_>) -> Result<bool, StateError> {
        Ok(self.retired_as(begin)?.is_some())
    }

    /// Where the journal of that very run is in the history, if it is there.
    pub(crate) fn retired_as(&self, begin: &Begin<'_>) -> Result<Option<String>, StateError> {
        let number = begin
            .run
            .strip_prefix(&format!("{}-{}-", begin.lineage, begin.serial))
            .and_then(|number| number.parse::<u32>().ok());
        let Some(name) = number.map(|number| past_journal(begin.serial, number)) else {
            return Ok(None);
        };
        Ok(self.backend().version(&name)?.map(|_| name))
    }

    /// Whether the run's base is that state, or one of those before it.
    fn descends(&self, snapshot: &Snapshot, digest: &Digest, begin: &Begin<'_>) -> Result<bool, StateError> {
        let mut here = Some(digest.clone());
        let mut before = snapshot.previous.clone();
        for serial in (begin.serial..snapshot.serial).rev() {
            here = before.take();
            // The base itself need not be there any more.
            if serial > begin.serial {
                let Some(object) = self.backend().read(&past_state(serial))? else {
                    return Ok(false);
                };
                match format::parse_bytes(&object.content) {
                    Ok((past, digest)) if Some(&digest) == here.as_ref() => before = past.previous,
                    _ => return Ok(false),
                }
            }
        }
        Ok(snapshot.serial >= begin.serial && here.as_ref() == begin.base)
    }
}
