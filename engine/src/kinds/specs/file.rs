//! `secret` and `config`: what is wanted.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::reference::Ref;
use crate::world::FileKind;

/// Which of the two kinds a type stands for.
pub trait Which: fmt::Debug + Clone + PartialEq + Send + Sync + 'static {
    /// In the world's words.
    const KIND: FileKind;
    /// In addresses.
    const NAME: &'static str;
}

/// Stands for secrets.
#[derive(Debug, Clone, PartialEq)]
pub enum Secrets {}

/// Stands for configs.
#[derive(Debug, Clone, PartialEq)]
pub enum Configs {}

impl Which for Secrets {
    const KIND: FileKind = FileKind::Secret;
    const NAME: &'static str = "secret";
}

impl Which for Configs {
    const KIND: FileKind = FileKind::Config;
    const NAME: &'static str = "config";
}

/// What is wanted of a secret or config: never its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct File<W: Which> {
    /// Its name in the swarm, made from its content.
    pub object: String,
    /// The `cluster_id` of the swarm.
    pub swarm: Ref,
    #[serde(skip)]
    which: PhantomData<fn() -> W>,
}

impl<W: Which> File<W> {
    /// A file of that name, in a swarm.
    pub fn new(object: impl Into<String>, swarm: Ref) -> Self {
        Self {
            object: object.into(),
            swarm,
            which: PhantomData,
        }
    }
}
