//! Fields of a service that an edit may change.

use serde::{Deserialize, Serialize};

use super::cluster::{Service, Update};

/// A field of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Field {
    Env(String),
    Label(String),
    Command(Option<String>),
    Volume(Option<String>),
    Grace(Option<u32>),
    Health(bool),
    Reserve(Option<u32>),
    Restart(Option<String>),
    Spread(Option<String>),
    Update(Option<Update>),
}

impl Field {
    /// Changes it.
    pub fn set(&self, service: &mut Service) {
        match self {
            Self::Env(value) => drop(service.env.insert("LEVEL".to_owned(), value.clone())),
            Self::Label(value) => drop(service.labels.insert("team".to_owned(), value.clone())),
            Self::Command(to) => service.command.clone_from(to),
            Self::Volume(to) => service.volume.clone_from(to),
            Self::Grace(to) => service.grace = *to,
            Self::Health(to) => service.health = *to,
            Self::Reserve(to) => service.reserve_mib = *to,
            Self::Restart(to) => service.restart.clone_from(to),
            Self::Spread(to) => service.spread.clone_from(to),
            Self::Update(to) => service.update.clone_from(to),
        }
    }
}
