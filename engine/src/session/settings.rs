//! What the manifest's `[checks]` make of the findings of a plan.

use std::collections::BTreeMap;

use super::Session;
use crate::check::{Finding, Severity, planner};
use crate::manifest::CheckSetting;

impl<W> Session<W> {
    /// Gives findings the severity that the manifest has for them, with its reason. What refuses a
    /// plan goes on doing so. A setting for a check that does not exist would never hold: it refuses
    /// the plan.
    pub(super) fn set(&self, findings: &mut Vec<Finding>) {
        let settings = &self.manifest.checks;
        if settings.is_empty() {
            return;
        }
        apply(settings, findings);
        let known = self.known_checks();
        let unknown = settings.keys().filter(|id| !known.contains(&id.as_str()));
        findings.extend(unknown.map(|id| {
            Finding::new(
                Severity::Error,
                &planner::CHECKS,
                format!("there is no check `{id}`"),
            )
            .with_remedy(format!("the checks are {}", known.join(", ")))
        }));
        findings.sort();
    }
}

fn apply(settings: &BTreeMap<String, CheckSetting>, findings: &mut [Finding]) {
    for finding in findings {
        if let Some(setting) = settings.get(&finding.id) {
            finding.matter(setting.severity, &format!("[checks]: {}", setting.reason));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_lowered_or_raised_with_its_reason_and_an_error_stays_one() {
        let finding = |severity| Finding::new(severity, &planner::ADOPTION, "it is there");
        let set = |is: Severity, to: Severity| {
            let setting = CheckSetting {
                severity: to,
                reason: "known".into(),
            };
            let mut findings = vec![finding(is), Finding::new(is, &planner::STRAYS, "another")];
            apply(
                &BTreeMap::from([(planner::ADOPTION.id.to_owned(), setting)]),
                &mut findings,
            );
            assert_eq!(findings[1], Finding::new(is, &planner::STRAYS, "another"));
            let first = findings.swap_remove(0);
            (first.severity, first.message)
        };
        let said = "it is there ([checks]: known)".to_owned();
        assert_eq!(
            set(Severity::Warning, Severity::Note),
            (Severity::Note, said.clone())
        );
        assert_eq!(set(Severity::Note, Severity::Error), (Severity::Error, said));
        assert_eq!(
            set(Severity::Error, Severity::Note),
            (Severity::Error, "it is there".to_owned())
        );
    }
}
