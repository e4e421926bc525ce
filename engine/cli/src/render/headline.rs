//! A created resource in a few words, from the fields of its spec that people look for.

use serde_json::Value as J;
use subako_state::Json;

use super::value;

/// What people look for first, in this order, whatever the kind.
const FIELDS: [&str; 18] = [
    "image",
    "mode",
    "replicas",
    "instance_type",
    "image_name",
    "image_id",
    "zone",
    "private_ip",
    "disk_gib",
    "role",
    "availability",
    "driver",
    "subnet",
    "encrypted",
    "rules",
    "ports",
    "networks",
    "constraints",
];
/// Words that go without saying.
const DEFAULTS: [&str; 3] = ["active", "replicated", "overlay"];
/// Longer lists are counted instead.
const LIST: usize = 3;

/// The headline of a spec; empty if nothing in it is worth a word.
pub fn headline(spec: &Json) -> String {
    let spec = spec.value();
    let mut words: Vec<String> = Vec::new();
    for field in FIELDS {
        let word = match spec.get(field) {
            None | Some(J::Null | J::Bool(false)) => continue,
            Some(J::Bool(true)) => field.to_owned(),
            Some(J::String(text)) if text.is_empty() || DEFAULTS.contains(&text.as_str()) => continue,
            Some(found) if field == "replicas" => {
                format!("{found} replica{}", if found == 1 { "" } else { "s" })
            }
            // The family name says more than the id.
            Some(_) if field == "image_id" && spec.get("image_name").is_some() => continue,
            Some(J::Array(items)) if items.is_empty() => continue,
            Some(J::Array(items)) if items.len() > LIST => format!("{} {field}", items.len()),
            Some(J::Array(items)) => {
                let items: Vec<String> = items.iter().map(|item| value::inline(field, item)).collect();
                let items = items.join(", ");
                match field {
                    "networks" => format!("on {items}"),
                    "constraints" => format!("only where {items}"),
                    _ => items,
                }
            }
            Some(found) => value::inline(field, found),
        };
        words.push(word);
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(spec: J) -> String {
        headline(&Json::canonical(&spec).expect("json"))
    }

    #[test]
    fn a_service_is_its_image_replicas_and_ports() {
        let spec = json!({
            "image": "nginx:1", "mode": "replicated", "replicas": 8, "name": "web", "endpoint_mode": "vip",
            "networks": [{"name": "front"}],
            "ports": [{"mode": "ingress", "protocol": "tcp", "published": 80, "target": 80}],
        });
        assert_eq!(of(spec), "nginx:1, 8 replicas, 80→80/tcp, on front");
    }

    #[test]
    fn an_instance_is_its_type_and_place() {
        let spec = json!({"disk_gib": 8, "image_id": "ami-1", "instance_type": "t2.micro", "zone": "a", "private_ip": null});
        assert_eq!(of(spec), "t2.micro, ami-1, a, 8 GiB");
    }

    #[test]
    fn nothing_worth_a_word_is_nothing() {
        assert_eq!(of(json!({"name": "x", "availability": "active"})), "");
    }
}
