//! The live kit's half on EC2, against a strict one: what needs no host.

use super::like_ec2::{LAG, anywhere};
use super::strict::Strict;
use crate::live_kit::{self, assert_private};

const FROM: &str = "203.0.113.7";

fn kit(options: &[&str]) -> Option<(Option<i32>, String)> {
    let bench = anywhere(Strict::all(LAG))?;
    let report = bench.dir.path().join("report.md");
    let from = format!("{FROM}/32");
    let mut all = vec!["--region", bench.region, "--ssh-from", &from];
    all.extend(options);
    let text = |value: &str| value.to_owned();
    let environment = [
        ("AWS_ENDPOINT_URL", bench.proxy.url()),
        ("AWS_ACCESS_KEY_ID", text("AKIATESTTESTTEST")),
        ("AWS_SECRET_ACCESS_KEY", text("test")),
        ("AWS_EC2_METADATA_DISABLED", text("true")),
    ];
    Some(live_kit::run(&environment, &report, &all))
}

#[test]
fn the_live_kit_reports_what_failed_and_leaves_nothing_in_a_strict_ec2() {
    let Some((code, report)) = kit(&["--only", "cluster", "--image", "ami-00000000000000000"]) else {
        return;
    };
    assert_eq!(code, Some(1), "{report}");
    assert!(
        report.contains("**failed**") && report.contains("ami-00000000000000000"),
        "{report}"
    );
    assert!(report.contains("| nothing is left | ok |"), "{report}");
    assert_private(&report, FROM);
}

#[test]
#[ignore = "1 min; its cases are those of the adapter's `conformance::…_in_a_strict_ec2`"]
fn the_live_kits_cases_hold_in_a_strict_ec2() {
    let Some((code, report)) = kit(&["--only", "seam"]) else {
        return;
    };
    assert_eq!(code, Some(0), "{report}");
    for step in ["the cases of the seam Cloud", "nothing is left"] {
        assert!(report.contains(&format!("| {step} | ok |")), "{step}: {report}");
    }
    assert!(!report.contains("skipped"), "{report}");
    assert_private(&report, FROM);
}
