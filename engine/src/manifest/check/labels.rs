//! Tags of EC2 and labels of Docker.

use std::collections::BTreeMap;

use super::unique::Unique;
use crate::manifest::decode::{Context, KeyValues, Labels, Scalar, Table};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::span::{At, Span};
use crate::world::tag;

/// Labels that Subako keeps for itself.
const OWN_LABELS: &str = "subako.";

/// The longest key and value of a tag, in characters (EC2).
const LONGEST_TAG: (usize, usize) = (128, 256);

/// EC2 allows 50 tags; Subako's own and the name are among them.
pub const MOST_TAGS: usize = 45;

/// Tags as a map.
pub fn tags(cx: &mut Context<'_>, field: Option<At<Table<Scalar>>>) -> BTreeMap<String, String> {
    let Some(At {
        value: Table(entries),
        span,
    }) = field
    else {
        return BTreeMap::new();
    };
    too_many(cx, entries.len(), span);
    let mut tags = BTreeMap::new();
    for (key, value) in entries {
        let (key_length, value_length) = (key.chars().count(), value.0.chars().count());
        let bad = |message: String| ManifestError::new(Code::BadTag, message);
        if key.starts_with(tag::PREFIX) {
            cx.report(
                bad(format!("tags that begin with `{}` are Subako's own", tag::PREFIX))
                    .at(key.span, "by these it finds what it made")
                    .help("choose another key"),
            );
        } else if key.to_ascii_lowercase().starts_with("aws:") {
            cx.report(
                bad("tags that begin with `aws:` are AWS's own".to_owned())
                    .at(key.span, "EC2 refuses it")
                    .help("choose another key"),
            );
        } else if key_length == 0 || key_length > LONGEST_TAG.0 {
            cx.report(
                bad(format!("a tag's key has 1 to {} characters", LONGEST_TAG.0))
                    .at(key.span, format!("{key_length} characters")),
            );
        }
        if value_length > LONGEST_TAG.1 {
            cx.report(
                bad(format!("a tag's value has at most {} characters", LONGEST_TAG.1))
                    .at(value.span, format!("{value_length} characters")),
            );
        }
        tags.insert(key.value, value.value.0);
    }
    tags
}

/// Reports more tags than one resource can carry.
pub fn too_many(cx: &mut Context<'_>, tags: usize, span: Span) {
    if tags > MOST_TAGS {
        cx.report(
            ManifestError::new(
                Code::BadTag,
                format!("EC2 has room for {MOST_TAGS} tags of yours on a resource"),
            )
            .at(span, format!("with these there are {tags}")),
        );
    }
}

/// Labels as a map.
pub fn labels(cx: &mut Context<'_>, field: Option<At<Labels>>) -> BTreeMap<String, String> {
    let entries = map(cx, field, "label");
    for key in entries.keys() {
        let problem = if key.starts_with(OWN_LABELS) {
            Some((
                format!("labels that begin with `{OWN_LABELS}` are Subako's own"),
                "by these it knows its nodes and services",
            ))
        } else if key.contains(|c: char| c.is_whitespace() || c == '=') {
            Some((
                "a label's key has no blanks and no `=` in it".to_owned(),
                "this one has",
            ))
        } else {
            None
        };
        if let Some((message, label)) = problem {
            cx.report(
                ManifestError::new(Code::BadTag, message)
                    .at(key.span, label)
                    .help("choose another key"),
            );
        }
    }
    entries
        .into_iter()
        .map(|(key, value)| (key.value, value))
        .collect()
}

/// Environment variables as a map.
pub fn environment(cx: &mut Context<'_>, field: Option<At<KeyValues>>) -> BTreeMap<String, String> {
    let entries = map(cx, field, "variable");
    for key in entries.keys() {
        if key.contains(['=', '\0']) {
            cx.report(
                ManifestError::new(Code::BadName, "a variable's name has no `=` in it")
                    .at(key.span, "this one has"),
            );
        }
    }
    entries
        .into_iter()
        .map(|(key, value)| (key.value, value))
        .collect()
}

/// The entries by key, once empty keys and keys given twice are reported.
fn map<const BARE: bool>(
    cx: &mut Context<'_>,
    field: Option<At<KeyValues<BARE>>>,
    what: &str,
) -> BTreeMap<At<String>, String> {
    let mut seen = Unique::new();
    let mut map = BTreeMap::new();
    for (key, value) in field.map(|at| at.value.0).unwrap_or_default() {
        if key.is_empty() {
            cx.report(
                ManifestError::new(Code::BadName, format!("a {what} needs a name"))
                    .at(key.span, "this one is empty"),
            );
        }
        seen.claim(cx, key.value.clone(), key.span, || {
            format!("the {what} `{}` is set twice", key.value)
        });
        map.insert(key, value.value.0);
    }
    map
}
