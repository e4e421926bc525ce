//! How many rules a security group has.

use serde::Deserialize;

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding};
use crate::world::Rule;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "rules",
        category: Category::Capacity,
        documentation: "A security group has at most 60 inbound rules, unless AWS raises the quota (Amazon VPC quotas, \"Security groups\").",
    },
    look,
};

/// Inbound rules of a security group (Amazon VPC quotas).
const MOST: usize = 60;

#[derive(Deserialize)]
struct SecurityGroup {
    #[serde(default)]
    rules: Vec<Rule>,
}

/// More rules than EC2 takes.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let groups = checked.of_kind("security_group");
    groups
        .filter_map(|wanted| {
            let rules = wanted.spec.decode::<SecurityGroup>().ok()?.rules.len();
            let finding = Finding::new(
                checked.refusing(Some(&wanted.address)),
                &CHECK.about,
                format!("{rules} rules are needed, and a security group takes {MOST}"),
            );
            (rules > MOST).then(|| {
                finding
                    .about(wanted.address.clone())
                    .with_remedy("name fewer ranges in ssh_from and publish_to, or publish ranges of ports, which are one rule each")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    fn found(ranges: usize, ports: &str) -> Vec<crate::check::Finding> {
        let ranges: Vec<String> = (0..ranges).map(|n| format!("\"198.51.{n}.0/24\"")).collect();
        let service = format!("[[service]]\nname = \"web\"\nimage = \"nginx\"\nports = [\"{ports}\"]\n");
        let from = "ssh_from = \"198.51.100.7/32\"";
        let text = manifest(&service).replace(from, &format!("{from}\npublish_to = [{}]", ranges.join(", ")));
        Case::of(&text).findings("rules")
    }

    #[test]
    fn more_rules_than_a_group_takes_are_said_once() {
        // SSH and the four of the swarm stand beside them.
        assert_eq!(found(55, "80:80"), []);
        assert_eq!(
            only(&found(56, "80:80")),
            "Error 5 security_group: 61 rules are needed, and a security group takes 60"
        );
    }

    #[test]
    fn a_range_of_ports_is_one_rule() {
        assert_eq!(found(55, "8000-8099:8000-8099"), []);
    }
}
