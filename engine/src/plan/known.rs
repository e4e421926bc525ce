//! What is there, recorded or not: the planner has all of it as records.

use std::borrow::Cow;

use subako_state::{Resource, Snapshot};

use crate::desired::DesiredSet;
use crate::fast::FastSet;
use crate::kind::Sighting;
use crate::refresh::Observed;

/// What is recorded and what a refresh found of it, and among it what is there without a record.
pub(super) struct Known<'a> {
    pub snapshot: Cow<'a, Snapshot>,
    pub observed: Cow<'a, Observed>,
    /// Where the strays are among the records: nobody wants them.
    pub strays: FastSet<usize>,
    /// Where those are that are wanted and were found without a record.
    pub found: FastSet<usize>,
}

/// Who knows of an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    State,
    Manifest,
    Nobody,
}

impl<'a> Known<'a> {
    pub fn of(snapshot: &'a Snapshot, observed: &'a Observed, desired: &DesiredSet) -> Self {
        let found = observed.found(snapshot, desired);
        if observed.strays.is_empty() && found.is_empty() {
            return Self {
                snapshot: Cow::Borrowed(snapshot),
                observed: Cow::Borrowed(observed),
                strays: FastSet::default(),
                found: FastSet::default(),
            };
        }
        let recorded = snapshot.resources.iter().zip(&observed.recorded);
        let recorded = recorded.map(|(resource, sighting)| (resource, sighting.clone(), By::State));
        let wanted = found
            .iter()
            .map(|found| (found, observed.unrecorded[&found.address].clone(), By::Manifest));
        let strays = observed.strays.iter();
        let strays = strays.map(|stray| (stray, Sighting::AsRecorded, By::Nobody));
        let mut all: Vec<(&Resource, Sighting, By)> = recorded.chain(wanted).chain(strays).collect();
        all.sort_by(|(a, ..), (b, ..)| (&a.address, a.generation).cmp(&(&b.address, b.generation)));
        let places = |who: By| (0..all.len()).filter(|place| all[*place].2 == who).collect();
        let (strays, found) = (places(By::Nobody), places(By::Manifest));
        Self {
            snapshot: Cow::Owned(Snapshot {
                resources: all.iter().map(|(resource, ..)| (*resource).clone()).collect(),
                ..snapshot.clone()
            }),
            observed: Cow::Owned(Observed {
                recorded: all.into_iter().map(|(_, sighting, _)| sighting).collect(),
                ..observed.clone()
            }),
            strays,
            found,
        }
    }
}
