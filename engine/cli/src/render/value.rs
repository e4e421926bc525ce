//! JSON values for people: short where they are short, one line an item where they are long.

use std::fmt::Write as _;

use serde_json::Value as J;
use subako_engine::display::{Unit, Units, as_reference};
use subako_engine::plan::Value;

use crate::plain::{is_dangerous, json, plain};

/// The text of one side of a change, on one line. `field` is the last segment of its path: with the
/// units of its kind it tells the unit of a number.
pub fn side(units: Units, field: &str, value: &Value) -> String {
    match value {
        Value::Absent => "(none)".to_owned(),
        Value::KnownAfterApply => "(known after apply)".to_owned(),
        Value::Known(value) => inline(units, field, value),
    }
}

/// The text of a value, on one line.
pub fn inline(units: Units, field: &str, value: &J) -> String {
    let mut out = String::new();
    write(&mut out, units, field, value, true);
    out
}

/// The text of a value, an item of a list or a field of an object a line.
pub fn lines(units: Units, field: &str, value: &J) -> Vec<String> {
    match value {
        J::Array(items) => items.iter().map(|item| top(units, field, item)).collect(),
        J::Object(fields) if known_shape(value).is_none() => fields
            .iter()
            .map(|(key, value)| format!("{}: {}", plain(key), inline(units, key, value)))
            .collect(),
        J::String(text) if text.contains('\n') => {
            let lines = text.lines().map(|line| line.replace('\t', "    "));
            lines.map(|line| printable(&line)).collect()
        }
        value => vec![top(units, field, value)],
    }
}

/// Whether a value is better shown line by line.
pub fn is_long(units: Units, value: &J) -> bool {
    match value {
        J::String(text) => text.contains('\n'),
        J::Array(items) => {
            items.iter().any(|item| item.is_object() || item.is_array())
                || inline(units, "", value).chars().count() > 48
        }
        J::Object(_) => known_shape(value).is_none() && inline(units, "", value).chars().count() > 48,
        _ => false,
    }
}

fn top(units: Units, field: &str, value: &J) -> String {
    let mut out = String::new();
    write(&mut out, units, field, value, false);
    out
}

fn write(out: &mut String, units: Units, field: &str, value: &J, nested: bool) {
    if let Some(text) = known_shape(value) {
        out.push_str(&printable(&text));
        return;
    }
    match value {
        J::Null => out.push_str("(none)"),
        J::Bool(value) => {
            let _ = write!(out, "{value}");
        }
        J::Number(number) => out.push_str(&quantity(units(field), number)),
        J::String(text) => out.push_str(&word(text)),
        J::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write(out, units, field, item, true);
            }
            out.push(']');
        }
        J::Object(fields) => {
            if nested {
                out.push('{');
            }
            for (index, (key, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                let _ = write!(out, "{}: ", plain(key));
                write(out, units, key, value, true);
            }
            if nested {
                out.push('}');
            }
        }
    }
}

/// Objects whose meaning is plain from their fields: references, rules, endpoints, attachments.
fn known_shape(value: &J) -> Option<String> {
    let fields = value.as_object()?;
    if let Some((address, attr)) = as_reference(value) {
        return Some(format!("{address}.{attr}"));
    }
    let text = |key: &str| fields.get(key).and_then(J::as_str);
    let number = |key: &str| fields.get(key).and_then(J::as_u64);
    if let (Some(protocol), Some(ports), Some(source)) =
        (text("protocol"), fields.get("ports"), fields.get("source"))
    {
        let mut out = protocol.to_owned();
        let (from, to) = (ports.get("from")?.as_u64()?, ports.get("to")?.as_u64()?);
        match (from, to) {
            (0, 65535) => {}
            (from, to) if from == to => {
                let _ = write!(out, " {from}");
            }
            (from, to) => {
                let _ = write!(out, " {from}-{to}");
            }
        }
        let source = match source {
            J::String(_) => "the group itself".to_owned(),
            source => source.get("cidr")?.as_str()?.to_owned(),
        };
        let _ = write!(out, " from {source}");
        if let Some(description) = text("description").filter(|d| !d.is_empty()) {
            let _ = write!(out, " ({})", description);
        }
        return Some(out);
    }
    if let (Some(published), Some(target), Some(protocol)) =
        (number("published"), number("target"), text("protocol"))
    {
        let mode = if text("mode") == Some("host") {
            " on its node"
        } else {
            ""
        };
        return Some(format!("{published}→{target}/{protocol}{mode}"));
    }
    if let (1, Some(replicas)) = (fields.len(), number("replicated")) {
        return Some(format!(
            "{replicas} replica{}",
            if replicas == 1 { "" } else { "s" }
        ));
    }
    if let Some(name) = text("name")
        && fields.keys().all(|key| key == "name" || key == "aliases")
    {
        return Some(match fields.get("aliases").and_then(J::as_array) {
            Some(aliases) if !aliases.is_empty() => {
                let aliases: Vec<&str> = aliases.iter().filter_map(J::as_str).collect();
                format!("{name} (as {})", aliases.join(", "))
            }
            _ => name.to_owned(),
        });
    }
    None
}

/// A number with the unit that its field has in specs.
fn quantity(unit: Option<Unit>, number: &serde_json::Number) -> String {
    let Some(whole) = number.as_u64() else {
        return number.to_string();
    };
    match unit {
        Some(Unit::Nanoseconds) => nanoseconds(whole),
        Some(Unit::Bytes) => bytes(whole),
        Some(Unit::NanoCpus) => format!("{} CPU", whole as f64 / 1e9),
        Some(Unit::PartsPerMillion) => format!("{} %", whole as f64 / 1e4),
        Some(Unit::Gibibytes) => format!("{whole} GiB"),
        None => whole.to_string(),
    }
}

fn nanoseconds(whole: u64) -> String {
    match whole {
        whole if whole % 1_000_000_000 == 0 => format!("{} s", whole / 1_000_000_000),
        whole if whole % 1_000_000 == 0 => format!("{} ms", whole / 1_000_000),
        whole => format!("{whole} ns"),
    }
}

fn bytes(whole: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    UNITS
        .iter()
        .find(|(unit, _)| whole >= *unit && whole.is_multiple_of(*unit))
        .map_or_else(
            || format!("{whole} B"),
            |(unit, name)| format!("{} {name}", whole / unit),
        )
}

/// A string as it is, or quoted where it could be taken for something else.
fn word(text: &str) -> String {
    let plain = !text.is_empty()
        && text.trim() == text
        && !text.contains(['"', ',', '{', '[', '(', '\\'])
        && !text.contains(is_dangerous)
        && text.parse::<f64>().is_err()
        && !matches!(text, "true" | "false" | "null");
    if plain {
        text.to_owned()
    } else {
        // JSON's escapes also keep control characters away from the terminal.
        json(serde_json::to_string(text).unwrap_or_default())
    }
}

/// The text on one line, without characters that a terminal would act upon.
fn printable(text: &str) -> String {
    plain(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Those of two kinds at once.
    fn units(field: &str) -> Option<Unit> {
        let kinds = subako_engine::display::Display::built_in();
        kinds.units("service")(field).or_else(|| kinds.units("instance")(field))
    }

    #[test]
    fn values_are_short_and_unmistakable() {
        let cases = [
            ("", json!("nginx:1"), "nginx:1"),
            ("", json!(""), "\"\""),
            ("", json!("8"), "\"8\""),
            ("", json!("true"), "\"true\""),
            ("", json!(true), "true"),
            ("", json!("a\u{1b}[31m"), "\"a\\u001b[31m\""),
            ("disk_gib", json!(8), "8 GiB"),
            ("delay", json!(10_000_000_000_u64), "10 s"),
            ("limit_memory", json!(536_870_912), "512 MiB"),
            ("limit_cpus", json!(500_000_000), "0.5 CPU"),
            ("mode", json!({"replicated": 8}), "8 replicas"),
            ("", json!(["a", 1]), "[a, 1]"),
            ("", json!({"a": {"b": null}}), "{a: {b: (none)}}"),
            (
                "",
                json!({"$ref": "instance.a", "attr": "private_ip"}),
                "instance.a.private_ip",
            ),
            (
                "",
                json!({"mode": "ingress", "protocol": "tcp", "published": 80, "target": 8080}),
                "80→8080/tcp",
            ),
            (
                "",
                json!({"description": "web", "ports": {"from": 80, "to": 80}, "protocol": "tcp", "source": {"cidr": "0.0.0.0/0"}}),
                "tcp 80 from 0.0.0.0/0 (web)",
            ),
            (
                "",
                json!({"description": "", "ports": {"from": 0, "to": 65535}, "protocol": "esp", "source": "self_group"}),
                "esp from the group itself",
            ),
        ];
        for (field, value, text) in cases {
            assert_eq!(inline(units, field, &value), text, "{value}");
        }
    }

    #[test]
    fn long_values_are_cut_into_lines() {
        assert_eq!(lines(units, "", &json!("a\nb\u{7}")), ["a", "b\\u{7}"]);
        assert_eq!(lines(units, "", &json!({"a": 1, "b": "x"})), ["a: 1", "b: x"]);
        assert_eq!(lines(units, "", &json!([{"name": "n"}, "y"])), ["n", "y"]);
        assert!(is_long(units, &json!("a\nb")));
        assert!(!is_long(units, &json!(["a", "b"])));
        assert!(is_long(units, &json!([{"name": "n"}])));
    }
}
