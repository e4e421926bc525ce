//! Secrets that are planned without what they contain.

use subako_state::Address;

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::plan::Operation;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "secret-content",
        category: Category::State,
        documentation: "A secret whose content is missing keeps the name that the state has of it; its content is needed where it is created.",
    },
    look,
};

/// Each secret whose content is missing: whether it has changed is not known.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    let findings = manifest.without_content().map(|secret| {
        let address = Address::new("secret", &secret.name);
        let mut steps = checked.plan.steps.iter();
        let made = steps.any(|step| step.operation == Operation::Create && step.address == address);
        let (severity, message) = match made {
            true => (
                Severity::Warning,
                format!("an apply has to create it and needs its content: {} is missing", secret.source),
            ),
            false => (
                Severity::Note,
                format!(
                    "{} is missing, so it is planned under its recorded name; an apply with another content is refused",
                    secret.source
                ),
            ),
        };
        Finding::new(severity, &CHECK.about, message).about(address)
    });
    findings.collect()
}
