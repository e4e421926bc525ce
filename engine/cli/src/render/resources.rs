//! The state: resources, and where the cluster answers.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value as J;
use subako_engine::display::{Display, Units};
use subako_state::{AccountId, Address, Digest, Resource, Snapshot};
use unicode_width::UnicodeWidthStr as _;

use super::document::{self, UnfinishedRun};
use super::value;
use crate::error::Result;
use crate::plain::plain;
use crate::style::{Meaning, Paint};

/// The state for machines.
#[derive(Serialize)]
struct StateView<'a> {
    cluster: &'a str,
    provider: &'a str,
    account: &'a Option<AccountId>,
    lineage: &'a str,
    serial: u64,
    digest: Option<&'a Digest>,
    resources: Vec<&'a Resource>,
}

/// The state for machines: one line and a newline.
pub fn json(
    snapshot: &Snapshot,
    digest: Option<&Digest>,
    resources: &[&Resource],
    unfinished: Option<&UnfinishedRun>,
) -> Result<String> {
    let view = StateView {
        cluster: &snapshot.cluster,
        provider: &snapshot.provider,
        account: &snapshot.account,
        lineage: &snapshot.lineage,
        serial: snapshot.serial,
        digest,
        resources: resources.to_vec(),
    };
    document::json("the state", &view, unfinished)
}

/// The addresses of resources for machines.
pub fn list_json(resources: &[&Resource], unfinished: Option<&UnfinishedRun>) -> Result<String> {
    #[derive(Serialize)]
    struct One<'a> {
        address: &'a Address,
        /// Whether it is replaced, and waits to be deleted.
        deposed: bool,
    }
    #[derive(Serialize)]
    struct List<'a> {
        resources: Vec<One<'a>>,
    }
    let resources = resources.iter().map(|resource| One {
        address: &resource.address,
        deposed: resource.deposed,
    });
    let list = List {
        resources: resources.collect(),
    };
    document::json("the list", &list, unfinished)
}

/// Writes resources for people: address, then what the world answered, then what was wanted.
pub fn text(out: &mut String, paint: Paint, kinds: &Display, resources: &[&Resource]) {
    for (index, resource) in resources.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let mut marks = Vec::new();
        if resource.deposed {
            marks.push("replaced, waits to be deleted");
        }
        if resource.protect {
            marks.push("protected");
        }
        let _ = write!(out, "{}", paint.of(Meaning::Strong, &resource.address));
        if !marks.is_empty() {
            let _ = write!(out, "  ({})", marks.join(", "));
        }
        out.push('\n');
        let (outputs, spec) = (resource.outputs.value(), resource.spec.value());
        let width = width(&outputs).max(width(&spec));
        let units = kinds.units(resource.address.kind());
        fields(out, paint, units, width, &outputs, Some(Meaning::Good));
        fields(out, paint, units, width, &spec, None);
        if !resource.depends_on.is_empty() {
            let names: Vec<&str> = resource.depends_on.iter().map(Address::as_str).collect();
            let _ = writeln!(
                out,
                "  {} {}",
                paint.of(Meaning::Dim, "depends on"),
                plain(names.join(", "))
            );
        }
    }
}

/// The fields that are worth a line.
fn shown(object: &J) -> impl Iterator<Item = (&String, &J)> {
    let fields = object.as_object().into_iter().flatten();
    fields.filter(|(_, found)| !is_nothing(found))
}

fn width(object: &J) -> usize {
    shown(object)
        .map(|(key, _)| plain(key).to_string().width())
        .max()
        .unwrap_or(0)
}

fn fields(out: &mut String, paint: Paint, units: Units, width: usize, object: &J, meaning: Option<Meaning>) {
    for (key, found) in shown(object) {
        let name = plain(key).to_string();
        if value::is_long(units, found) {
            let _ = writeln!(out, "  {name}:");
            for line in value::lines(units, key, found) {
                let _ = writeln!(out, "    {line}");
            }
            continue;
        }
        let gap = width - name.width() + 1;
        let text = value::inline(units, key, found);
        match meaning {
            Some(meaning) => {
                let _ = writeln!(out, "  {name}:{:gap$}{}", "", paint.of(meaning, text));
            }
            None => {
                let _ = writeln!(out, "  {name}:{:gap$}{text}", "");
            }
        }
    }
}

fn is_nothing(value: &J) -> bool {
    match value {
        J::Null => true,
        J::Array(items) => items.is_empty(),
        J::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use subako_state::Json;

    use super::*;

    fn resource(address: &str, spec: J, outputs: J) -> Resource {
        let spec = Json::canonical(&spec).expect("json");
        Resource {
            address: address.parse().expect("an address"),
            depends_on: vec![],
            deposed: false,
            generation: 0,
            made_with: Default::default(),
            outputs: Json::canonical(&outputs).expect("json"),
            protect: false,
            spec_sha256: spec.digest(),
            spec,
        }
    }

    #[test]
    fn a_resource_shows_outputs_then_spec() {
        let one = resource("toy.a", json!({"long": "x", "n": null}), json!({"id": "i-1"}));
        let mut out = String::new();
        text(&mut out, Paint::PLAIN, &Display::built_in(), &[&one]);
        assert_eq!(out, "toy.a\n  id:   i-1\n  long: x\n");
    }
}
