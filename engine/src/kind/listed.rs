//! The cluster's objects as the world has them, whoever knows of them.

use std::collections::BTreeMap;

use serde::Serialize;
use subako_state::{Address, Json, Resource};

use super::Kind;
use crate::world::{Failure, Result};

/// An object that carries the cluster's tags or labels, described from what was read of it alone.
#[derive(Debug, Clone)]
pub struct Listed<K: Kind> {
    /// The address on its tags; the kind and the object's id where they have none.
    pub address: Address,
    /// The generation on its tags; 0 without one.
    pub generation: u32,
    /// What it is, as a spec without references.
    pub spec: K,
    /// What it answers.
    pub outputs: K::Outputs,
    /// What must not go before it: addresses, or `kind.*`.
    pub depends_on: Vec<Address>,
    /// Whether the world refuses to delete it.
    pub protect: bool,
}

impl<K: Kind> Listed<K> {
    /// An object that depends on nothing and is not protected.
    pub fn of(address: Address, generation: u32, spec: K, outputs: K::Outputs) -> Self {
        Self {
            address,
            generation,
            spec,
            outputs,
            depends_on: Vec::new(),
            protect: false,
        }
    }

    /// As a record that only waits to be deleted.
    pub(super) fn resource(self) -> Result<Resource> {
        let spec = written(&self.address, &self.spec)?;
        let outputs = written(&self.address, &self.outputs)?;
        Ok(Resource {
            address: self.address,
            depends_on: self.depends_on,
            deposed: true,
            generation: self.generation,
            made_with: BTreeMap::new(),
            outputs,
            protect: self.protect,
            spec_sha256: spec.digest(),
            spec,
        })
    }
}

/// The address on an object's tags, if it is one of that kind; else the kind and the object's id.
pub fn address_or_id(kind: &str, tagged: Option<&String>, id: &str) -> Address {
    tagged
        .and_then(|tagged| tagged.parse::<Address>().ok())
        .filter(|address| address.kind() == kind && address.name() != "*")
        .unwrap_or_else(|| Address::new(kind, id))
}

fn written<T: Serialize>(address: &Address, value: &T) -> Result<Json> {
    Json::sorted(value)
        .map_err(|error| Failure::not_applied(format!("describe {address}"), error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_the_kind_names_an_object() {
        let named = |tagged: Option<&str>| {
            let tagged = tagged.map(str::to_owned);
            address_or_id("instance", tagged.as_ref(), "i-1").to_string()
        };
        assert_eq!(named(Some("instance.node-0")), "instance.node-0");
        for wrong in [
            None,
            Some(""),
            Some("node-0"),
            Some("network.a"),
            Some("instance.*"),
        ] {
            assert_eq!(named(wrong), "instance.i-1", "{wrong:?}");
        }
    }
}
