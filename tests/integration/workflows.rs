//! The workflows of docs/workflows, step by step: their scripts run as a runner runs them, with a
//! forge that is scripted and the simulator.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::{Value, json};

use crate::support::{Cluster, Ran, root};

/// What GitHub's own program answers, on files: comments of pull request 7, and which pull request a
/// commit came with.
const GH: &str = r#"#!/bin/bash
set -euo pipefail
if [ "$1 $2" = "release download" ]; then
    cp "$FORGE/release/"* .
    exit
fi
[ "$1" = api ]; shift
method=GET body='' filter=.
while [ $# -gt 0 ]; do
    case $1 in
        --paginate) ;;
        --method) method=$2; shift ;;
        --jq) filter=$2; shift ;;
        -F) body=${2#body=@}; shift ;;
        *) path=$1 ;;
    esac
    shift
done
all=$FORGE/comments.json
case "$method $path" in
    "GET repos/o/r/issues/7/comments") jq -r "$filter" "$all" ;;
    "GET repos/o/r/commits/c0ffee/pulls") jq -r "$filter" "$FORGE/pulls.json" ;;
    "PATCH repos/o/r/issues/comments/"*)
        jq --argjson id "${path##*/}" --rawfile body "$body" 'map(if .id == $id then .body = $body else . end)' "$all" > "$all.new"
        mv "$all.new" "$all" ;;
    "POST repos/o/r/issues/7/comments")
        jq --rawfile body "$body" '. + [{id: (length + 100), user: {login: "github-actions[bot]"}, body: $body}]' "$all" > "$all.new"
        mv "$all.new" "$all" ;;
    *) echo "no such call: $method $path" >&2; exit 1 ;;
esac
"#;
const CURL: &str = "#!/bin/sh\necho '{\"value\": \"a token\"}'\n";
const SSH_AGENT: &str = "#!/bin/sh\necho 'SSH_AUTH_SOCK=/nowhere; export SSH_AUTH_SOCK;'\n";
const SSH_ADD: &str = "#!/bin/sh\ntest \"$(cat)\" = 'a key'\n";

/// Whether what the scripts need is on this machine; where CI is set it has to be.
fn can_run() -> bool {
    let there = ["bash", "jq"].iter().all(|program| {
        let status = Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    });
    if !there {
        assert!(std::env::var_os("CI").is_none(), "bash or jq is missing");
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: bash or jq is missing");
        }
    }
    there
}

/// A repository on a forge: a cluster that is checked out, and what the forge knows.
struct Forge {
    cluster: Cluster,
    folder: tempfile::TempDir,
}

/// A job that ran: the code of each of its steps that ran, and what was said.
struct Job {
    codes: BTreeMap<String, i32>,
    summary: String,
    said: String,
}

impl Job {
    #[track_caller]
    fn expect(&self, step: &str, code: i32) -> &Self {
        assert_eq!(
            self.codes.get(step),
            Some(&code),
            "{step} in {:?}: {}",
            self.codes,
            self.said
        );
        self
    }

    #[track_caller]
    fn did_not_come_to(&self, step: &str) -> &Self {
        assert!(!self.codes.contains_key(step), "{step} ran: {}", self.said);
        self
    }
}

impl Forge {
    fn new() -> Self {
        let cluster = Cluster::with(|text| text.replace("provider = \"aws\"", "provider = \"sim\""));
        let forge = Self {
            cluster,
            folder: tempfile::tempdir().expect("a folder"),
        };
        for (name, script) in [
            ("gh", GH),
            ("curl", CURL),
            ("ssh-agent", SSH_AGENT),
            ("ssh-add", SSH_ADD),
        ] {
            forge.program(&forge.path(&format!("bin/{name}")), script);
        }
        forge.release();
        // Somebody else writes a marker into a comment of theirs.
        let theirs = "look: <!-- subako-plan of mine -->";
        forge.write(
            "comments.json",
            &json!([{"id": 1, "user": {"login": "mallory"}, "body": theirs}]),
        );
        forge.write(
            "pulls.json",
            &json!([{"number": 7, "merged_at": "2026-01-01T00:00:00Z"}]),
        );
        forge
    }

    fn path(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        path
    }

    fn write(&self, name: &str, value: &Value) {
        fs::write(self.path(name), value.to_string()).expect("written");
    }

    fn program(&self, path: &Path, script: &str) {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, script).expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a program");
    }

    /// A release as `.ci/release` names its files, whose program starts this one.
    fn release(&self) {
        let name = "subako-0.1.0-x86_64-linux-gnu";
        let real = env!("CARGO_BIN_EXE_subako");
        self.program(
            &self.path(&format!("unpacked/{name}/subako")),
            &format!("#!/bin/sh\nexec '{real}' \"$@\"\n"),
        );
        let script = format!(
            "mkdir -p release && tar -czf release/{name}.tar.gz -C unpacked {name} && cd release && sha256sum {name}.tar.gz > SHA256SUMS-x86_64-unknown-linux-gnu"
        );
        let made = Command::new("bash")
            .args(["-ec", &script])
            .current_dir(self.folder.path())
            .status();
        assert!(made.expect("bash").success());
    }

    fn comments(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("comments.json")).expect("comments");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Our comments.
    fn ours(&self) -> Vec<String> {
        let comments = self.comments().into_iter();
        let ours = comments.filter(|comment| comment["user"]["login"] == "github-actions[bot]");
        ours.map(|comment| comment["body"].as_str().expect("a text").to_owned())
            .collect()
    }

    /// Runs a workflow as a runner does: each step in its order, until one fails. `more` is in the
    /// environment of the step that is named first.
    fn run(&self, workflow: &str, more: (&str, &[(&str, &str)])) -> Job {
        let text = fs::read_to_string(root().join(format!("docs/workflows/github/{workflow}.yml")));
        let text = text.expect("the workflow");
        let documents = Yaml::load_from_str(&text).expect("YAML");
        let (_, job) = documents[0]["jobs"]
            .as_mapping()
            .expect("jobs")
            .iter()
            .next()
            .expect("a job");
        for name in ["temp", "env", "path", "summary"] {
            let path = self.path(&format!("runner/{name}"));
            if path.is_dir() {
                fs::remove_dir_all(&path).expect("removed");
            }
            match name {
                "temp" => fs::create_dir_all(path).expect("a folder"),
                _ => fs::write(path, "").expect("written"),
            }
        }
        let mut outputs: BTreeMap<String, String> = BTreeMap::new();
        let mut codes = BTreeMap::new();
        let mut said = String::new();
        let mut failed = false;
        for step in job["steps"].as_sequence().expect("steps") {
            let Some(script) = step.as_mapping_get("run").and_then(Yaml::as_str) else {
                continue;
            };
            let name = step["name"].as_str().expect("a name");
            // Killed by a signal stands for cancelled.
            let cancelled = codes.values().any(|code| *code < 0);
            let comes = match step.as_mapping_get("if").and_then(Yaml::as_str) {
                None => !failed,
                Some("cancelled() && steps.apply.outcome == 'cancelled'") => cancelled,
                Some(other) => panic!("`{other}` is not understood here"),
            };
            if !comes {
                continue;
            }
            let output = self.path(&format!("runner/output-{name}"));
            fs::write(&output, "").expect("written");
            let mut command = self.shell(script, &output);
            for (key, value) in documents[0]["env"]
                .as_mapping()
                .into_iter()
                .chain(step.as_mapping_get("env").and_then(Yaml::as_mapping))
                .flatten()
            {
                let (key, value) = (key.as_str().expect("a name"), value.as_str().expect("a text"));
                command.env(key, expression(value, &outputs));
            }
            if more.0 == name {
                command.envs(more.1.iter().copied());
            }
            let ran = Ran::of(&mut command);
            said.push_str(&format!("## {name}\n{}", ran.said()));
            let code = ran.code.unwrap_or(-1);
            // What a shell says of a program that was killed.
            let code = if code > 128 { -1 } else { code };
            codes.insert(name.to_owned(), code);
            failed |= code != 0;
            if let Some(id) = step.as_mapping_get("id").and_then(Yaml::as_str) {
                let text = fs::read_to_string(&output).expect("outputs");
                for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
                    outputs.insert(format!("steps.{id}.outputs.{key}"), value.to_owned());
                }
            }
        }
        let summary = fs::read_to_string(self.path("runner/summary")).expect("a summary");
        Job { codes, summary, said }
    }

    fn shell(&self, script: &str, output: &Path) -> Command {
        let lines = |name: &str| fs::read_to_string(self.path(&format!("runner/{name}"))).expect("readable");
        let file = self.path("runner/script");
        fs::write(&file, script).expect("written");
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail"])
            .arg(file)
            .env_clear()
            .stdin(Stdio::null())
            .current_dir(self.cluster.dir.path());
        let added: Vec<String> = lines("path").lines().rev().map(str::to_owned).collect();
        let path = [
            added,
            vec![self.path("bin").display().to_string(), "/usr/bin:/bin".to_owned()],
        ]
        .concat();
        command.env("PATH", path.join(":")).env("HOME", "/nonexistent");
        for (key, value) in lines("env").lines().filter_map(|line| line.split_once('=')) {
            command.env(key, value);
        }
        for (key, name) in [
            ("RUNNER_TEMP", "temp"),
            ("GITHUB_ENV", "env"),
            ("GITHUB_PATH", "path"),
            ("GITHUB_STEP_SUMMARY", "summary"),
        ] {
            command.env(key, self.path(&format!("runner/{name}")));
        }
        command
            .env("FORGE", self.folder.path())
            .env("GITHUB_OUTPUT", output)
            .env("GITHUB_REPOSITORY", "o/r")
            .env("GITHUB_SHA", "c0ffee")
            .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "t")
            .env("ACTIONS_ID_TOKEN_REQUEST_URL", "https://example.com/?a=b");
        command
    }
}

/// What a runner puts in the place of an expression.
fn expression(text: &str, outputs: &BTreeMap<String, String>) -> String {
    let Some(inner) = text
        .strip_prefix("${{ ")
        .and_then(|rest| rest.strip_suffix(" }}"))
    else {
        return text.to_owned();
    };
    match inner {
        "vars.AWS_REGION" => "ap-northeast-1".to_owned(),
        "vars.SUBAKO_PLAN_ROLE" | "vars.SUBAKO_APPLY_ROLE" => "arn:aws:iam::123456789012:role/x".to_owned(),
        "vars.SUBAKO_VERSION" => "0.1.0".to_owned(),
        "github.token" => "a token".to_owned(),
        "github.event.pull_request.number" => "7".to_owned(),
        "secrets.SUBAKO_SSH_KEY" => "a key".to_owned(),
        inner if inner.starts_with("steps.") => outputs.get(inner).cloned().unwrap_or_default(),
        inner => panic!("`{inner}` is not understood here"),
    }
}

const NOTHING: (&str, &[(&str, &str)]) = ("", &[]);

#[test]
fn a_pull_request_is_planned_in_one_comment_and_what_it_shows_is_applied_when_it_is_merged() {
    if !can_run() {
        return;
    }
    let forge = Forge::new();
    let first = forge.run("plan", NOTHING);
    first
        .expect("install", 0)
        .expect("credentials", 0)
        .expect("verdict", 0);
    assert!(first.summary.contains("to create"), "{}", first.said);
    let before = forge.ours();
    // Another push, another plan, the same comment; what others wrote is theirs.
    forge.cluster.edit("replicas = 8", "replicas = 9");
    forge.run("plan", NOTHING).expect("verdict", 0);
    let after = forge.ours();
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before, after);
    assert_eq!(forge.comments()[0]["body"], "look: <!-- subako-plan of mine -->");
    // A plan of another manifest than the one that was merged is not applied.
    forge.cluster.edit("replicas = 9", "replicas = 7");
    let refused = forge.run("apply", NOTHING);
    refused.expect("apply", 5).did_not_come_to("recover");
    assert!(refused.said.contains("the manifest moved"), "{}", refused.said);
    assert!(forge.cluster.resources().is_empty());
    forge.cluster.edit("replicas = 7", "replicas = 9");
    forge
        .run("apply", NOTHING)
        .expect("apply", 0)
        .did_not_come_to("recover");
    assert_eq!(forge.cluster.resources().len(), 22);
    // A pull request that changes nothing, merged.
    forge.run("plan", NOTHING).expect("verdict", 0);
    assert!(forge.ours()[0].starts_with("No changes"), "{:?}", forge.ours());
    forge.run("apply", NOTHING).expect("apply", 0);
    forge.run("drift", NOTHING).expect("drift", 0);
    forge.cluster.run(&["sim", "scale", "reply", "2"]).expect(0);
    let drift = forge.run("drift", NOTHING);
    drift.expect("drift", 2);
    assert!(drift.summary.contains("service.reply"), "{}", drift.summary);
}

#[test]
fn what_was_not_approved_is_not_applied() {
    if !can_run() {
        return;
    }
    let forge = Forge::new();
    // No comment of ours, whatever others write.
    forge
        .run("apply", NOTHING)
        .expect("approved", 1)
        .did_not_come_to("apply");
    forge.run("plan", NOTHING).expect("verdict", 0);
    // A commit that came without a pull request, or with one that was not merged.
    for pulls in [json!([]), json!([{"number": 7, "merged_at": null}])] {
        forge.write("pulls.json", &pulls);
        forge
            .run("apply", NOTHING)
            .expect("approved", 1)
            .did_not_come_to("apply");
    }
    assert!(forge.cluster.resources().is_empty());
    // A plan that is refused fails the check, and its comment says why.
    forge.cluster.edit(
        "[sim]",
        "[checks.zones]\nseverity = \"error\"\nreason = \"one zone is too few\"\n\n[sim]",
    );
    forge
        .run("plan", NOTHING)
        .expect("plan", 0)
        .expect("comment", 0)
        .expect("verdict", 5);
    assert!(forge.ours()[0].contains("### REFUSED"), "{:?}", forge.ours());
    // A manifest with a mistake gives no comment, and the last one stays.
    let last = forge.ours();
    forge.cluster.write("nonsense");
    forge
        .run("plan", NOTHING)
        .expect("plan", 1)
        .did_not_come_to("comment");
    assert_eq!(forge.ours(), last);
}

#[test]
fn a_job_that_is_cancelled_in_the_middle_is_undone() {
    if !can_run() {
        return;
    }
    let forge = Forge::new();
    forge.run("plan", NOTHING).expect("verdict", 0);
    let job = forge.run("apply", ("apply", &[("SUBAKO_CRASH_AFTER_ENTRY", "16")]));
    job.expect("apply", -1).expect("recover", 0);
    assert!(forge.cluster.resources().is_empty(), "{}", job.said);
}
