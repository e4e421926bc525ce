//! What is wanted of a service, as plans show it, and how it maps to what Swarm is told.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::reference::Ref;
use crate::world::{Condition, Mode, ServiceSpec};

/// How a service decides on the number of its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceMode {
    /// As many as `replicas` says.
    Replicated,
    /// One on every node that qualifies.
    Global,
}

/// What is wanted of a service. Its JSON has the keys of [`ServiceSpec`] and the others on one level,
/// and the mode in two of them, `mode` and `replicas`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The services that it waits for, by name, each until when. Nothing Swarm is told.
    pub depends_on: BTreeMap<String, Condition>,
    /// How long tasks that keep ending are waited for, seconds; `None` for a few attempts. Nothing
    /// Swarm is told.
    pub give_up_after_s: Option<u64>,
    /// What Swarm is told, but for the labels that say whose it is.
    pub spec: ServiceSpec,
    /// The `cluster_id` of the swarm.
    pub swarm: Ref,
}

/// What the world answers about a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceOutputs {
    /// The digest of its image, where the manifest names none and the registry answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<String>,
}

impl Service {
    /// A service of the manifest (or as the engine has it), in a swarm. What is spelled out stays,
    /// Swarm's own defaults too: somebody may change the service away from them.
    pub fn of(spec: &ServiceSpec, swarm: Ref) -> Self {
        Self {
            depends_on: BTreeMap::new(),
            give_up_after_s: None,
            spec: spec.clone(),
            swarm,
        }
    }

    /// What Swarm is told, with these labels.
    pub(in crate::kinds) fn request(&self, labels: BTreeMap<String, String>) -> ServiceSpec {
        ServiceSpec {
            labels,
            ..self.spec.clone()
        }
    }
}

impl Serialize for Service {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (mode, replicas) = match self.spec.mode {
            Mode::Replicated(count) => (ServiceMode::Replicated, Some(count)),
            Mode::Global => (ServiceMode::Global, None),
        };
        let text = |error: serde_json::Error| serde::ser::Error::custom(error);
        // The map is sorted, which makes the JSON canonical.
        let mut fields: Map<String, Value> = match serde_json::to_value(&self.spec).map_err(text)? {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        fields.insert("mode".to_owned(), serde_json::to_value(mode).map_err(text)?);
        if let Some(count) = replicas {
            fields.insert("replicas".to_owned(), Value::from(count));
        }
        if !self.depends_on.is_empty() {
            let depends_on = serde_json::to_value(&self.depends_on).map_err(text)?;
            fields.insert("depends_on".to_owned(), depends_on);
        }
        if let Some(seconds) = self.give_up_after_s {
            fields.insert("give_up_after_s".to_owned(), Value::from(seconds));
        }
        fields.insert(
            "swarm".to_owned(),
            serde_json::to_value(&self.swarm).map_err(text)?,
        );
        fields.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Service {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Own {
            #[serde(default)]
            depends_on: BTreeMap<String, Condition>,
            give_up_after_s: Option<u64>,
            mode: ServiceMode,
            replicas: Option<u64>,
            swarm: Ref,
        }
        let mut fields = Map::deserialize(deserializer)?;
        let own = ["depends_on", "give_up_after_s", "mode", "replicas", "swarm"]
            .map(|key| (key.to_owned(), fields.remove(key)));
        let own = own.into_iter().filter_map(|(key, value)| Some((key, value?)));
        let own: Own = serde_json::from_value(Value::Object(own.collect())).map_err(D::Error::custom)?;
        let mode = match own.mode {
            ServiceMode::Replicated => Mode::Replicated(own.replicas.unwrap_or(1)),
            ServiceMode::Global => Mode::Global,
        };
        let mode = serde_json::to_value(mode).map_err(D::Error::custom)?;
        fields.insert("mode".to_owned(), mode);
        Ok(Self {
            depends_on: own.depends_on,
            give_up_after_s: own.give_up_after_s,
            spec: serde_json::from_value(Value::Object(fields)).map_err(D::Error::custom)?,
            swarm: own.swarm,
        })
    }
}
