//! `ports`, `mounts` and `networks` of a service: each in a short and a long form.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use toml::de::DeValue;

use super::FileUseTable;
use crate::manifest::decode::{Context, Decode, Int, Node, OneOrMany, Table, keywords, section};
use crate::manifest::formats::{PlainText, ShortMount, ShortPorts, Size, SwarmName, Transport};
use crate::manifest::span::At;
use crate::world::{MountKind, PublishMode};

section! {
    /// A published port in its long form.
    pub struct PublishedTable = "a published port" {
        /// The port in the container.
        required target: Int<1, 65535>,
        /// The port on the nodes.
        required published: Int<1, 65535>,
        /// "tcp" (the default) or "udp".
        optional protocol: Transport,
        /// "ingress" (the default), on every node, or "host", only where a task runs.
        optional mode: PublishMode,
    }
    elsewhere {
        "host_ip" => "Swarm publishes on every address of a node; to keep a port inside the cluster, publish nothing: services on the same [[network]] reach each other by name",
        "name" => "Compose's `name` of a port is a comment: remove it",
        "app_protocol" => "Swarm does not use `app_protocol`: remove it",
    }
}

section! {
    /// A mount in its long form.
    pub struct MountTable = "a mount" {
        /// What is mounted: "volume" (the default), "bind" or "tmpfs".
        optional kind: MountKind,
        /// The volume's name, or the path on the node.
        optional source: PlainText,
        /// The path in the container.
        required target: PlainText,
        /// Whether the container may not write. Default: false.
        optional read_only: bool,
        /// Of a tmpfs: how large it may become.
        optional tmpfs: TmpfsOptions,
    }
    elsewhere {
        "readonly" => "did you mean `read_only`?",
        "src" => "did you mean `source`?",
        "dst" => "did you mean `target`?",
    }
}

section! {
    /// What is particular to a mount of memory.
    pub struct TmpfsOptions = "`tmpfs`" {
        /// The most that it holds, for example "64M". Left out, half of the node's memory.
        optional size: Size,
    }
    later {
        "mode" => "until then, everybody in the container may write to it (1777)",
    }
}

section! {
    /// A service's place on a network.
    pub struct Attachment = "a network of a service" {
        /// Other names that the service has there.
        optional aliases: OneOrMany<SwarmName>,
    }
}

/// A published port: `"8080:80"`, or a table.
#[derive(Debug)]
pub enum Published {
    /// The short form.
    Short(ShortPorts),
    /// The long form.
    Long(PublishedTable),
}

/// A mount: `"data:/data"`, or a table.
#[derive(Debug)]
pub enum Mount {
    /// The short form.
    Short(ShortMount),
    /// The long form.
    Long(MountTable),
}

/// The networks of a service, each with its aliases.
#[derive(Debug, Default)]
pub struct Networks(pub Vec<(At<String>, Vec<At<SwarmName>>)>);

macro_rules! short_or_long {
    ($($name:ident($short:ty, $long:ty) = $expected:literal;)*) => {$(
        impl Decode for $name {
            const EXPECTED: &'static str = $expected;

            fn spelled(written: &str) -> Option<String> {
                <$short>::spelled(written)
            }

            fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
                match node.get_ref() {
                    DeValue::Table(_) => <$long>::decode(cx, key, node).map(Self::Long),
                    DeValue::String(_) => <$short>::decode(cx, key, node).map(Self::Short),
                    _ => {
                        cx.wrong_type::<Self>(key, node);
                        None
                    }
                }
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let short = generator.subschema_for::<At<$short>>();
                json_schema!({ "anyOf": [short, generator.subschema_for::<$long>()] })
            }
        }
    )*};
}

/// A secret or config of a service: its name, or a table.
#[derive(Debug)]
pub enum FileUse {
    /// The short form.
    Short(String),
    /// The long form.
    Long(FileUseTable),
}

short_or_long! {
    Published(ShortPorts, PublishedTable) = "a string such as \"8080:80\" or a table";
    FileUse(String, FileUseTable) = "a name or a table";
    Mount(ShortMount, MountTable) = "a string such as \"data:/data\" or a table";
}

impl Decode for Networks {
    const EXPECTED: &'static str = "a list of names or a table";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        match node.get_ref() {
            DeValue::Array(_) => {
                let names = Vec::<At<String>>::decode(cx, key, node)?;
                Some(Self(names.into_iter().map(|name| (name, Vec::new())).collect()))
            }
            DeValue::Table(_) => {
                let table = Table::<Attachment>::decode(cx, key, node)?;
                let aliases = |attachment: At<Attachment>| {
                    attachment
                        .value
                        .aliases
                        .map(|aliases| aliases.value.0)
                        .unwrap_or_default()
                };
                Some(Self(
                    table
                        .0
                        .into_iter()
                        .map(|(name, at)| (name, aliases(at)))
                        .collect(),
                ))
            }
            _ => {
                cx.wrong_type::<Self>(key, node);
                None
            }
        }
    }
}

impl JsonSchema for Networks {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Networks".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let list = generator.subschema_for::<Vec<At<String>>>();
        json_schema!({ "anyOf": [list, generator.subschema_for::<Table<Attachment>>()] })
    }
}

keywords!(PublishMode, "\"ingress\" or \"host\"", {
    "ingress" => PublishMode::Ingress,
    "host" => PublishMode::Host,
});
keywords!(MountKind, "\"volume\", \"bind\" or \"tmpfs\"", {
    "volume" => MountKind::Volume,
    "bind" => MountKind::Bind,
    "tmpfs" => MountKind::Tmpfs,
});
