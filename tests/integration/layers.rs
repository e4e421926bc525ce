//! Dependencies point one way: command line → providers → world, command line → engine → world
//! → state. The command line names verbs, not what they are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{files, root};

/// What each crate of the workspace may be built on.
const ALLOWED: [(&str, &[&str]); 6] = [
    ("subako-state", &[]),
    ("subako-s3", &["subako-state"]),
    ("subako-world", &["subako-state"]),
    ("subako-engine", &["subako-state", "subako-world"]),
    ("subako-providers", &["subako-state", "subako-world"]),
    (
        "subako",
        &[
            "subako-engine",
            "subako-providers",
            "subako-s3",
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

/// Files of one folder that name each other round about, and why: ARCHITECTURE.md says it under
/// "Circles that remain". No names stand for any circle in that folder. A line here that is no
/// longer true fails.
const CIRCLES: [(&str, &[&str]); 2] = [
    (
        "providers/src/aws",
        &["cloud", "instance", "terminate", "types", "watch"],
    ),
    ("providers/src/sim/model", &[]),
];

/// The folders of sources, one of each crate.
const SOURCES: [&str; 6] = [
    "engine/cli/src",
    "engine/src",
    "engine/world/src",
    "providers/src",
    "state/s3/src",
    "state/src",
];

/// Which module names which.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// Where tests stand in files of their own.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| {
        part.as_os_str()
            .to_str()
            .is_some_and(|part| part.starts_with("test"))
    })
}

/// How a file below a folder names what stands beside that folder's modules: its own way up.
fn way_up(below: &Path) -> usize {
    let parts = below.components().count();
    match below.file_name().and_then(|name| name.to_str()) {
        Some("mod.rs") => parts - 1,
        _ => parts,
    }
}

/// The modules of a folder that a source names: by their path from the crate's root, or by
/// exactly as many `super::` as lead out of it. What `mod.rs` re-exports is not looked through.
fn named(source: &str, path: &str, up: usize) -> BTreeSet<String> {
    const ROOT: &str = "subako_engine::";
    const UP: &str = "super::";
    let code: Vec<&str> = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    // The engine itself is another crate to the command line.
    let code = code.join("\n").replace(ROOT, "engine::");
    let mut named = modules(&code.replace(path, ROOT));
    let mut rest = code.as_str();
    while let Some(at) = rest.find(UP) {
        let after = rest[at..].trim_start_matches(UP);
        if (rest.len() - at - after.len()) / UP.len() == up {
            named.extend(first_named(after));
        }
        rest = after;
    }
    named
}

/// The modules named right at the beginning of a text, alone or in braces.
fn first_named(text: &str) -> BTreeSet<String> {
    let end = text.find(';').unwrap_or(text.len());
    modules(&format!("subako_engine::{}", &text[..end]))
}

/// Which module names which, of those right under a folder. Sources of tests are left out, and
/// the file that declares the modules.
fn edges(folder: &Path, path: &str) -> Edges {
    let mut edges = Edges::new();
    for file in files(folder) {
        let below = file.strip_prefix(folder).expect("below the folder");
        if is_test(below) || below.extension().is_none_or(|end| end != "rs") {
            continue;
        }
        let first = below.components().next().expect("a name");
        let module = first.as_os_str().to_string_lossy();
        let module = module.trim_end_matches(".rs").to_owned();
        if ["lib", "main", "mod"].contains(&module.as_str()) {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("readable");
        let name = below.display().to_string();
        let mut named = named(without_tests(&name, &text), path, way_up(below));
        named.remove(&module);
        edges.entry(module).or_default().extend(named);
    }
    edges
}

/// Every folder of sources that has modules, with the path of the module that it is.
fn folders() -> Vec<(String, String)> {
    let mut found = BTreeSet::new();
    for sources in SOURCES {
        let root = root().join(sources);
        for file in files(&root) {
            let below = file.strip_prefix(&root).expect("below the folder");
            let folder = below.parent().expect("a folder");
            if !is_test(below) {
                found.insert((sources, folder.to_owned()));
            }
        }
    }
    let name = |(sources, folder): (&str, std::path::PathBuf)| {
        let parts = folder.iter().map(|part| part.to_str().expect("a name"));
        let path: String = parts.clone().map(|part| format!("{part}::")).collect();
        let all: Vec<&str> = [sources].into_iter().chain(parts).collect();
        (all.join("/"), format!("crate::{path}"))
    };
    found.into_iter().map(name).collect()
}

/// The groups of modules that name each other round about.
fn circles(edges: &Edges) -> BTreeSet<Vec<String>> {
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
    let mut graph = Edges::new();
    for (from, to) in edges {
        graph.entry(from.to_owned()).or_default().insert(to.to_owned());
    }
    let found = circles(&graph);
    let wanted: BTreeSet<Vec<String>> = [vec!["b".to_owned(), "c".to_owned()], vec!["e".to_owned()]].into();
    assert_eq!(found, wanted);
}

#[test]
fn what_stands_beside_a_module_is_found_by_its_way_up() {
    let source = "use super::a::{b, c};\nuse super::super::{d::e, f};\n// super::g\nuse crate::x::h::i;";
    let found = |up| named(source, "crate::x::", up).into_iter().collect::<Vec<_>>();
    assert_eq!(found(1), ["a", "h"]);
    assert_eq!(found(2), ["d", "f", "h"]);
    assert_eq!(way_up(Path::new("a.rs")), 1);
    assert_eq!(way_up(Path::new("a/mod.rs")), 1);
    assert_eq!(way_up(Path::new("a/b.rs")), 2);
}

#[test]
fn no_files_of_a_folder_name_each_other_but_for_a_reason() {
    let mut unexplained = Vec::new();
    let mut explained = BTreeSet::new();
    let mut seen = 0;
    for (folder, path) in folders() {
        let edges = edges(&root().join(&folder), &path);
        seen += edges.values().map(BTreeSet::len).sum::<usize>();
        for circle in circles(&edges) {
            let reason = CIRCLES
                .iter()
                .position(|(of, names)| *of == folder && (names.is_empty() || *names == circle));
            match reason {
                Some(reason) => drop(explained.insert(reason)),
                None => unexplained.push(format!("{folder}: {}", circle.join(", "))),
            }
        }
    }
    assert!(seen > 500, "{seen} edges: most sources were not read");
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    assert_eq!(explained.len(), CIRCLES.len(), "a circle is gone: {explained:?}");
    let reasons = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("readable");
    for (folder, names) in CIRCLES {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let row = format!("| `{folder}` | {} | ", names.join(", "));
        assert!(reasons.contains(&row), "{row} has no reason");
    }
}

/// The kinds, by their files.
const KINDS: [&str; 10] = [
    "docker",
    "elastic_ip",
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
    let edges = edges(&root().join("engine/src/kinds"), "crate::kinds::");
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
}

/// What of the kinds may know EC2's instances: the cloud's own kinds, their specs, the table of all
/// kinds, and the way to a host, whose adapters call it by that name.
const OF_THE_CLOUD: [&str; 7] = [
    "elastic_ip",
    "hosts",
    "instance",
    "key_pair",
    "mod",
    "security_group",
    "specs",
];

#[test]
fn engines_nodes_and_what_runs_in_the_swarm_stand_on_machines_of_any_kind() {
    let folder = root().join("engine/src/kinds");
    let mut seen = BTreeSet::new();
    for path in files(&folder) {
        let below = path.strip_prefix(&folder).expect("below the folder");
        let first = below.components().next().expect("a name");
        let module = first.as_os_str().to_string_lossy();
        let module = module.trim_end_matches(".rs").to_owned();
        if OF_THE_CLOUD.contains(&module.as_str()) || is_test(below) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("readable");
        let source = without_tests(&module, &text).to_lowercase();
        assert!(
            !source.contains("instance"),
            "{} names instances",
            below.display()
        );
        seen.insert(module);
    }
    for module in [
        "docker",
        "leave",
        "machine",
        "member",
        "rejoin",
        "swarm",
        "swarm_access",
    ] {
        assert!(seen.contains(module), "{module}");
    }
}
