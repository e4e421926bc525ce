//! The workflows that are there to be copied: what they ask for, and that the program reads every
//! command in them.

use std::path::{Path, PathBuf};

use clap::Parser as _;
use saphyr::{LoadableYamlNode as _, Yaml};

use crate::args::Cli;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/workflows")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Each workflow, with the permissions that its jobs need and no others.
const WORKFLOWS: [(&str, &[(&str, &str)]); 3] = [
    (
        "github/apply.yml",
        &[
            ("contents", "read"),
            ("id-token", "write"),
            ("pull-requests", "read"),
        ],
    ),
    ("github/drift.yml", &[("contents", "read"), ("id-token", "write")]),
    (
        "github/plan.yml",
        &[
            ("contents", "read"),
            ("id-token", "write"),
            ("pull-requests", "write"),
        ],
    ),
];

/// The steps of the only job of a workflow.
fn steps<'a>(workflow: &'a Yaml<'a>) -> Vec<&'a Yaml<'a>> {
    let jobs = workflow["jobs"].as_mapping().expect("jobs");
    assert_eq!(jobs.len(), 1, "one job");
    let job = jobs.values().next().expect("a job");
    assert!(
        !job.contains_mapping_key("permissions"),
        "permissions stand at the top"
    );
    assert!(job["timeout-minutes"].as_integer().is_some(), "a deadline");
    job["steps"].as_sequence().expect("steps").iter().collect()
}

/// The arguments of every `subako` in a script, up to where the shell ends the command.
fn commands(script: &str) -> Vec<Vec<String>> {
    let ends = |word: &str| ["||", "&&", "|", ">", ">>", ";", "<<<"].contains(&word);
    let mut found = Vec::new();
    for line in script.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let spaced = line.replace("; ", " ; ");
        let Some(words) = shlex::split(&spaced) else {
            continue;
        };
        for (at, word) in words.iter().enumerate() {
            let begins = at == 0 || ends(&words[at - 1]) || words[at - 1] == "if";
            if word == "subako" && begins {
                let rest = words[at..].iter();
                found.push(rest.take_while(|word| !ends(word)).cloned().collect());
            }
        }
    }
    found
}

#[test]
fn commands_are_found_where_the_shell_runs_them() {
    let script =
        "# subako no\ncode=0\nsubako plan --full > x || code=$?\nif subako status; then echo subako no; fi\n";
    let found: Vec<String> = commands(script).iter().map(|words| words.join(" ")).collect();
    assert_eq!(found, ["subako plan --full", "subako status"]);
}

#[test]
fn workflows_take_no_more_than_they_need_and_say_what_the_program_reads() {
    let mut there: Vec<String> = std::fs::read_dir(folder().join("github"))
        .expect("a folder")
        .map(|entry| format!("github/{}", entry.expect("an entry").file_name().display()))
        .collect();
    there.sort();
    assert_eq!(there, WORKFLOWS.map(|(name, _)| name), "each is looked at");
    for (name, permissions) in WORKFLOWS {
        let text = text(name);
        let documents = Yaml::load_from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let workflow = &documents[0];
        let mut asked: Vec<(&str, &str)> = workflow["permissions"]
            .as_mapping()
            .expect("permissions")
            .iter()
            .map(|(key, value)| (key.as_str().expect("a name"), value.as_str().expect("a level")))
            .collect();
        asked.sort_unstable();
        assert_eq!(asked, permissions, "{name}");
        assert_eq!(
            workflow["defaults"]["run"]["shell"].as_str(),
            Some("bash"),
            "{name}: fails in a pipe"
        );
        let mut runs = Vec::new();
        for step in steps(workflow) {
            match step.as_mapping_get("uses").and_then(Yaml::as_str) {
                Some(action) => assert_eq!(action, "actions/checkout@v4", "{name}"),
                None => {
                    let script = step["run"].as_str().expect("a script");
                    // What stands in an expression is put into the script before the shell reads it.
                    assert!(!script.contains("${{"), "{name}: {script}");
                    runs.extend(commands(script));
                }
            }
        }
        assert!(!runs.is_empty(), "{name}");
        for run in runs {
            Cli::try_parse_from(&run).unwrap_or_else(|error| panic!("{name}: {run:?}: {error}"));
        }
    }
}

#[test]
fn what_is_said_about_them_is_what_the_program_reads() {
    let readme = text("README.md");
    let spans = readme.split('`').skip(1).step_by(2);
    let commands: Vec<&str> = spans.filter(|span| span.starts_with("subako ")).collect();
    assert!(!commands.is_empty());
    for command in commands {
        let words = shlex::split(command).expect("a line for a shell");
        Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{command}: {error}"));
    }
    for (name, _) in WORKFLOWS {
        assert!(readme.contains(name), "{name} is not explained");
    }
}
