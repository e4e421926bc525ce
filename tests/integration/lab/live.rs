//! The live kit, against the lab instead of an account.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::bench::Lab;
use crate::support::root;

/// Runs the kit; its exit code and its report.
fn kit(lab: &Lab, report: &Path, options: &[&str]) -> (Option<i32>, String) {
    let from = format!("{}/32", lab.text("/client_address"));
    let mut command = Command::new(root().join("tests/live/live"));
    command
        .args(["--yes", "--private", "--region", lab.text("/region")])
        .args(["--ssh-from", &from, "--user", lab.text("/login_user/amazon")])
        .arg("--report")
        .arg(report)
        .args(options)
        .envs(lab.environment());
    let status = command.status().expect("the kit runs");
    (status.code(), fs::read_to_string(report).expect("a report"))
}

#[test]
#[ignore = "5 min"]
fn the_live_kit_holds_takes_everything_away_and_reports() {
    let Some(lab) = Lab::turn("the live kit") else {
        return;
    };
    let dir = tempfile::tempdir().expect("a folder");
    let report = dir.path().join("report.md");

    let (code, text) = kit(&lab, &report, &["--image", lab.text("/amis/amazon")]);
    assert_eq!(code, Some(0), "{text}");
    for step in [
        "plan, with every permission asked about",
        "apply",
        "status",
        "every node answers on port 80",
        "the next plan is empty",
        "destroy",
        "the cases of the seam Cloud",
        "nothing is left",
    ] {
        assert!(text.contains(&format!("| {step} | ok |")), "{step}: {text}");
    }
    assert_private(&lab, &text);
    lab.assert_empty("after the kit");

    // An image that is not there: the report says so, and still nothing is left.
    let (code, text) = kit(
        &lab,
        &report,
        &["--only", "cluster", "--image", "ami-00000000000000000"],
    );
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("**failed**") && text.contains("ami-00000000000000000"),
        "{text}"
    );
    assert!(text.contains("| nothing is left | ok |"), "{text}");
    assert_private(&lab, &text);
    lab.assert_empty("after the kit that failed");
}

/// What is attached to an issue names neither the account nor who tried it.
fn assert_private(lab: &Lab, report: &str) {
    assert!(!report.contains(lab.text("/client_address")), "{report}");
    let words = report.split(|c: char| !c.is_ascii_alphanumeric());
    let account = words
        .filter(|word| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_digit()))
        .collect::<Vec<_>>();
    assert!(account.is_empty(), "{account:?}: {report}");
}
