//! The least IAM policy, generated from the table of operations.

use serde_json::{Value, json};
use subako_world::tag;

use super::operations::{OPERATIONS, Op, Scope};

/// An IAM policy that permits what the adapter does and no more: it reads everything (EC2's reads
/// cannot be limited), creates, and changes only what carries the tag `subako:cluster`.
pub fn least_policy() -> Value {
    let owned = json!({ "StringLike": { format!("aws:ResourceTag/{}", tag::CLUSTER): "*" } });
    let creating: Vec<&str> = OPERATIONS
        .iter()
        .filter(|operation| operation.scope == Scope::New)
        .map(|operation| operation.name)
        .collect();
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Read",
                "Effect": "Allow",
                "Action": actions(Scope::Any),
                "Resource": "*",
            },
            {
                "Sid": "Create",
                "Effect": "Allow",
                "Action": actions(Scope::New),
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
                "Action": actions(Scope::Owned),
                "Resource": "*",
                "Condition": owned,
            },
        ],
    })
}

fn actions(scope: Scope) -> Vec<String> {
    let mut actions: Vec<String> = OPERATIONS
        .iter()
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

    #[test]
    fn the_policy_permits_every_operation_of_the_table_and_nothing_else() {
        let policy = least_policy();
        let permitted: BTreeSet<String> = policy["Statement"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|statement| match &statement["Action"] {
                Value::String(action) => vec![action.clone()],
                Value::Array(actions) => actions
                    .iter()
                    .filter_map(|a| a.as_str().map(str::to_owned))
                    .collect(),
                _ => Vec::new(),
            })
            .collect();
        let made: BTreeSet<String> = OPERATIONS.iter().filter_map(|o| o.op.action()).collect();
        assert_eq!(permitted, made);
    }

    #[test]
    fn nothing_that_destroys_is_permitted_without_the_tag() {
        let policy = least_policy();
        for statement in policy["Statement"].as_array().into_iter().flatten() {
            let text = statement["Action"].to_string();
            let destroys = ["Terminate", "Delete", "Revoke", "Stop", "Modify"]
                .iter()
                .any(|verb| text.contains(verb));
            assert_eq!(destroys, statement["Sid"] == "ChangeWhatIsOurs");
        }
    }
}
