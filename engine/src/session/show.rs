//! What is known of the cluster without asking the world.

use subako_state::{Address, Digest, Resource, Snapshot};

use super::{Knowledge, Session, SessionError, Unfinished};

/// What the state and, where a run did not end, its journal know.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The snapshot, with what the unfinished run is known to have done.
    pub snapshot: Snapshot,
    /// The digest of the state file; `None` if there is none yet.
    pub digest: Option<Digest>,
    /// The run that did not end.
    pub unfinished: Option<Unfinished>,
}

impl<W> Session<W> {
    /// What is known; an error if nothing was ever applied.
    pub fn recorded(&self) -> Result<Recorded, SessionError> {
        let known = self.load()?;
        if known.base.is_none() && known.unfinished.is_none() {
            return Err(SessionError::NeverApplied {
                cluster: self.manifest.cluster.name.clone(),
                provider: self.provider,
            });
        }
        Ok(Recorded::from(known))
    }
}

impl From<Knowledge> for Recorded {
    fn from(known: Knowledge) -> Self {
        Self {
            snapshot: known.so_far(),
            digest: known.base,
            unfinished: known.unfinished,
        }
    }
}

impl Recorded {
    /// The resources that patterns name; all if there are none. A pattern that names nothing is
    /// an error.
    pub fn choose(&self, patterns: &[String]) -> Result<Vec<&Resource>, SessionError> {
        choose(&self.snapshot.resources, patterns)
    }

    /// The resources at one address: the current one, and those that wait to be deleted.
    pub fn at(&self, address: &str) -> Result<Vec<&Resource>, SessionError> {
        let here = |resource: &&Resource| resource.address.as_str() == address;
        let mut found: Vec<&Resource> = self.snapshot.resources.iter().filter(here).collect();
        found.sort_by_key(|resource| resource.deposed);
        match found.is_empty() {
            true => Err(SessionError::Unknown(address.to_owned())),
            false => Ok(found),
        }
    }
}

/// The resources that patterns name, as [`Recorded::choose`].
pub(super) fn choose<'a>(
    all: &'a [Resource],
    patterns: &[String],
) -> Result<Vec<&'a Resource>, SessionError> {
    for pattern in patterns {
        if !all.iter().any(|resource| resource.address.matches(pattern)) {
            return Err(SessionError::Unknown(pattern.clone()));
        }
    }
    let named = |address: &Address| patterns.is_empty() || patterns.iter().any(|p| address.matches(p));
    Ok(all.iter().filter(|resource| named(&resource.address)).collect())
}
