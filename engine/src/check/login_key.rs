//! Another public key: machines keep the one that they were created with.

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::plan::Operation;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "login_key",
        category: Category::Security,
        documentation: "EC2 puts a key pair's public key on an instance at its first boot only (EC2 user guide, \"Amazon EC2 key pairs\").",
    },
    look,
};

/// A key pair whose key changes, while instances stay that have the old one.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let steps = &checked.plan.steps;
    let renewed = steps.iter().find(|step| {
        step.address.kind() == "key_pair"
            && step.operation == Operation::Create
            && step.changes.iter().any(|change| change.path == "public_key")
    });
    let Some(renewed) = renewed else {
        return Vec::new();
    };
    let recorded = checked.snapshot.resources.iter();
    let machines = recorded.filter(|r| r.address.kind() == "instance" && !r.deposed);
    let leaves = |address: &subako_state::Address| {
        let mut all = steps.iter();
        all.any(|step| step.address == *address && step.operation != Operation::Update)
    };
    let kept = machines.filter(|r| !leaves(&r.address)).count();
    if kept == 0 {
        return Vec::new();
    }
    let who = match kept {
        1 => "1 instance keeps the old one".to_owned(),
        kept => format!("{kept} instances keep the old one"),
    };
    vec![
        Finding::new(
            Severity::Warning,
            &CHECK.about,
            format!("its public key changes, and {who}: only instances created from now on have the new one"),
        )
        .about(renewed.address.clone())
        .with_remedy(
            "keep the old key in [ssh] private_key (or in your agent) for as long as one of them is there, add the new \
             one to their ~/.ssh/authorized_keys, or replace them: --replace 'instance.*'",
        )
        .at("key_pair", "", "public_key"),
    ]
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    const KEYS: [&str; 2] = [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGqcLkuqN1vPQMgC3pQ3q9hfFFPKZ1Tt1d4mGeZYXz0a me",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHgq8f2bGBGPNb0WzUAqkmFkQnzNUO6yP4pUXFGQnQ5R me",
    ];

    fn with(key: &str) -> String {
        manifest(&format!("[key_pair]\nname = \"k\"\npublic_key = \"{key}\"\n"))
    }

    #[test]
    fn instances_that_keep_the_old_key_are_counted() {
        let mut case = Case::of(&with(KEYS[1]));
        case.snapshot = Case::of(&with(KEYS[0])).applied();
        assert_eq!(
            only(&case.findings("login_key")),
            "Warning 21 key_pair public_key: its public key changes, and 3 instances keep the old one: only instances \
             created from now on have the new one"
        );
    }

    #[test]
    fn the_first_key_and_a_key_that_stays_need_no_word() {
        let mut case = Case::of(&with(KEYS[0]));
        assert_eq!(case.findings("login_key"), []);
        case.snapshot = case.applied();
        assert_eq!(case.findings("login_key"), []);
    }

    #[test]
    fn only_instances_that_stay_keep_the_old_key() {
        let said = |replace: &[&str], forget: &[&str]| {
            let mut case = Case::of(&with(KEYS[1]));
            case.snapshot = Case::of(&with(KEYS[0])).applied();
            for resource in &mut case.snapshot.resources {
                resource.deposed = forget.contains(&resource.address.as_str());
            }
            case.selection.replace = replace.iter().map(|pattern| (*pattern).to_owned()).collect();
            case.findings("login_key")
        };
        assert!(only(&said(&["instance.node-*"], &[])).contains("and 1 instance keeps the old one: "));
        assert_eq!(said(&["instance.*"], &[]), []);
        assert!(only(&said(&[], &["instance.node-1"])).contains("and 2 instances keep the old one: "));
    }

    #[test]
    fn a_pair_that_is_made_again_with_its_key_changes_nothing() {
        let mut case = Case::of(&with(KEYS[0]).replace("name = \"k\"", "name = \"other\""));
        case.snapshot = Case::of(&with(KEYS[0])).applied();
        assert_eq!(case.findings("login_key"), []);
    }
}
