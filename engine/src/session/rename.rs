//! A machine gets another name, as when its pool is renamed in the manifest.
//!
//! What lives on the machine moves with it. The names that the world carries (tags, node
//! labels) are changed first, so that a state that is lost later can still be rebuilt.

use std::collections::BTreeSet;
use std::sync::Arc;

use subako_state::{Address, Snapshot};

use super::{Session, SessionError};
use crate::desired::DesiredSet;
use crate::kind::{ErasedKind, InTheWorld, Registry};
use crate::machine::MACHINE;
use crate::manifest::Manifest;
use crate::plan::renamed;
use crate::refresh::Survey;
use crate::world::{Certainty, World};

/// Why a machine cannot have another name.
#[derive(Debug, thiserror::Error)]
pub enum RenameError {
    /// It lives on a machine.
    #[error("{address} lives on {machine} and moves with it")]
    LivesOn {
        /// What was named.
        address: String,
        /// The machine.
        machine: Address,
    },
    /// Its name is what it is in the world.
    #[error("a {0} cannot be renamed: in the world it would be another one")]
    NotAMachine(String),
    /// The state has one of that name.
    #[error("the state has a {0} already")]
    Taken(String),
    /// The next plan would delete it.
    #[error("the manifest has no {0}: the next plan would delete it")]
    NotWanted(String),
    /// The next plan would create another of the old name.
    #[error("the manifest still has {0}: the next plan would create it again")]
    StillWanted(String),
}

/// A machine that has another name now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The name it had.
    pub from: String,
    /// The name it has.
    pub to: String,
    /// Whether its node's label could not be changed, because the swarm cannot be read.
    pub label_is_old: bool,
}

impl Session {
    /// Renames a machine in the state and in the world. The lock must be held.
    pub async fn rename(&self, from: &str, to: &str) -> Result<Renamed, SessionError> {
        let moving = Moving::of(&self.registry);
        let (from, to) = (moving.name(from)?, moving.name(to)?);
        let (mut snapshot, before) = self.editable()?;
        if moving.machine(&snapshot, &from).is_none() {
            return Err(SessionError::Unknown(moving.address(&from).to_string()));
        }
        check(&moving, &self.manifest, &snapshot, &from, &to)?;
        let old = snapshot.clone();
        moving.rename(&mut snapshot, &from, &to);
        self.store.check_lock()?;
        let renamed = rename_in_the_world(&self.registry, &self.world, &old, &from, &to).await?;
        self.save_edited(&before, snapshot).map_err(SessionError::late)?;
        Ok(Renamed {
            from,
            to,
            label_is_old: !renamed,
        })
    }
}

/// Changes the names that the world carries of a machine and of what takes its name along, as their
/// kinds know how; whether all of them could be changed.
///
/// # Errors
/// The world cannot be read, or refuses. A failure after the first change is late.
pub async fn rename_in_the_world(
    registry: &Registry,
    world: &World,
    snapshot: &Snapshot,
    from: &str,
    to: &str,
) -> Result<bool, SessionError> {
    let survey = Survey::take(world, snapshot, &DesiredSet::default()).await?;
    let (mut all, mut changed) = (true, false);
    for kind in Moving::of(registry).kinds {
        let resource = snapshot.get(&Address::new(kind, from));
        let Some((resource, kind)) = resource.zip(registry.get(kind)) else {
            continue;
        };
        let to = Address::new(kind.name(), to);
        match kind.rename(&resource.outputs, &to, &survey, world).await {
            Ok(InTheWorld::Nameless) => {}
            Ok(InTheWorld::Renamed) => changed = true,
            Ok(InTheWorld::OutOfReach) => all = false,
            Err(failure) => {
                let late = changed || failure.certainty == Certainty::Unknown;
                let error = SessionError::from(failure);
                return Err(if late { error.late() } else { error });
            }
        }
    }
    Ok(all)
}

/// The kinds whose resources take a new name together.
pub(super) struct Moving {
    /// The kinds that can be renamed by themselves: machines.
    heads: Vec<&'static str>,
    /// They, then what takes their name along.
    pub kinds: Vec<&'static str>,
}

impl Moving {
    /// Machines, and what lives on them.
    pub fn of(registry: &Registry) -> Self {
        let with = |kind: &Arc<dyn ErasedKind>| Some((kind.name(), kind.traits().renamed_with?));
        let all: Vec<(&str, &str)> = registry.iter().filter_map(with).collect();
        let is_head = |(kind, with): &&(&'static str, &str)| registry.is_a(kind, with);
        let heads: Vec<&str> = all.iter().filter(is_head).map(|(kind, _)| *kind).collect();
        let along = all.iter().filter(|(kind, with)| {
            let mut heads = heads.iter();
            !registry.is_a(kind, with) && heads.any(|head| registry.is_a(head, with))
        });
        let along: Vec<&str> = along.map(|(kind, _)| *kind).collect();
        Self {
            kinds: heads.iter().copied().chain(along).collect(),
            heads,
        }
    }

    /// The machine of that name in a state.
    fn machine(&self, snapshot: &Snapshot, name: &str) -> Option<Address> {
        let mut addresses = self.heads.iter().map(|kind| Address::new(kind, name));
        addresses.find(|address| snapshot.get(address).is_some())
    }

    /// What a machine of that name would be called.
    fn address(&self, name: &str) -> Address {
        Address::new(self.heads.first().unwrap_or(&MACHINE), name)
    }

    /// The name of the machine that an argument names: `node-0`, `instance.node-0`.
    fn name(&self, text: &str) -> Result<String, RenameError> {
        match text.split_once('.') {
            None => Ok(text.to_owned()),
            Some((kind, name)) if self.heads.contains(&kind) => Ok(name.to_owned()),
            Some((kind, name)) if self.kinds.contains(&kind) => Err(RenameError::LivesOn {
                address: text.to_owned(),
                machine: self.address(name),
            }),
            Some((kind, _)) => Err(RenameError::NotAMachine(kind.to_owned())),
        }
    }

    /// The state with every resource of that name, and everything that names it, renamed.
    fn rename(&self, snapshot: &mut Snapshot, from: &str, to: &str) {
        let named = |name: &str| self.kinds.iter().map(|kind| Address::new(kind, name)).collect();
        let (from, to): (Vec<Address>, Vec<Address>) = (named(from), named(to));
        snapshot.resources = renamed(&snapshot.resources, &from.iter().zip(&to).collect());
    }
}

/// Renames a machine in a state: every resource of kinds that take its name, and everything that
/// names them.
pub fn rename_in_the_state(registry: &Registry, snapshot: &mut Snapshot, from: &str, to: &str) {
    Moving::of(registry).rename(snapshot, from, to);
}

/// Refuses names with which the next plan would delete what was renamed.
fn check(
    moving: &Moving,
    manifest: &Manifest,
    snapshot: &Snapshot,
    from: &str,
    to: &str,
) -> Result<(), RenameError> {
    let wanted: BTreeSet<String> = manifest.pools.iter().flat_map(Manifest::instance_names).collect();
    let taken = moving
        .kinds
        .iter()
        .any(|kind| snapshot.get(&Address::new(kind, to)).is_some());
    if taken {
        return Err(RenameError::Taken(to.to_owned()));
    }
    if !wanted.contains(to) {
        return Err(RenameError::NotWanted(to.to_owned()));
    }
    if wanted.contains(from) {
        return Err(RenameError::StillWanted(from.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_machines_can_be_renamed() {
        let moving = Moving::of(&crate::kinds::registry());
        assert_eq!(moving.name("node-0").expect("a machine"), "node-0");
        assert_eq!(moving.name("instance.node-0").expect("a machine"), "node-0");
        for other in ["docker.node-0", "service.web"] {
            assert!(moving.name(other).is_err(), "{other}");
        }
    }
}
