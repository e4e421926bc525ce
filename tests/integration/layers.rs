//! Dependencies point one way: command line → providers → world, command line → engine → world
//! → state. The command line names verbs, not what they are made of.

use std::collections::{BTreeMap, BTreeSet};
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

/// Modules of the engine that may name each other, and what ARCHITECTURE.md says of them under
/// "Circles that remain"; a line here that is no longer true fails.
const CIRCLES: [&[&str]; 0] = [];

/// Where tests stand in files of their own.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| {
        part.as_os_str()
            .to_str()
            .is_some_and(|part| part.starts_with("test"))
    })
}

/// Which module names which, of those right under a folder: `crate::x` and, in the folder itself,
/// `super::x`. Sources of tests are left out.
fn edges(
    folder: &Path,
    names: impl Fn(&Path, &str) -> BTreeSet<String>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in files(folder) {
        let below = path.strip_prefix(folder).expect("below the folder");
        if is_test(below) || below.extension().is_none_or(|end| end != "rs") {
            continue;
        }
        let first = below.components().next().expect("a name");
        let module = first.as_os_str().to_string_lossy();
        let module = module.trim_end_matches(".rs").to_owned();
        let text = std::fs::read_to_string(&path).expect("readable");
        let mut named = names(below, without_tests(&module, &text));
        named.remove(&module);
        edges.entry(module).or_default().extend(named);
    }
    edges
}

/// The modules that a source names after a prefix, alone or in braces.
fn named_after(prefix: &str, source: &str) -> BTreeSet<String> {
    modules(&source.replace(prefix, "subako_engine::"))
}

/// The groups of modules that name each other round about.
fn circles(edges: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<Vec<String>> {
    let reachable = |from: &String| {
        let mut seen: BTreeSet<&String> = BTreeSet::new();
        let mut next: Vec<&String> = edges[from].iter().collect();
        while let Some(module) = next.pop() {
            if let Some(named) = edges.get(module)
                && seen.insert(module)
            {
                next.extend(named);
            }
        }
        seen
    };
    let reachable: BTreeMap<&String, BTreeSet<&String>> =
        edges.keys().map(|module| (module, reachable(module))).collect();
    reachable
        .iter()
        .filter(|(module, seen)| seen.contains(*module))
        .map(|(module, seen)| {
            let round = seen.iter().filter(|other| reachable[*other].contains(module));
            round.map(|other| (*other).clone()).collect()
        })
        .collect()
}

#[test]
fn a_circle_is_found_by_its_members() {
    let edges = [
        ("a", "b"),
        ("b", "c"),
        ("c", "b"),
        ("d", "a"),
        ("c", "e"),
        ("e", "e"),
    ];
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in edges {
        graph.entry(from.to_owned()).or_default().insert(to.to_owned());
    }
    let found = circles(&graph);
    let wanted: BTreeSet<Vec<String>> = [vec!["b".to_owned(), "c".to_owned()], vec!["e".to_owned()]].into();
    assert_eq!(found, wanted);
}

#[test]
fn no_modules_of_the_engine_name_each_other_but_for_a_reason() {
    let edges = edges(&root().join("engine/src"), |_, source| {
        named_after("crate::", source)
    });
    assert!(
        edges["plan"].contains("kind") && edges["kinds"].contains("kind"),
        "{edges:?}"
    );
    let named: Vec<Vec<String>> = CIRCLES
        .iter()
        .map(|circle| circle.iter().map(|module| (*module).to_owned()).collect())
        .collect();
    assert_eq!(circles(&edges), named.iter().cloned().collect());
    let reasons = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("readable");
    for circle in named {
        let row: Vec<String> = circle.iter().map(|module| format!("`{module}`")).collect();
        let row = row.join(", ");
        assert!(reasons.contains(&format!("| {row} | ")), "{row} has no reason");
    }
}

/// The kinds, by their files.
const KINDS: [&str; 9] = [
    "docker",
    "file",
    "instance",
    "key_pair",
    "member",
    "network",
    "security_group",
    "service",
    "swarm",
];

#[test]
fn kinds_meet_only_through_their_specs() {
    let folder = root().join("engine/src/kinds");
    let mut edges = edges(&folder, |below, source| {
        let up = "super::".repeat(below.components().count());
        let mut named = named_after(&up, source);
        named.extend(named_after("crate::kinds::", source));
        named
    });
    // It only declares, re-exports and registers them.
    edges.remove("mod");
    for kind in KINDS {
        assert!(edges.contains_key(kind), "{kind}");
    }
    for (module, named) in &edges {
        for name in named {
            assert!(
                edges.contains_key(name),
                "{module} names `{name}`, which is no module of `kinds`"
            );
            assert!(!KINDS.contains(&name.as_str()), "{module} names the kind {name}");
        }
    }
    assert_eq!(circles(&edges), BTreeSet::new());
}
