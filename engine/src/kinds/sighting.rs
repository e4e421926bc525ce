//! From what was read to a [`Sighting`].

use serde::Serialize;
use serde::de::DeserializeOwned;
use subako_state::Json;

use crate::kind::{Item, Kind, Sighting, Unconverged};
use crate::reference::Ref;
use crate::survey::{Survey, SwarmSurvey, SwarmView};
use crate::world::{Failure, Result};

/// An item with its types.
pub(super) struct Typed<'a, K: Kind> {
    /// The item.
    pub item: &'a Item,
    /// Its spec.
    pub spec: K,
    /// Its outputs, if it is recorded.
    pub outputs: Option<K::Outputs>,
}

fn decode<T: DeserializeOwned>(what: &str, item: &Item, json: &Json) -> Result<T> {
    json.decode().map_err(|error| {
        Failure::not_applied(format!("read the {what} of {}", item.address), error.to_string())
            .with_hint("the state was written by another version of Subako")
    })
}

impl<'a, K: Kind> Typed<'a, K> {
    /// Decodes an item.
    pub fn new(item: &'a Item) -> Result<Self> {
        Ok(Self {
            item,
            spec: decode("spec", item, &item.spec)?,
            outputs: item
                .outputs
                .as_ref()
                .map(|outputs| decode("outputs", item, outputs))
                .transpose()?,
        })
    }

    /// What the manifest wants of it, where that is not what is recorded.
    pub fn wanted(&self) -> Result<Option<K>> {
        let wanted = self.item.wanted.as_ref();
        let other = wanted.filter(|wanted| **wanted != self.item.spec);
        other.map(|wanted| decode("spec", self.item, wanted)).transpose()
    }

    /// What was found: as recorded, or what it is now.
    pub fn there(self, spec: &K, outputs: &K::Outputs, generation: u32) -> Result<Sighting> {
        self.so_far(spec, outputs, generation, None)
    }

    /// What was found of something that may not have converged.
    pub fn so_far(
        self,
        spec: &K,
        outputs: &K::Outputs,
        generation: u32,
        unconverged: Option<Unconverged>,
    ) -> Result<Sighting> {
        if *spec == self.spec && self.outputs.as_ref() == Some(outputs) && unconverged.is_none() {
            return Ok(Sighting::AsRecorded);
        }
        let generation = match self.outputs {
            Some(_) => self.item.generation.max(generation),
            None => generation,
        };
        Ok(Sighting::There {
            spec: encode(self.item, spec)?,
            outputs: encode(self.item, outputs)?,
            generation,
            unconverged,
            whole: None,
        })
    }
}

/// What was found of a recorded resource, with all that it has.
pub(super) fn with_whole<K: Serialize>(item: &Item, found: Sighting, whole: &K) -> Result<Sighting> {
    let whole = Some(encode(item, whole)?);
    Ok(match (found, &item.outputs) {
        (Sighting::AsRecorded, Some(outputs)) => Sighting::There {
            spec: item.spec.clone(),
            outputs: outputs.clone(),
            generation: item.generation,
            unconverged: None,
            whole,
        },
        (
            Sighting::There {
                spec,
                outputs,
                generation,
                unconverged,
                ..
            },
            Some(_),
        ) => Sighting::There {
            spec,
            outputs,
            generation,
            unconverged,
            whole,
        },
        // One that is adopted keeps what nobody manages, whatever becomes of it.
        (found, _) => found,
    })
}

fn encode<T: Serialize>(item: &Item, value: &T) -> Result<Json> {
    Json::sorted(value)
        .map_err(|error| Failure::not_applied(format!("describe {}", item.address), error.to_string()))
}

/// A reference as it was written if that is what was found, else what was found.
pub(super) fn reference(survey: &Survey, written: &Ref, found: &str) -> Ref {
    match survey.resolve(written) {
        Some(value) if value != found => Ref::Value(found.to_owned()),
        _ => written.clone(),
    }
}

/// What the survey knows of the swarm, for what lives in it: the view, or the sighting of
/// everything in a swarm that cannot be read.
pub(super) fn swarm_view(survey: &Survey) -> std::result::Result<&SwarmView, Sighting> {
    match &survey.swarm {
        SwarmSurvey::Read(view) => Ok(view),
        SwarmSurvey::None => Err(Sighting::Absent),
        SwarmSurvey::Unreachable(_) if survey.swarm_lost => Err(Sighting::Absent),
        SwarmSurvey::Unreachable(why) => Err(Sighting::Unreadable(why.clone())),
    }
}
