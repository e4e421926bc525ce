//! Changed fields: `path: before → after`, aligned; long values as line diffs.

use std::fmt::Write as _;

use similar::{ChangeTag, TextDiff};
use subako_engine::display::Units;
use subako_engine::plan::{Change, Value};
use unicode_width::UnicodeWidthStr as _;

use super::value;
use crate::plain::plain;
use crate::style::{Meaning, Paint};

/// Paths longer than this do not push the others to the right.
const WIDEST_PATH: usize = 32;
/// Unchanged lines shown around a change in a multi-line string.
const CONTEXT: usize = 2;

/// Writes the changes of a resource whose numbers have these units, each line behind `indent`
/// spaces.
pub fn write(out: &mut String, paint: Paint, units: Units, indent: usize, changes: &[Change]) {
    let path = |change: &Change| plain(&change.path).to_string();
    let width = changes
        .iter()
        .filter(|change| !is_long(units, change))
        .map(|change| path(change).width())
        .filter(|width| *width <= WIDEST_PATH)
        .max()
        .unwrap_or(0);
    for change in changes {
        let field = field(&change.path);
        let path = path(change);
        let _ = write!(out, "{:indent$}{path}:", "");
        if is_long(units, change) {
            note(out, paint, change);
            out.push('\n');
            diff(out, paint, units, indent + 2, field, change);
        } else {
            let gap = width.saturating_sub(path.width()) + 1;
            let _ = write!(
                out,
                "{:gap$}{} → {}",
                "",
                paint.of(Meaning::Delete, value::side(units, field, &change.before)),
                paint.of(Meaning::Create, value::side(units, field, &change.after)),
            );
            note(out, paint, change);
            out.push('\n');
        }
    }
}

/// The last segment of a path, without indices.
pub fn field(path: &str) -> &str {
    let last = path.rsplit('.').next().unwrap_or(path);
    last.split('[').next().unwrap_or(last)
}

/// What the change means beyond itself.
fn note(out: &mut String, paint: Paint, change: &Change) {
    if let Some(why) = &change.forces_replacement {
        let _ = write!(
            out,
            "  ({}: {})",
            paint.of(Meaning::Replace, "forces replacement"),
            plain(why)
        );
    } else if let Some(cost) = &change.cost {
        let _ = write!(out, "  ({})", paint.of(Meaning::Warning, cost));
    }
}

fn known(value: &Value) -> Option<&serde_json::Value> {
    match value {
        Value::Known(value) => Some(value),
        Value::Absent | Value::KnownAfterApply => None,
    }
}

fn is_long(units: Units, change: &Change) -> bool {
    if change.after == Value::KnownAfterApply {
        return false;
    }
    [&change.before, &change.after]
        .into_iter()
        .filter_map(known)
        .any(|value| value::is_long(units, value))
}

/// Whether a change reads better as lines, and the lines: `-` goes, `+` comes, a space stays.
fn diff(out: &mut String, paint: Paint, units: Units, indent: usize, field: &str, change: &Change) {
    let lines = |side: &Value| known(side).map_or_else(Vec::new, |value| value::lines(units, field, value));
    let (before, after) = (lines(&change.before), lines(&change.after));
    let (before, after): (Vec<&str>, Vec<&str>) = (
        before.iter().map(String::as_str).collect(),
        after.iter().map(String::as_str).collect(),
    );
    // The lines of a text stand in an order that matters; the items of a list are named by themselves.
    let is_text = [&change.before, &change.after]
        .into_iter()
        .filter_map(known)
        .any(serde_json::Value::is_string);
    let context = if is_text { CONTEXT } else { 0 };
    let diff = TextDiff::from_slices(&before, &after);
    let mut shown = 0;
    for group in diff.grouped_ops(context) {
        if is_text && shown > 0 {
            let _ = writeln!(out, "{:indent$}{}", "", paint.of(Meaning::Dim, "…"));
        }
        for op in &group {
            for line in diff.iter_changes(op) {
                let (sign, meaning) = match line.tag() {
                    ChangeTag::Delete => ("-", Meaning::Delete),
                    ChangeTag::Insert => ("+", Meaning::Create),
                    ChangeTag::Equal => (" ", Meaning::Dim),
                };
                let text = format!("{sign} {}", line.value());
                let _ = writeln!(out, "{:indent$}{}", "", paint.of(meaning, text.trim_end()));
                shown += 1;
            }
        }
    }
    let unchanged = diff
        .iter_all_changes()
        .filter(|line| line.tag() == ChangeTag::Equal)
        .count();
    if !is_text && unchanged > 0 {
        let text = format!("  ({unchanged} unchanged)");
        let _ = writeln!(out, "{:indent$}{}", "", paint.of(Meaning::Dim, text));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use subako_engine::display::Display;

    use super::*;

    fn change(path: &str, before: serde_json::Value, after: serde_json::Value) -> Change {
        Change {
            path: path.to_owned(),
            before: Value::Known(before),
            after: Value::Known(after),
            forces_replacement: None,
            cost: None,
        }
    }

    fn text(changes: &[Change]) -> String {
        let mut out = String::new();
        write(
            &mut out,
            Paint::PLAIN,
            Display::built_in().units("service"),
            4,
            changes,
        );
        out
    }

    #[test]
    fn short_changes_are_aligned_and_say_what_they_cost() {
        let mut type_change = change("instance_type", json!("t2.micro"), json!("t3.small"));
        type_change.cost = Some("stops the instance".into());
        let mut image = change("image_id", json!("ami-1"), json!("ami-2"));
        image.forces_replacement = Some("an image is chosen once".into());
        image.after = Value::KnownAfterApply;
        let mut label = change("labels.x", json!(1), json!("v"));
        label.before = Value::Absent;
        assert_eq!(
            text(&[image, type_change, label]),
            "    image_id:      ami-1 → (known after apply)  (forces replacement: an image is chosen once)\n\
             \x20   instance_type: t2.micro → t3.small  (stops the instance)\n\
             \x20   labels.x:      (none) → v\n"
        );
    }

    #[test]
    fn lists_show_what_comes_and_goes() {
        let rule = |port: u16| json!({"description": "", "ports": {"from": port, "to": port}, "protocol": "tcp", "source": {"cidr": "::/0"}});
        assert_eq!(
            text(&[change(
                "rules",
                json!([rule(22), rule(80)]),
                json!([rule(22), rule(443)])
            )]),
            "    rules:\n      - tcp 80 from ::/0\n      + tcp 443 from ::/0\n        (1 unchanged)\n"
        );
    }

    #[test]
    fn multi_line_texts_are_line_diffs_with_context() {
        let before: String = (1..=9).map(|n| format!("line {n}\n")).collect();
        let after = before.replace("line 5", "line five");
        assert_eq!(
            text(&[change("x.config", json!(before), json!(after))]),
            "    x.config:\n        line 3\n        line 4\n      - line 5\n      + line five\n        line 6\n        line 7\n"
        );
    }
}
