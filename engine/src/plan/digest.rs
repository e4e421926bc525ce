//! What a plan's digests cover.

use std::io::BufWriter;

use subako_state::{Digest, DigestWriter};

use super::types::{Components, PLAN_FORMAT, Plan};
use crate::finding::{Severity, planner};

/// The digest of the format that this program writes.
pub(super) fn of_format() -> Digest {
    Digest::of(format!("subako plan {PLAN_FORMAT}"))
}

impl Plan {
    /// The digest that the plan's content has: SHA-256 over what is done, in which order, what it
    /// starts from, and what refuses it. Warnings, notes, cost and rehearsal are not covered: they
    /// say something about the plan, and change nothing in it.
    pub fn sealed(&self) -> Result<Digest, serde_json::Error> {
        // Not the place: a comment moves the lines below it.
        let refusing: Vec<_> = self
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error && finding.id != planner::REHEARSAL.id)
            .map(|finding| (&finding.id, &finding.address, &finding.message, &finding.remedy))
            .collect();
        let Components {
            manifest,
            state,
            world,
            format,
        } = &self.components;
        let place = (&self.cluster, &self.provider, &self.account);
        written(|writer| {
            serde_json::to_writer(&mut *writer, &(place, (manifest, state, world, format)))?;
            serde_json::to_writer(&mut *writer, &(&self.selection, &self.summary))?;
            serde_json::to_writer(&mut *writer, &self.steps)?;
            // Where there is nothing to move a digest is what it was before anything could be.
            if !self.moved.is_empty() {
                serde_json::to_writer(&mut *writer, &self.moved)?;
            }
            serde_json::to_writer(&mut *writer, &(&self.gates, &self.refreshed, refusing))
        })
    }

    /// The digest of what the plan takes from the world: where it is, what moved outside, and what
    /// a refresh read of each object that a step acts on.
    pub(super) fn of_world(&self) -> Result<Digest, serde_json::Error> {
        written(|writer| {
            serde_json::to_writer(&mut *writer, &(&self.account, &self.drift, &self.refreshed))?;
            for step in &self.steps {
                let found = step.before.as_ref().or(step.after.as_ref());
                let outputs = found.and_then(|record| record.outputs.as_ref());
                if let Some(outputs) = outputs {
                    let seen = (&step.address, step.generation, &step.live, outputs);
                    serde_json::to_writer(&mut *writer, &seen)?;
                }
            }
            Ok(())
        })
    }

    /// The digest of everything in the plan, for those who keep it in a file.
    pub fn content(&self) -> Result<Digest, serde_json::Error> {
        written(|writer| serde_json::to_writer(writer, self))
    }
}

/// The digest of what is written. Never as a whole in memory: the plan of a large cluster is long.
fn written(
    write: impl FnOnce(&mut BufWriter<DigestWriter>) -> Result<(), serde_json::Error>,
) -> Result<Digest, serde_json::Error> {
    let mut writer = BufWriter::with_capacity(1 << 16, DigestWriter::default());
    write(&mut writer)?;
    let writer = writer
        .into_inner()
        .map_err(|error| serde_json::Error::io(error.into_error()))?;
    Ok(writer.finish())
}
