//! Instances that give their credentials to whoever asks.

use std::collections::{BTreeMap, BTreeSet};

use subako_state::Address;

use super::built_in::BuiltIn;
use super::place::pool_of;
use super::{About, Category, Checked, Finding, Severity};
use crate::plan::Action;
use crate::world::{Ownership, tag};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "metadata",
        category: Category::Security,
        documentation: "Without IMDSv2 a request that a container is tricked into making reads the instance's credentials (EC2 user guide, \"Use the Instance Metadata Service\").",
    },
    look,
};

/// Instances that stay and answer IMDSv1, because somebody has changed that: once for each pool.
/// Subako launches none that does.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let steps = checked.plan.steps.iter();
    let going: BTreeSet<&Address> = steps
        .filter(|step| step.action() == Action::Delete)
        .map(|step| &step.address)
        .collect();
    let open = checked.instances.iter().filter(|live| !live.imdsv2_required);
    let mut pools: BTreeMap<String, Vec<(Address, &str)>> = BTreeMap::new();
    for live in open {
        let named = Ownership::from_tags(&live.tags)
            .and_then(|_| live.tags.get(tag::ADDRESS)?.parse::<Address>().ok());
        let Some(address) = named.filter(|address| !going.contains(address)) else {
            continue;
        };
        let pool = pool_of(&address).to_owned();
        pools.entry(pool).or_default().push((address, &live.id));
    }
    pools
        .into_iter()
        .map(|(pool, mut open)| {
            open.sort();
            let ids: Vec<&str> = open.iter().map(|(_, id)| *id).collect();
            let message = match ids.len() {
                1 => format!("an instance of pool `{pool}` answers IMDSv1: {}", ids[0]),
                count => format!("{count} instances of pool `{pool}` answer IMDSv1: {}", ids.join(", ")),
            };
            let first = ids[0];
            Finding::new(Severity::Warning, &CHECK.about, message)
                .with_remedy(format!(
                    "for each of them: aws ec2 modify-instance-metadata-options --http-tokens required --instance-id {first}"
                ))
                .at("pool", &pool, "name")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};
    use crate::kinds::testing::{instance, ownership};

    #[test]
    fn instances_that_answer_imdsv1_are_said_once_for_each_pool() {
        let mut case = Case::of(&manifest(""));
        case.snapshot = case.applied();
        case.instances = ["node-0", "node-1", "manager-0"]
            .iter()
            .map(|name| {
                instance(
                    &format!("i-{name}"),
                    ownership(&format!("instance.{name}"), 0).tags(),
                )
            })
            .collect();
        assert_eq!(case.findings("metadata"), []);
        case.instances[2].imdsv2_required = false;
        assert_eq!(
            only(&case.findings("metadata")),
            "Warning 9 pool manager name: an instance of pool `manager` answers IMDSv1: i-manager-0"
        );
        for live in &mut case.instances {
            live.imdsv2_required = !live.imdsv2_required;
        }
        let said = only(&case.findings("metadata"));
        assert!(
            said.contains("2 instances of pool `node` answer IMDSv1: i-node-0, i-node-1"),
            "{said}"
        );
        // What carries no tags of the cluster is somebody else's.
        for live in &mut case.instances {
            live.tags.clear();
        }
        assert_eq!(case.findings("metadata"), []);
        case.instances[0].tags = ownership("instance.node-0", 0).tags();
        case.selection.destroy = true;
        assert_eq!(case.findings("metadata"), [], "it goes");
    }
}
