//! A created resource in a few words, from the fields of its spec that people look for.

use serde_json::Value as J;
use subako_engine::display::{Display, Lead, Units};
use subako_state::{Address, Json};

use super::value;

/// Longer lists are counted instead.
const LIST: usize = 3;

/// The headline of a spec, as its kind words it; empty if nothing in it is worth a word.
pub fn headline(kinds: &Display, address: &Address, spec: &Json) -> String {
    let spec = spec.value();
    let units = kinds.units(address.kind());
    let words: Vec<String> = kinds
        .headline(address.kind())
        .iter()
        .filter_map(|lead| word(units, *lead, spec.get(lead.field)?))
        .collect();
    words.join(", ")
}

fn word(units: Units, lead: Lead, found: &J) -> Option<String> {
    let word = match found {
        J::Null | J::Bool(false) => return None,
        J::Bool(true) => lead.field.to_owned(),
        J::String(text) if text.is_empty() || text == lead.usual => return None,
        found if !lead.counts.is_empty() => {
            let many = if found == 1 { "" } else { "s" };
            format!(
                "{} {}{many}",
                value::inline(units, lead.field, found),
                lead.counts
            )
        }
        J::Array(items) if items.is_empty() => return None,
        J::Array(items) if items.len() > LIST => return Some(format!("{} {}", items.len(), lead.field)),
        J::Array(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|item| value::inline(units, lead.field, item))
                .collect();
            items.join(", ")
        }
        found => value::inline(units, lead.field, found),
    };
    Some(match lead.before {
        "" => word,
        before => format!("{before} {word}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(kind: &str, spec: J) -> String {
        let spec = Json::canonical(&spec).expect("json");
        headline(&Display::built_in(), &Address::new(kind, "x"), &spec)
    }

    #[test]
    fn a_service_is_its_image_replicas_and_ports() {
        let spec = json!({
            "image": "nginx:1", "mode": "replicated", "replicas": 8, "name": "web", "endpoint_mode": "vip",
            "networks": [{"name": "front"}],
            "ports": [{"mode": "ingress", "protocol": "tcp", "published": 80, "target": 80}],
        });
        assert_eq!(of("service", spec), "nginx:1, 8 replicas, 80→80/tcp, on front");
    }

    #[test]
    fn an_instance_is_its_type_and_place() {
        let spec = json!({"disk_gib": 8, "image_id": "ami-1", "instance_type": "t2.micro", "zone": "a", "private_ip": null});
        assert_eq!(of("instance", spec), "t2.micro, ami-1, a, 8 GiB");
    }

    #[test]
    fn nothing_worth_a_word_is_nothing() {
        assert_eq!(of("member", json!({"name": "x", "availability": "active"})), "");
    }
}
