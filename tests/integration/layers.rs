//! Dependencies point one way: command line → providers → world, command line → engine → world
//! → state. The command line names verbs, not what they are made of.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{files, root};

/// What each crate of the workspace may be built on.
const ALLOWED: [(&str, &[&str]); 5] = [
    ("subako-state", &[]),
    ("subako-world", &["subako-state"]),
    ("subako-engine", &["subako-state", "subako-world"]),
    ("subako-providers", &["subako-state", "subako-world"]),
    (
        "subako",
        &[
            "subako-engine",
            "subako-providers",
            "subako-state",
            "subako-world",
        ],
    ),
];

/// What verbs are made of: the command line has no business with it.
const INSIDE: [&str; 7] = [
    "desired",
    "kind",
    "kinds",
    "lower",
    "reference",
    "refresh",
    "walk",
];

#[test]
fn crates_are_built_on_those_below_them_only() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert_eq!(packages.len(), ALLOWED.len(), "a new crate needs its place here");
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let (_, allowed) = ALLOWED
            .iter()
            .find(|(known, _)| *known == name)
            .expect("a known crate");
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let on = dependency["name"].as_str().expect("a name");
            let of_tests = dependency["kind"].as_str() == Some("dev");
            assert!(
                of_tests || !on.starts_with("subako") || allowed.contains(&on),
                "{name} is built on {on}"
            );
        }
    }
}

/// The modules of the engine that a source names: after `subako_engine::`, alone or in braces.
fn modules(source: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut found = BTreeSet::new();
    for after in source.split("subako_engine::").skip(1) {
        let Some(list) = after.strip_prefix('{') else {
            found.insert(word(after));
            continue;
        };
        let (mut depth, mut item) = (0, String::new());
        for c in list.chars() {
            match c {
                '}' if depth == 0 => break,
                ',' if depth == 0 => found.extend([word(&std::mem::take(&mut item))]),
                '{' => depth += 1,
                '}' => depth -= 1,
                c => item.push(c),
            }
        }
        found.insert(word(&item));
    }
    found
}

/// A source without its tests, which may take things apart: a toy kind is one of them.
fn without_tests<'a>(name: &str, source: &'a str) -> &'a str {
    if name.ends_with("tests.rs") {
        return "";
    }
    source
        .split_once("#[cfg(test)]\nmod tests {")
        .map_or(source, |(source, _)| source)
}

#[test]
fn modules_are_found_however_they_are_named() {
    let source = "use subako_engine::{a::{b, c}, d}; subako_engine::e::f(); use subako_engine::g;";
    let found: Vec<String> = modules(source).into_iter().collect();
    assert_eq!(found, ["a", "d", "e", "g"]);
}

#[test]
fn the_command_line_names_verbs_and_not_what_they_are_made_of() {
    let sources = root().join("engine/cli/src");
    let mut found = BTreeSet::new();
    for path in files(&sources) {
        let name = path
            .strip_prefix(&sources)
            .unwrap_or(Path::new(""))
            .display()
            .to_string();
        let text = std::fs::read_to_string(&path).expect("readable");
        for module in modules(without_tests(&name, &text)) {
            if INSIDE.contains(&module.as_str()) {
                found.insert((name.clone(), module));
            }
        }
    }
    assert_eq!(found, BTreeSet::new());
}
