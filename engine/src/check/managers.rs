//! How many managers are wanted.

use super::{Checked, Finding, Severity};
use crate::kinds::is_manager;

/// Raft tolerates the loss of a minority: an even number tolerates no more than the odd one
/// below it, and more than seven slow every decision down (Docker: "Administer and maintain a
/// swarm of Docker Engines").
pub(super) fn check(checked: &Checked<'_>) -> Vec<Finding> {
    let managers = checked
        .desired
        .resources
        .iter()
        .filter(|wanted| is_manager(&wanted.address, &wanted.spec))
        .count();
    let mut findings = Vec::new();
    if managers > 0 && managers % 2 == 0 {
        let (less, more) = (managers - 1, managers + 1);
        findings.push(
            Finding::new(
                Severity::Warning,
                "managers",
                format!(
                    "{managers} managers tolerate the loss of {}, no more than {less} would",
                    (managers - 1) / 2
                ),
            )
            .with_help(format!("use an odd number: {less} or {more}")),
        );
    }
    if managers > 7 {
        findings.push(
            Finding::new(
                Severity::Warning,
                "managers",
                format!("{managers} managers: raft gets slower with each beyond seven"),
            )
            .with_help("use 3, 5 or 7 managers and make the other nodes workers"),
        );
    }
    findings
}
