//! Secrets and configs.

use std::collections::BTreeMap;

use subako_world::{Code, Content, FileKind, FileMount, FileSpec, SwarmFile};

use super::ec2::Decision;
use super::effect::Effect;
use super::service::ServiceFacts;
use super::services::namesake;
use super::swarm::SwarmFacts;
use crate::sim::names::swarm_id;
use crate::sim::refusal::Refusal;

/// The largest content (swarmkit, `MaxSecretSize`).
const LARGEST: usize = 500 * 1024;

impl SwarmFacts {
    /// The files of a kind, by name.
    pub fn files(&self, kind: FileKind) -> &BTreeMap<String, SwarmFile> {
        match kind {
            FileKind::Secret => &self.secrets,
            FileKind::Config => &self.configs,
        }
    }

    /// The same, to be changed.
    pub(super) fn files_mut(&mut self, kind: FileKind) -> &mut BTreeMap<String, SwarmFile> {
        match kind {
            FileKind::Secret => &mut self.secrets,
            FileKind::Config => &mut self.configs,
        }
    }

    /// Creates a secret or config.
    pub fn decide_create_file(
        &self,
        seed: u64,
        kind: FileKind,
        spec: &FileSpec,
        content: &Content,
    ) -> Decision<String> {
        let word = kind.word();
        if let Some(there) = namesake(self.files(kind).keys(), &spec.name) {
            let message = format!("rpc error: code = AlreadyExists desc = {word} {there} already exists");
            return Err(Refusal::new(Code::AlreadyExists, message));
        }
        if spec.name.is_empty() || spec.name.len() > 64 {
            let message = "rpc error: code = InvalidArgument desc = invalid name, only 64 [a-zA-Z0-9-_.] characters allowed";
            return Err(Refusal::new(Code::Invalid, message));
        }
        if !(1..=LARGEST).contains(&content.expose().len()) {
            let message = format!(
                "rpc error: code = InvalidArgument desc = {word} data must be larger than 0 and less than 512000 bytes"
            );
            return Err(Refusal::new(Code::Invalid, message));
        }
        let id = swarm_id(seed, &[word, &self.id, &spec.name]);
        let file = SwarmFile {
            id: id.clone(),
            spec: spec.clone(),
        };
        let swarm = self.id.clone();
        Ok((Some(Effect::File { swarm, kind, file }), id))
    }

    /// Removes a secret or config that no service uses.
    pub fn decide_remove_file(&self, kind: FileKind, name: &str) -> Decision<()> {
        if !self.files(kind).contains_key(name) {
            return Ok((None, ()));
        }
        let user = self
            .services
            .values()
            .find(|service| uses(service, kind).iter().any(|mount| mount.name == name));
        if let Some(service) = user {
            let word = kind.word();
            let message = format!(
                "rpc error: code = InvalidArgument desc = {word} '{name}' is in use by the following service: {}",
                service.spec.name
            );
            return Err(Refusal::new(Code::InUse, message));
        }
        let effect = Effect::NoFile {
            swarm: self.id.clone(),
            kind,
            name: name.to_owned(),
        };
        Ok((Some(effect), ()))
    }
}

fn uses(service: &ServiceFacts, kind: FileKind) -> &[FileMount] {
    match kind {
        FileKind::Secret => &service.spec.secrets,
        FileKind::Config => &service.spec.configs,
    }
}
