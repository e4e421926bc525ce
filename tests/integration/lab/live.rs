//! The live kit, against the lab instead of an account, through an EC2 that is as strict as the real
//! one.

use std::path::Path;
use std::time::Duration;

use super::bench::Lab;
use crate::live_kit::{self, assert_private};

/// What takes seconds in EC2.
const LAG: Duration = Duration::from_millis(500);

fn kit(lab: &Lab, report: &Path, options: &[&str]) -> (Option<i32>, String) {
    let from = format!("{}/32", lab.text("/client_address"));
    let user = lab.text("/login_user/amazon");
    let mut all = vec!["--private", "--region", lab.text("/region")];
    all.extend(["--ssh-from", &from, "--user", user]);
    all.extend(options);
    live_kit::run(&lab.environment(), report, &all)
}

#[test]
#[ignore = "2 to 3 min"]
fn the_live_kit_holds_takes_everything_away_and_reports() {
    let Some(mut lab) = Lab::turn("the live kit") else {
        return;
    };
    lab.be_strict(LAG);
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
    assert!(!text.contains("skipped"), "{text}");
    assert_private(&text, lab.text("/client_address"));
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
    assert_private(&text, lab.text("/client_address"));
    lab.assert_empty("after the kit that failed");
}
