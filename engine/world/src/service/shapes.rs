//! Keys with a form of their own: the image, the mode, mounts, networks, ports, files, preferences.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Ids;
use super::key::Style;
use super::parts::{Endpoint, Mode, Mount, MountKind, PublishMode, ServiceNetwork};
use super::styles::{Name, Word};
use crate::files::FileMount;
use crate::image;

/// A reference to an image. Names that Docker fills in mean what it fills in.
pub(super) struct Image;

impl Style for Image {
    type Value = String;

    fn absent(&self) -> String {
        String::new()
    }

    fn canonical(&self, value: String) -> String {
        image::canonical(&value)
    }

    fn read(&self, found: Option<&Value>, ids: &Ids) -> Result<String, String> {
        Name("").read(found, ids)
    }

    fn write(&self, found: Option<&Value>, value: &String, ids: &Ids) -> Option<Value> {
        Name("").write(found, value, ids)
    }
}

/// Replicated or global.
pub(super) struct Tasks;

impl Style for Tasks {
    type Value = Mode;

    fn absent(&self) -> Mode {
        Mode::Replicated(1)
    }

    fn read(&self, found: Option<&Value>, _: &Ids) -> Result<Mode, String> {
        let has = |mode: &str| {
            found
                .and_then(|found| found.get(mode))
                .filter(|mode| !mode.is_null())
        };
        if has("Global").is_some() {
            return Ok(Mode::Global);
        }
        let replicated = has("Replicated").ok_or("a service that is replicated or global")?;
        Ok(Mode::Replicated(
            replicated.get("Replicas").and_then(Value::as_u64).unwrap_or(1),
        ))
    }

    fn write(&self, found: Option<&Value>, value: &Mode, _: &Ids) -> Option<Value> {
        Some(match value {
            Mode::Replicated(replicas) => {
                let there = found.and_then(|mode| mode.get("Replicated"));
                let mut object = there.and_then(Value::as_object).cloned().unwrap_or_default();
                object.insert("Replicas".to_owned(), json!(replicas));
                json!({ "Replicated": object })
            }
            Mode::Global => json!({ "Global": {} }),
        })
    }
}

fn items(found: Option<&Value>) -> &[Value] {
    found.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn field<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    let texts = items(value.get(key)).iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

fn list(items: impl Iterator<Item = Value>) -> Option<Value> {
    let items: Vec<Value> = items.collect();
    (!items.is_empty()).then_some(Value::Array(items))
}

fn set(object: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    match value {
        Some(value) => object.insert(key.to_owned(), value),
        None => object.remove(key),
    };
}

fn predecessor(found: Option<&Value>, is_it: impl Fn(&Value) -> bool) -> Map<String, Value> {
    let there = items(found).iter().find(|item| is_it(item));
    there.and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Mounts: each keeps what else its predecessor of the same kind and target had, and those of
/// kinds that a manifest cannot name (`npipe`, `cluster`) stay.
pub(super) struct Mounts;

impl Mounts {
    fn kind(mount: &Value) -> Option<MountKind> {
        serde_json::from_value(mount.get("Type")?.clone()).ok()
    }
}

impl Style for Mounts {
    type Value = Vec<Mount>;

    fn absent(&self) -> Vec<Mount> {
        Vec::new()
    }

    /// Docker mounts by target, whatever the order.
    fn canonical(&self, mut value: Vec<Mount>) -> Vec<Mount> {
        value.sort_by(|a, b| a.target.cmp(&b.target));
        value
    }

    fn read(&self, found: Option<&Value>, _: &Ids) -> Result<Vec<Mount>, String> {
        let mounts = items(found).iter();
        Ok(mounts
            .filter_map(|mount| {
                let source = field(mount, "/Source");
                Some(Mount {
                    kind: Self::kind(mount)?,
                    read_only: mount.get("ReadOnly").and_then(Value::as_bool).unwrap_or(false),
                    source: (!source.is_empty()).then(|| source.to_owned()),
                    target: field(mount, "/Target").to_owned(),
                    tmpfs_size: mount
                        .pointer("/TmpfsOptions/SizeBytes")
                        .and_then(Value::as_u64)
                        .filter(|size| *size > 0),
                })
            })
            .collect())
    }

    fn write(&self, found: Option<&Value>, value: &Vec<Mount>, _: &Ids) -> Option<Value> {
        let written = value.iter().map(|mount| {
            let mut object = predecessor(found, |there| {
                Self::kind(there) == Some(mount.kind) && field(there, "/Target") == mount.target
            });
            object.insert("Type".to_owned(), json!(mount.kind));
            object.insert("Target".to_owned(), json!(mount.target));
            set(
                &mut object,
                "Source",
                mount.source.as_ref().map(|source| json!(source)),
            );
            set(
                &mut object,
                "ReadOnly",
                mount.read_only.then_some(Value::Bool(true)),
            );
            let options = tmpfs(mount, &object);
            set(&mut object, "TmpfsOptions", options);
            Value::Object(object)
        });
        let foreign = items(found).iter().filter(|there| Self::kind(there).is_none());
        list(written.chain(foreign.cloned()))
    }
}

/// The options of a mount of memory, with what else its predecessor had (a mode).
fn tmpfs(mount: &Mount, there: &Map<String, Value>) -> Option<Value> {
    let options = there.get("TmpfsOptions").and_then(Value::as_object);
    let mut options = options.cloned().unwrap_or_default();
    set(&mut options, "SizeBytes", mount.tmpfs_size.map(Value::from));
    (!options.is_empty()).then_some(Value::Object(options))
}

/// Networks, by id in the Engine API. One without an id goes by its name: the engine says what it
/// thinks of it.
pub(super) struct Networks;

impl Style for Networks {
    type Value = Vec<ServiceNetwork>;

    fn absent(&self) -> Vec<ServiceNetwork> {
        Vec::new()
    }

    fn without_default(&self, mut value: Vec<ServiceNetwork>) -> Vec<ServiceNetwork> {
        value.iter_mut().for_each(|network| network.aliases.sort());
        value.sort();
        value
    }

    fn read(&self, found: Option<&Value>, ids: &Ids) -> Result<Vec<ServiceNetwork>, String> {
        let networks = items(found).iter();
        Ok(networks
            .map(|network| ServiceNetwork {
                aliases: texts(network, "Aliases"),
                name: ids.network_name(field(network, "/Target")).to_owned(),
            })
            .collect())
    }

    fn write(&self, found: Option<&Value>, value: &Vec<ServiceNetwork>, ids: &Ids) -> Option<Value> {
        list(value.iter().map(|network| {
            let target = ids.networks.get(&network.name).unwrap_or(&network.name);
            let mut object = predecessor(found, |there| field(there, "/Target") == target);
            object.insert("Target".to_owned(), json!(target));
            let aliases = network.aliases.iter().map(|alias| json!(alias));
            set(&mut object, "Aliases", list(aliases));
            Value::Object(object)
        }))
    }
}

/// Published ports.
pub(super) struct Ports;

impl Style for Ports {
    type Value = Vec<Endpoint>;

    fn absent(&self) -> Vec<Endpoint> {
        Vec::new()
    }

    fn without_default(&self, mut value: Vec<Endpoint>) -> Vec<Endpoint> {
        value.sort();
        value
    }

    fn read(&self, found: Option<&Value>, ids: &Ids) -> Result<Vec<Endpoint>, String> {
        let number = |port: &Value, key: &str| {
            // A port that the engine chose itself is not in the spec.
            let number = port.get(key).and_then(Value::as_u64).unwrap_or(0);
            u16::try_from(number).map_err(|_| "a port up to 65535".to_owned())
        };
        let ports = items(found).iter();
        ports
            .map(|port| {
                Ok(Endpoint {
                    mode: Word(PublishMode::Ingress, "PublishMode").read(port.get("PublishMode"), ids)?,
                    protocol: Name("tcp").read(port.get("Protocol"), ids)?,
                    published: number(port, "PublishedPort")?,
                    target: number(port, "TargetPort")?,
                })
            })
            .collect()
    }

    fn write(&self, _: Option<&Value>, value: &Vec<Endpoint>, _: &Ids) -> Option<Value> {
        list(value.iter().map(|port| {
            json!({
                "Protocol": port.protocol,
                "TargetPort": port.target,
                "PublishedPort": port.published,
                "PublishMode": port.mode,
            })
        }))
    }
}

/// What tasks are spread over, the first before the second.
pub(super) struct Spreads;

impl Style for Spreads {
    type Value = Vec<String>;

    fn absent(&self) -> Vec<String> {
        Vec::new()
    }

    fn read(&self, found: Option<&Value>, _: &Ids) -> Result<Vec<String>, String> {
        let descriptors = items(found)
            .iter()
            .map(|item| field(item, "/Spread/SpreadDescriptor"));
        Ok(descriptors
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .collect())
    }

    fn write(&self, _: Option<&Value>, value: &Vec<String>, _: &Ids) -> Option<Value> {
        let spread = |descriptor: &String| json!({ "Spread": { "SpreadDescriptor": descriptor } });
        list(value.iter().map(spread))
    }
}

/// Secrets or configs that are files. A config may be something else (credentials for Windows),
/// which no manifest can name: it stays.
pub(super) enum Files {
    Secrets,
    Configs,
}

impl Files {
    fn word(&self) -> &'static str {
        match self {
            Self::Secrets => "Secret",
            Self::Configs => "Config",
        }
    }

    fn ids<'a>(&self, ids: &'a Ids) -> &'a BTreeMap<String, String> {
        match self {
            Self::Secrets => &ids.secrets,
            Self::Configs => &ids.configs,
        }
    }

    fn is_file(item: &&Value) -> bool {
        item.get("File").is_some_and(Value::is_object)
    }

    fn id(&self, name: &str, ids: &Ids) -> String {
        self.ids(ids).get(name).cloned().unwrap_or_default()
    }
}

impl Style for Files {
    type Value = Vec<FileMount>;

    fn absent(&self) -> Vec<FileMount> {
        Vec::new()
    }

    fn without_default(&self, mut value: Vec<FileMount>) -> Vec<FileMount> {
        FileMount::sort(&mut value);
        value
    }

    fn read(&self, found: Option<&Value>, _: &Ids) -> Result<Vec<FileMount>, String> {
        let files = items(found).iter().filter(Self::is_file);
        Ok(files
            .map(|file| FileMount {
                gid: field(file, "/File/GID").to_owned(),
                mode: file
                    .pointer("/File/Mode")
                    .and_then(Value::as_u64)
                    .and_then(|mode| u32::try_from(mode).ok())
                    .unwrap_or(0),
                name: field(file, &format!("/{}Name", self.word())).to_owned(),
                target: field(file, "/File/Name").to_owned(),
                uid: field(file, "/File/UID").to_owned(),
            })
            .collect())
    }

    fn write(&self, found: Option<&Value>, value: &Vec<FileMount>, ids: &Ids) -> Option<Value> {
        let word = self.word();
        let written = value.iter().map(|file| {
            json!({
                format!("{word}ID"): self.id(&file.name, ids),
                format!("{word}Name"): file.name,
                "File": { "Name": file.target, "UID": file.uid, "GID": file.gid, "Mode": file.mode },
            })
        });
        let other = items(found)
            .iter()
            .filter(|item| matches!(self, Self::Configs) && !Self::is_file(item));
        list(written.chain(other.cloned()))
    }

    /// The same names may be of other objects by now, and the id is what the engine goes by.
    fn is_there(&self, found: Option<&Value>, value: &Vec<FileMount>, ids: &Ids) -> bool {
        let pointer = format!("/{}ID", self.word());
        let current = items(found).iter().filter(Self::is_file).all(|item| {
            let name = field(item, &format!("/{}Name", self.word()));
            field(item, &pointer) == self.id(name, ids)
        });
        let stray = matches!(self, Self::Secrets) && !items(found).iter().all(|item| Self::is_file(&item));
        let read = self.read(found, ids).unwrap_or_default();
        current && !stray && self.canonical(read) == self.canonical(value.clone())
    }
}
