//! Where tasks may run and how they spread.

use crate::manifest::decode::{Context, Decode, FromText, Malformed, Node, nearest, plain_schema};
use toml::de::DeValue;

/// A placement constraint in its canonical form, `node.role == worker`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint(pub String);

/// What to spread over, `node.labels.zone`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread(pub String);

plain_schema! {
    Constraint => "Constraint" { "type": "string", "pattern": "(==|!=)" },
    Spread => "Spread" { "anyOf": [
        { "type": "string", "pattern": "^(spread=)?(node|engine)\\.labels\\..+" },
        {
            "type": "object", "properties": { "spread": { "type": "string" } },
            "required": ["spread"], "additionalProperties": false
        },
    ] },
}

/// What a constraint can be about, but for labels (swarmkit, `constraint.NodeMatches`).
const SUBJECTS: [&str; 6] = [
    "node.id",
    "node.hostname",
    "node.ip",
    "node.role",
    "node.platform.os",
    "node.platform.arch",
];

fn is_label(subject: &str) -> bool {
    ["node.labels.", "engine.labels."].iter().any(|prefix| {
        subject
            .strip_prefix(prefix)
            .is_some_and(|label| !label.is_empty())
    })
}

impl FromText for Constraint {
    const FORM: &'static str = "a constraint such as \"node.role == worker\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let split = |operator| {
            text.split_once(operator)
                .map(|(a, b)| (a.trim(), operator, b.trim()))
        };
        let Some((subject, operator, value)) = split("!=").or_else(|| split("==")) else {
            let malformed = Malformed::new("neither `==` nor `!=` in it");
            return Err(match text.split_once('=') {
                Some((a, b)) => malformed.help(format!("did you mean \"{} == {}\"?", a.trim(), b.trim())),
                None => malformed,
            });
        };
        if !SUBJECTS.contains(&subject) && !is_label(subject) {
            let all = SUBJECTS.iter().copied().chain(["node.labels.", "engine.labels."]);
            let malformed = Malformed::new(format!("a node has no \"{subject}\" to compare"));
            let help = match nearest(subject, all) {
                Some(near) if !near.ends_with('.') => format!("did you mean \"{near}\"?"),
                _ if !subject.contains('.') && !subject.is_empty() => {
                    format!("for a label, write \"node.labels.{subject} {operator} {value}\"")
                }
                _ => format!(
                    "it can be {}, node.labels.NAME or engine.labels.NAME",
                    SUBJECTS.join(", ")
                ),
            };
            return Err(malformed.help(help));
        }
        if value.is_empty() {
            return Err(Malformed::new(format!("nothing follows the `{operator}`")));
        }
        if subject == "node.role" && !matches!(value, "manager" | "worker") {
            return Err(Malformed::new(format!("\"{value}\" is not a role"))
                .help("a node's role is \"manager\" or \"worker\""));
        }
        Ok(Self(format!("{subject} {operator} {value}")))
    }
}

impl Decode for Spread {
    const EXPECTED: &'static str = "a label to spread over such as \"node.labels.zone\"";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        let node = match node.get_ref() {
            // As Compose writes it: { spread = "node.labels.zone" }.
            DeValue::Table(table) if table.len() == 1 => table.get("spread").unwrap_or(node),
            _ => node,
        };
        let text = cx.string::<Self>(key, node)?;
        let label = text.strip_prefix("spread=").unwrap_or(&text);
        if is_label(label) {
            return Some(Self(label.to_owned()));
        }
        cx.report(
            crate::manifest::error::ManifestError::new(
                crate::manifest::error::Code::BadFormat,
                format!("`{key}` must be {}", Self::EXPECTED),
            )
            .at(
                node.span().into(),
                "tasks spread over the values of a label, and this is none",
            )
            .help("write \"node.labels.NAME\" or \"engine.labels.NAME\""),
        );
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_brought_into_one_form() {
        let read = |text: &str| Constraint::from_text(text).map(|c| c.0);
        assert_eq!(read("node.role==worker").as_deref(), Ok("node.role == worker"));
        assert_eq!(
            read("node.labels.zone !=  a").as_deref(),
            Ok("node.labels.zone != a")
        );
        assert_eq!(
            read("engine.labels.os==x").as_deref(),
            Ok("engine.labels.os == x")
        );
    }

    #[test]
    fn a_near_miss_comes_with_what_was_meant() {
        let help = |text: &str| {
            Constraint::from_text(text)
                .expect_err("bad")
                .help
                .unwrap_or_default()
        };
        assert_eq!(help("node.rol == worker"), "did you mean \"node.role\"?");
        assert_eq!(
            help("node.role = worker"),
            "did you mean \"node.role == worker\"?"
        );
        assert_eq!(help("zone == a"), "for a label, write \"node.labels.zone == a\"");
        assert!(help("node.labels. == a").starts_with("it can be node.id"));
        assert!(help("node.role == master").contains("\"manager\""));
    }
}
