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
        .filter(|step| goes(&step.operation) && is_protected(step))
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

/// Whether an object is there before the step and not after it: deleted by a call, or with its host.
fn goes(operation: &Operation) -> bool {
    matches!(operation, Operation::Delete | Operation::Vanish { .. })
}

/// Whether the record says that what is there now may not go.
fn is_protected(step: &Step) -> bool {
    step.before
        .as_ref()
        .is_some_and(|record| record.protect && !record.deposed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::check::testing::among;
    use crate::plan::{Record, Replacement};
    use crate::testing::{address, json_of};

    fn step(operation: Operation, protect: bool, deposed: bool) -> Step {
        let record = Record {
            spec: json_of(&json!({})),
            outputs: None,
            depends_on: vec![],
            made_with: BTreeMap::new(),
            protect,
            deposed,
        };
        Step::new(address("toy.a"), 0, operation, Some(record.clone()), Some(record))
    }

    #[test]
    fn what_is_protected_now_is_neither_deleted_nor_replaced() {
        let said = |step: Step| among(&CHECK, &[], vec![step]);
        let deleted = ["Error toy.a: this plan would delete it, and it is protected"];
        assert_eq!(said(step(Operation::Delete, true, false)), deleted);
        let mut replaced = step(Operation::Delete, true, false);
        replaced.replacement = Some(Replacement::NewFirst);
        assert_eq!(
            said(replaced),
            ["Error toy.a: this plan would replace it, and it is protected"]
        );
        let with_its_host = Operation::Vanish {
            host: address("instance.*"),
        };
        assert_eq!(said(step(with_its_host, true, false)), deleted);
        assert_eq!(said(step(Operation::Delete, false, false)), [""; 0]);
        assert_eq!(
            said(step(Operation::Delete, true, true)),
            [""; 0],
            "its successor is there"
        );
        for operation in [
            Operation::Create,
            Operation::Update,
            Operation::Adopt,
            Operation::Forget,
        ] {
            assert_eq!(said(step(operation, true, false)), [""; 0]);
        }
        let unknown = Step::new(address("toy.a"), 0, Operation::Delete, None, None);
        assert_eq!(said(unknown), [""; 0]);
    }
}
