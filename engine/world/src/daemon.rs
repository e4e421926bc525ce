//! What Subako writes into a Docker Engine's `daemon.json`, and how that gets along with what
//! others have written there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What an engine takes for its own bridges, docker0 and docker_gwbridge, unless it is told otherwise:
/// the first two of Docker's local pools (moby, `ipamutils`; docs.docker.com, "default-address-pools").
pub const DOCKER_BRIDGES: [&str; 2] = ["172.17.0.0/16", "172.18.0.0/16"];

/// The mask of each network that is cut from a pool of addresses.
const POOL_BITS: u8 = 24;

/// The keys of `daemon.json` that are Subako's to write; all others are left as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DaemonConfig {
    /// Ranges that the host's own networks (docker_gwbridge among them) are cut from, CIDR
    /// notation; none leaves Docker's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address_pools: Vec<String>,
    /// The address of docker0 with its mask; `None` leaves Docker's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bip: Option<String>,
    /// Where containers' output goes; `None` leaves Docker's own, which is without bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_driver: Option<String>,
    /// Options of the log driver, for example `max-size`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub log_options: BTreeMap<String, String>,
    /// URLs of mirrors of Docker Hub, in the order in which they are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registry_mirrors: Vec<String>,
}

/// Why a `daemon.json` cannot be made what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DaemonConflict {
    /// It is not what Docker reads.
    #[error("it is not a JSON object: {0}")]
    Malformed(String),
    /// Somebody else has set a key otherwise.
    #[error("somebody else has set `{key}` to {theirs}, and {wanted} is wanted")]
    Theirs {
        /// The key.
        key: String,
        /// What it is.
        theirs: String,
        /// What is wanted.
        wanted: String,
    },
}

impl DaemonConfig {
    /// The ranges that the host's own networks have: docker0, docker_gwbridge and others of one host,
    /// CIDR notation. Without pools of its own an engine cuts them from Docker's.
    pub fn bridges(&self) -> Vec<&str> {
        let pools = self.address_pools.iter().map(String::as_str);
        let dockers = DOCKER_BRIDGES.iter().copied();
        let bip = self.bip.as_deref().into_iter();
        match self.address_pools.is_empty() {
            true => bip.chain(dockers).collect(),
            false => bip.chain(pools).collect(),
        }
    }

    /// Its keys and values, as `dockerd` reads them.
    pub fn keys(&self) -> Map<String, Value> {
        let mut keys = Map::new();
        if let Some(bip) = &self.bip {
            keys.insert("bip".to_owned(), json!(bip));
        }
        if !self.address_pools.is_empty() {
            let pools = self.address_pools.iter();
            let pools: Vec<Value> = pools
                .map(|base| json!({"base": base, "size": POOL_BITS}))
                .collect();
            keys.insert("default-address-pools".to_owned(), Value::Array(pools));
        }
        if let Some(driver) = &self.log_driver {
            keys.insert("log-driver".to_owned(), json!(driver));
        }
        if !self.log_options.is_empty() {
            keys.insert("log-opts".to_owned(), json!(self.log_options));
        }
        if !self.registry_mirrors.is_empty() {
            keys.insert("registry-mirrors".to_owned(), json!(self.registry_mirrors));
        }
        keys
    }

    /// The text of the file once what is wanted is in it. `there` is what it contains (`None` where
    /// there is no such file), `ours` what Subako wrote into it last.
    ///
    /// # Errors
    /// It is no JSON object, or has a key of somebody else's that would have to be another.
    pub fn written_into(&self, there: Option<&str>, ours: Option<&str>) -> Result<String, DaemonConflict> {
        let mut file = object(there.filter(|text| !text.trim().is_empty()))?;
        // What Subako wrote and cannot be read any more has no owner.
        let ours = object(ours).unwrap_or_default();
        let wanted = self.keys();
        for (key, value) in &ours {
            if !wanted.contains_key(key) && file.get(key) == Some(value) {
                file.remove(key);
            }
        }
        for (key, value) in wanted {
            if let Some(theirs) = file.get(&key)
                && *theirs != value
                && ours.get(&key) != Some(theirs)
            {
                return Err(DaemonConflict::Theirs {
                    theirs: theirs.to_string(),
                    wanted: value.to_string(),
                    key,
                });
            }
            file.insert(key, value);
        }
        Ok(pretty(&file))
    }

    /// What Subako keeps beside the file, to know its own keys again.
    pub fn own_text(&self) -> String {
        pretty(&self.keys())
    }
}

fn object(text: Option<&str>) -> Result<Map<String, Value>, DaemonConflict> {
    match text {
        None => Ok(Map::new()),
        Some(text) => {
            serde_json::from_str(text).map_err(|error| DaemonConflict::Malformed(error.to_string()))
        }
    }
}

fn pretty(keys: &Map<String, Value>) -> String {
    format!("{:#}\n", Value::Object(keys.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotating(size: &str) -> DaemonConfig {
        DaemonConfig {
            log_driver: Some("json-file".to_owned()),
            log_options: BTreeMap::from([("max-size".to_owned(), size.to_owned())]),
            ..DaemonConfig::default()
        }
    }

    fn read(text: &str) -> Value {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn every_key_is_written_as_dockerd_reads_it() {
        let all = DaemonConfig {
            address_pools: vec!["192.168.248.0/21".to_owned()],
            bip: Some("192.168.240.1/24".to_owned()),
            registry_mirrors: vec!["https://mirror.test".to_owned()],
            ..rotating("10m")
        };
        let written = all.written_into(None, None).expect("nothing is in the way");
        assert_eq!(
            read(&written),
            json!({
                "bip": "192.168.240.1/24",
                "default-address-pools": [{"base": "192.168.248.0/21", "size": 24}],
                "log-driver": "json-file",
                "log-opts": {"max-size": "10m"},
                "registry-mirrors": ["https://mirror.test"],
            })
        );
        assert_eq!(written, all.own_text());
    }

    #[test]
    fn keys_of_others_stay_and_their_values_are_never_changed() {
        let theirs = r#"{"live-restore": false, "log-driver": "json-file"}"#;
        let written = rotating("10m").written_into(Some(theirs), None).expect("merged");
        assert_eq!(
            read(&written),
            json!({"live-restore": false, "log-driver": "json-file", "log-opts": {"max-size": "10m"}})
        );
        let other = rotating("10m").written_into(Some(r#"{"log-driver": "journald"}"#), None);
        let Err(DaemonConflict::Theirs { key, theirs, .. }) = other else {
            panic!("it was taken: {other:?}");
        };
        assert_eq!((key.as_str(), theirs.as_str()), ("log-driver", "\"journald\""));
        for text in ["[]", "{", "null"] {
            let malformed = rotating("10m").written_into(Some(text), None);
            assert!(matches!(malformed, Err(DaemonConflict::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn its_own_keys_change_and_go_and_what_was_there_comes_back() {
        let theirs = "{\"debug\": true}";
        let first = rotating("10m");
        let once = first.written_into(Some(theirs), None).expect("merged");
        let second = rotating("20m");
        let twice = second
            .written_into(Some(&once), Some(&first.own_text()))
            .expect("changed");
        assert_eq!(read(&twice)["log-opts"]["max-size"], "20m");
        let none = DaemonConfig::default();
        let back = none
            .written_into(Some(&twice), Some(&second.own_text()))
            .expect("taken back");
        assert_eq!(read(&back), read(theirs));
        // Written again it is the same, to the byte: nothing restarts.
        let again = second.written_into(Some(&twice), Some(&second.own_text()));
        assert_eq!(again, Ok(twice));
    }
}
