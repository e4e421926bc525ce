//! The state: resources, and where the cluster answers.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value as J;
use subako_state::{AccountId, Address, Digest, Resource, Snapshot};
use unicode_width::UnicodeWidthStr as _;

use super::style::{Meaning, Paint};
use super::value;

/// The version of the JSON documents.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
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
) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string(&Document {
        format_version: FORMAT,
        cluster: &snapshot.cluster,
        provider: &snapshot.provider,
        account: &snapshot.account,
        lineage: &snapshot.lineage,
        serial: snapshot.serial,
        digest,
        resources: resources.to_vec(),
    })?;
    text.push('\n');
    Ok(text)
}

/// One resource for machines.
pub fn resource_json(resource: &Resource) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct One<'a> {
        format_version: u32,
        #[serde(flatten)]
        resource: &'a Resource,
    }
    let mut text = serde_json::to_string(&One {
        format_version: FORMAT,
        resource,
    })?;
    text.push('\n');
    Ok(text)
}

/// Writes resources for people: address, then what the world answered, then what was wanted.
pub fn text(out: &mut String, paint: Paint, resources: &[&Resource]) {
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
        fields(out, paint, width, &outputs, Some(Meaning::Good));
        fields(out, paint, width, &spec, None);
        if !resource.depends_on.is_empty() {
            let names: Vec<&str> = resource.depends_on.iter().map(Address::as_str).collect();
            let _ = writeln!(
                out,
                "  {} {}",
                paint.of(Meaning::Dim, "depends on"),
                names.join(", ")
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
    shown(object).map(|(key, _)| key.width()).max().unwrap_or(0)
}

fn fields(out: &mut String, paint: Paint, width: usize, object: &J, meaning: Option<Meaning>) {
    for (key, found) in shown(object) {
        if value::is_long(found) {
            let _ = writeln!(out, "  {key}:");
            for line in value::lines(key, found) {
                let _ = writeln!(out, "    {line}");
            }
            continue;
        }
        let gap = width - key.width() + 1;
        let text = value::inline(key, found);
        match meaning {
            Some(meaning) => {
                let _ = writeln!(out, "  {key}:{:gap$}{}", "", paint.of(meaning, text));
            }
            None => {
                let _ = writeln!(out, "  {key}:{:gap$}{text}", "");
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

/// Something that people or programs connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// Whose it is.
    pub address: Address,
    /// Addresses of an instance, or URLs of a service.
    pub values: Vec<String>,
}

/// The endpoints that the state knows: services' URLs first, then instances' addresses.
pub fn endpoints(snapshot: &Snapshot) -> Vec<Endpoint> {
    let current = || snapshot.resources.iter().filter(|resource| !resource.deposed);
    let mut hosts: Vec<(Address, Option<String>, Option<String>)> = Vec::new();
    for instance in current().filter(|resource| resource.address.kind() == "instance") {
        let outputs = instance.outputs.value();
        let text = |key: &str| outputs.get(key).and_then(J::as_str).map(str::to_owned);
        hosts.push((instance.address.clone(), text("public_ip"), text("private_ip")));
    }
    // Any node answers for every service; the managers are few and stay.
    let managers: Vec<&str> = current()
        .filter(|r| r.address.kind() == "member" && r.spec.as_str().contains("\"role\":\"manager\""))
        .map(|r| r.address.name())
        .collect();
    let mut found = Vec::new();
    for service in current().filter(|resource| resource.address.kind() == "service") {
        let spec = service.spec.value();
        let mut values = Vec::new();
        for port in spec.get("ports").and_then(J::as_array).into_iter().flatten() {
            let (Some(published), Some(protocol)) = (
                port.get("published").and_then(J::as_u64),
                port.get("protocol").and_then(J::as_str),
            ) else {
                continue;
            };
            if port.get("mode").and_then(J::as_str) == Some("host") {
                continue;
            }
            for (address, public, private) in &hosts {
                if !managers.contains(&address.name()) {
                    continue;
                }
                if let Some(host) = public.as_ref().or(private.as_ref()) {
                    values.push(url(host, published, protocol));
                }
            }
        }
        if !values.is_empty() {
            found.push(Endpoint {
                address: service.address.clone(),
                values,
            });
        }
    }
    found.extend(hosts.into_iter().map(|(address, public, private)| Endpoint {
        address,
        values: public.into_iter().chain(private).collect(),
    }));
    found
}

fn url(host: &str, port: u64, protocol: &str) -> String {
    match (protocol, port) {
        ("tcp", 80) => format!("http://{host}/"),
        ("tcp", 443) => format!("https://{host}/"),
        ("tcp", port) => format!("http://{host}:{port}/"),
        (protocol, port) => format!("{host}:{port}/{protocol}"),
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
    fn a_published_port_is_a_url_at_every_manager() {
        let mut snapshot = Snapshot::empty("l".into(), "c".into(), "sim".into());
        snapshot.resources = vec![
            resource(
                "instance.m-0",
                json!({}),
                json!({"private_ip": "10.0.0.1", "public_ip": "1.2.3.4"}),
            ),
            resource("instance.w-0", json!({}), json!({"private_ip": "10.0.0.2"})),
            resource("member.m-0", json!({"role": "manager"}), json!({})),
            resource(
                "service.web",
                json!({"ports": [{"mode": "ingress", "protocol": "tcp", "published": 8080, "target": 80}]}),
                json!({}),
            ),
        ];
        let found: Vec<String> = endpoints(&snapshot)
            .into_iter()
            .map(|endpoint| format!("{} {}", endpoint.address, endpoint.values.join(" ")))
            .collect();
        assert_eq!(
            found,
            [
                "service.web http://1.2.3.4:8080/",
                "instance.m-0 1.2.3.4 10.0.0.1",
                "instance.w-0 10.0.0.2"
            ]
        );
    }

    #[test]
    fn a_resource_shows_outputs_then_spec() {
        let one = resource("toy.a", json!({"long": "x", "n": null}), json!({"id": "i-1"}));
        let mut out = String::new();
        text(&mut out, Paint::PLAIN, &[&one]);
        assert_eq!(out, "toy.a\n  id:   i-1\n  long: x\n");
    }
}
