//! Services: one table of their keys, and all that follows from it.
//!
//! `table` declares each key once. `key` says what a key can be asked and makes the rest from the
//! declarations; `styles`, `composed` and `shapes` answer it, each for a sort of key; `parts` are the values
//! that have no keys of their own.

mod composed;
mod key;
mod parts;
mod shapes;
mod styles;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use key::Record;
pub use key::{Key, Unit};
pub use parts::{
    Condition, Endpoint, Mode, Mount, MountKind, PublishMode, RestartCondition, ServiceNetwork, UpdateOrder,
};
pub use table::{HealthCheck, Resources, RestartPolicy, ServiceSpec, UpdateConfig};

/// Ids by name, of what services name. What is not among them goes by its name or without an id:
/// the engine says what it thinks of it.
#[derive(Debug, Clone, Default)]
pub struct Ids {
    networks: BTreeMap<String, String>,
    network_names: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
    configs: BTreeMap<String, String>,
}

impl Ids {
    /// Networks by name; secrets and configs are asked for only where a spec names any.
    pub fn new(networks: BTreeMap<String, String>) -> Self {
        let names = networks.iter();
        Self {
            network_names: names.map(|(name, id)| (id.clone(), name.clone())).collect(),
            networks,
            ..Self::default()
        }
    }

    /// With these secrets and configs.
    #[must_use]
    pub fn with_files(self, secrets: BTreeMap<String, String>, configs: BTreeMap<String, String>) -> Self {
        Self {
            secrets,
            configs,
            ..self
        }
    }

    fn network_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.network_names.get(id).map_or(id, String::as_str)
    }
}

impl ServiceSpec {
    /// A service of which nothing more is said.
    pub fn new(name: impl Into<String>, image: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            image: image.into(),
            ..Self::absent()
        }
    }

    /// All keys of a service.
    pub fn keys() -> Vec<Key> {
        <Self as Record>::keys()
    }

    /// The same service with everything left out that equals Swarm's default, and lists in the
    /// order in which specs have them. The engine writes some of its defaults into what it was
    /// sent without them.
    #[must_use]
    pub fn without_defaults(self) -> Self {
        Record::without_defaults(self)
    }

    /// The one spec that stands for all that mean the same: compare in this form, show as written.
    #[must_use]
    pub fn canonical(self) -> Self {
        Record::canonical(self)
    }

    /// Writes each key as `other` does, as far as they mean the same.
    pub fn align(&mut self, other: &Self) {
        Record::align(self, other);
    }

    /// What either of two speaks of, in the words of the first.
    #[must_use]
    pub fn either(self, second: Self) -> Self {
        Record::either(self, second)
    }

    /// Makes what was read comparable with what `spoken` speaks of: takes out the settings that it
    /// leaves to the engine, and fills in Swarm's defaults for those that it spells out. What the
    /// manifest spells out is compared with what holds, what it leaves out is unmanaged.
    pub fn mask(&mut self, spoken: &Self) {
        Record::mask(self, spoken);
    }

    /// What a change from `from` to this one makes of a service that is as `live`: a key that means
    /// the same in both stays as it is there, whoever has set it.
    pub fn keep(&mut self, from: &Self, live: &Self) {
        Record::keep(self, from, live);
    }

    /// Reads the spec of a service in the Engine API's JSON. `None` for those that no manifest can
    /// describe: jobs, and plugins run as services. The error is what was expected, to fit
    /// "expected {}".
    pub fn from_engine(spec: &Value, ids: &Ids) -> Result<Option<Self>, String> {
        let runs = |mode: &str| {
            spec.pointer(&format!("/Mode/{mode}"))
                .is_some_and(|mode| !mode.is_null())
        };
        let container = spec.pointer("/TaskTemplate/ContainerSpec");
        if container.is_none() || !(runs("Global") || runs("Replicated")) {
            return Ok(None);
        }
        let root = lifted(spec);
        Ok(Some(Record::without_defaults(<Self as Record>::read(
            &root, ids,
        )?)))
    }

    /// The spec to send: `base` is the one inspected, `{}` for a new service. What the table
    /// speaks of is set, or removed where it has nothing; what means the same already is left as
    /// it is, for the engine replaces the tasks of a template that is only spelled in another way;
    /// and what the table does not speak of stays, for somebody else may manage it.
    pub fn to_engine(&self, base: &Value, ids: &Ids) -> Value {
        let mut root = lifted(base);
        let fresh = root.is_empty();
        Record::write(self, &mut root, ids, fresh);
        Value::Object(root)
    }
}

/// The spec with its networks where they belong: old engines keep them beside the task template,
/// whose own would be ignored then.
fn lifted(spec: &Value) -> Map<String, Value> {
    let mut root = spec.as_object().cloned().unwrap_or_default();
    let place = ["TaskTemplate", "Networks"];
    let old = root.remove("Networks");
    let has_own = |root| {
        key::at(root, &place)
            .and_then(Value::as_array)
            .is_some_and(|own| !own.is_empty())
    };
    if old.is_some() && !has_own(&root) {
        key::put(&mut root, &place, old);
    }
    root
}

/// The unit of a field of a service, by the last segment of its path: a key has one unit wherever
/// it stands, which a test holds.
pub fn unit(field: &str) -> Option<Unit> {
    static UNITS: OnceLock<BTreeMap<&'static str, Unit>> = OnceLock::new();
    fn collect(keys: Vec<Key>, units: &mut BTreeMap<&'static str, Unit>) {
        for key in keys {
            units.extend(key.unit.map(|unit| (key.name, unit)));
            collect(key.nested, units);
        }
    }
    let units = UNITS.get_or_init(|| {
        let mut units = BTreeMap::new();
        collect(ServiceSpec::keys(), &mut units);
        units
    });
    units.get(field).copied()
}
