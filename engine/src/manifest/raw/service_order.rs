//! `depends_on` of a service.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::de::DeValue;

use crate::manifest::decode::{Context, Decode, Node, Table, keywords, section};
use crate::manifest::span::At;
use crate::world::Condition;

section! {
    /// When a service that another waits for counts as there.
    pub struct Dependency = "a service that is waited for" {
        /// "service_started", "service_healthy" (both: its tasks run, and are well where they have
        /// a health check) or "service_completed_successfully".
        required condition: Condition,
    }
    elsewhere {
        "restart" => "a service is not redeployed because another one is: remove it",
        "required" => "every service of the manifest is there: remove it",
    }
}

/// The services that a service waits for, each until when.
#[derive(Debug, Default)]
pub struct DependsOn(pub Vec<(At<String>, Condition)>);

impl Decode for DependsOn {
    const EXPECTED: &'static str = "a list of services or a table";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        match node.get_ref() {
            DeValue::Array(_) => {
                let names = Vec::<At<String>>::decode(cx, key, node)?;
                Some(Self(
                    names.into_iter().map(|name| (name, Condition::Started)).collect(),
                ))
            }
            DeValue::Table(_) => {
                let table = Table::<Dependency>::decode(cx, key, node)?;
                let condition =
                    |at: At<Dependency>| at.value.condition.map(|at| at.value).unwrap_or_default();
                Some(Self(
                    table
                        .0
                        .into_iter()
                        .map(|(name, at)| (name, condition(at)))
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

impl JsonSchema for DependsOn {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DependsOn".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let list = generator.subschema_for::<Vec<At<String>>>();
        json_schema!({ "anyOf": [list, generator.subschema_for::<Table<Dependency>>()] })
    }
}

keywords!(Condition, "\"service_started\", \"service_healthy\" or \"service_completed_successfully\"", {
    "service_started" => Condition::Started,
    "service_healthy" => Condition::Healthy,
    "service_completed_successfully" => Condition::Completed,
});
