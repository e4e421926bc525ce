//! Protected resources.

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::plan::{Operation, Step};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "protect",
        category: Category::Availability,
        documentation: "What is protected is neither deleted nor replaced.",
    },
    look,
};

/// What is protected is neither deleted nor replaced, even when its block has left the manifest.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    checked
        .plan
        .steps
        .iter()
        .filter(|step| step.operation == Operation::Delete && is_protected(step))
        .map(|step| {
            let what = if step.replaces() { "replace" } else { "delete" };
            Finding::new(
                Severity::Error,
                &CHECK.about,
                format!("this plan would {what} it, and it is protected"),
            )
            .about(step.address.clone())
            .with_remedy("set protect = false in the manifest and apply that first")
        })
        .collect()
}

/// Whether the record says that what is there now may not go.
fn is_protected(step: &Step) -> bool {
    step.before
        .as_ref()
        .is_some_and(|record| record.protect && !record.deposed)
}
