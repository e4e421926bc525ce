//! Running the live kit (`tests/live/live`) against something else than an account.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::root;

/// Runs the kit; its exit code and its report.
pub fn run(environment: &[(&str, String)], report: &Path, options: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(root().join("tests/live/live"));
    command
        .arg("--yes")
        .arg("--report")
        .arg(report)
        .args(options)
        .envs(environment.iter().map(|(name, value)| (name, value)));
    // What cargo says of the crate under test would have the kit's cargo build others again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let of_crate = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
        if text == "OUT_DIR" || of_crate.iter().any(|start| text.starts_with(start)) {
            command.env_remove(&name);
        }
    }
    let status = command.status().expect("the kit runs");
    (status.code(), fs::read_to_string(report).expect("a report"))
}

/// What is attached to an issue names neither the account nor who tried it.
#[track_caller]
pub fn assert_private(report: &str, logged_in_from: &str) {
    assert!(!report.contains(logged_in_from), "{report}");
    let words = report.split(|c: char| !c.is_ascii_alphanumeric());
    let account = words
        .filter(|word| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_digit()))
        .collect::<Vec<_>>();
    assert!(account.is_empty(), "{account:?}: {report}");
}
