//! The minimal IAM policy, generated from the table of operations.

use serde_json::{Value, json};
use subako_world::tag;

use super::operations::{OPERATIONS, Op, Operation, Optional, Scope};

/// What else is needed where the account encrypts its disks with a key of its own: EC2 uses the key
/// for the caller (EBS user guide, "Requirements for Amazon EBS encryption", permissions for users).
/// AWS's own key, `aws/ebs`, needs none of it.
pub fn disk_key_statement() -> Value {
    json!({
        "Sid": "UseTheKeyOfTheDisks",
        "Effect": "Allow",
        "Action": [
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ],
        "Resource": "*",
        "Condition": { "StringLike": { "kms:ViaService": "ec2.*.amazonaws.com" } },
    })
}

/// The statement of the minimal policy that permits an action, for that action alone; `None` for one
/// that the adapter does not need.
pub(super) fn statement(action: &str) -> Option<Value> {
    let policy = least_policy(&Optional::ALL);
    let mut statements = policy["Statement"].as_array()?.iter();
    let mut found = statements
        .find(|statement| match &statement["Action"] {
            Value::Array(actions) => actions.iter().any(|own| own == action),
            own => own == action,
        })?
        .clone();
    found["Action"] = action.into();
    if let Some(fields) = found.as_object_mut() {
        fields.remove("Sid");
    }
    Some(found)
}

/// An IAM policy that permits what the adapter does and no more: it reads everything (EC2's reads
/// cannot be limited), creates, and changes only what carries the tag `subako:cluster`. What only
/// some manifests need is in it where `wanted` has it.
pub fn least_policy(wanted: &[Optional]) -> Value {
    let owned = json!({ "StringLike": { format!("aws:ResourceTag/{}", tag::CLUSTER): "*" } });
    let creating: Vec<&str> = needed(wanted)
        .filter(|operation| operation.scope == Scope::New)
        .map(|operation| operation.name)
        .collect();
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Read",
                "Effect": "Allow",
                "Action": actions(wanted, Scope::Any),
                "Resource": "*",
            },
            {
                "Sid": "Create",
                "Effect": "Allow",
                "Action": actions(wanted, Scope::New),
                "Resource": "*",
            },
            {
                "Sid": "TagWhatIsCreated",
                "Effect": "Allow",
                "Action": Op::CreateTags.action(),
                "Resource": "*",
                "Condition": { "StringEquals": { "ec2:CreateAction": creating } },
            },
            {
                "Sid": "ChangeWhatIsOurs",
                "Effect": "Allow",
                "Action": actions(wanted, Scope::Owned),
                "Resource": "*",
                "Condition": owned,
            },
        ],
    })
}

fn needed(wanted: &[Optional]) -> impl Iterator<Item = &'static Operation> {
    let is_wanted = |what: Optional| wanted.contains(&what);
    OPERATIONS
        .iter()
        .filter(move |operation| operation.only_for.is_none_or(is_wanted))
}

fn actions(wanted: &[Optional], scope: Scope) -> Vec<String> {
    let mut actions: Vec<String> = needed(wanted)
        .filter(|operation| operation.scope == scope)
        .filter_map(|operation| operation.op.action())
        .collect();
    actions.sort();
    actions
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn permitted(policy: &Value) -> BTreeSet<String> {
        let statements = policy["Statement"].as_array().into_iter().flatten();
        let actions = statements.flat_map(|statement| match &statement["Action"] {
            Value::String(action) => vec![action.clone()],
            Value::Array(actions) => actions
                .iter()
                .filter_map(|a| a.as_str().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        });
        actions.collect()
    }

    #[test]
    fn the_policy_permits_every_operation_that_is_needed_and_nothing_else() {
        for wanted in [&[][..], &Optional::ALL] {
            let made = needed(wanted).filter_map(|o| o.op.action()).collect();
            assert_eq!(permitted(&least_policy(wanted)), made);
        }
        let made: BTreeSet<String> = OPERATIONS.iter().filter_map(|o| o.op.action()).collect();
        assert_eq!(permitted(&least_policy(&Optional::ALL)), made);
    }

    #[test]
    fn what_only_some_manifests_need_is_permitted_only_to_them() {
        let none = permitted(&least_policy(&[]));
        for what in Optional::ALL {
            let with = permitted(&least_policy(&[what]));
            let added: BTreeSet<String> = with.difference(&none).cloned().collect();
            let own = OPERATIONS.iter().filter(|o| o.only_for == Some(what));
            assert_eq!(added, own.filter_map(|o| o.op.action()).collect());
            assert!(!added.is_empty(), "{what:?} needs nothing");
        }
    }

    #[test]
    fn every_action_has_its_statement() {
        for action in OPERATIONS.iter().filter_map(|o| o.op.action()) {
            let statement = statement(&action).unwrap_or_else(|| panic!("{action} has none"));
            assert_eq!(statement["Action"], action.as_str());
            assert_eq!(statement["Effect"], "Allow");
            let owned = Op::named(&action["ec2:".len()..]).is_some_and(|op| op.entry().scope == Scope::Owned);
            let limited = statement.get("Condition").is_some();
            assert!(limited == owned, "{statement}");
        }
        assert_eq!(statement("s3:GetObject"), None);
    }

    #[test]
    fn nothing_that_destroys_is_permitted_without_the_tag() {
        let policy = least_policy(&Optional::ALL);
        for statement in policy["Statement"].as_array().into_iter().flatten() {
            let text = statement["Action"].to_string();
            let destroys = ["Terminate", "Delete", "Release", "Revoke", "Stop", "Modify"]
                .iter()
                .any(|verb| text.contains(verb));
            assert_eq!(destroys, statement["Sid"] == "ChangeWhatIsOurs");
        }
    }
}
