//! How many rules a security group has.

use serde::Deserialize;

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::world::Rule;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "rules",
        category: Category::Capacity,
        documentation: "A security group has at most 60 inbound rules, unless AWS raises the quota, and never more than 1,000 (Amazon VPC quotas, \"Security groups\").",
    },
    look,
};

/// Inbound rules of a security group, as AWS sets the quota for every account (Amazon VPC quotas,
/// L-0EA8095F).
const USUAL: usize = 60;
/// The most that AWS raises it to: the quota times that of groups an interface cannot exceed this
/// (Amazon VPC quotas, "Security groups").
const MOST: usize = 1_000;

#[derive(Deserialize)]
struct SecurityGroup {
    #[serde(default)]
    rules: Vec<Rule>,
}

/// More rules than EC2 takes, or takes without a higher quota, which cannot be asked for.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let groups = checked.of_kind("security_group");
    groups
        .filter_map(|wanted| {
            let rules = wanted.spec.decode::<SecurityGroup>().ok()?.rules.len();
            let fewer = "name fewer ranges in ssh_from and publish_to, or publish ranges of ports, which are one rule each";
            let (severity, message, remedy) = match rules {
                few if few <= USUAL => return None,
                many if many <= MOST => (
                    Severity::Warning,
                    format!("{rules} rules are needed, and a security group takes {USUAL} unless AWS has raised the quota"),
                    format!("{fewer}; or have the quota \"Inbound or outbound rules per security group\" raised"),
                ),
                _ => (
                    checked.refusing(Some(&wanted.address)),
                    format!("{rules} rules are needed, and a security group takes {MOST} at most"),
                    fewer.to_owned(),
                ),
            };
            let finding = Finding::new(severity, &CHECK.about, message);
            Some(finding.about(wanted.address.clone()).with_remedy(remedy))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    fn found(ranges: usize, ports: &str) -> Vec<crate::check::Finding> {
        let ranges: Vec<String> = (0..ranges)
            .map(|n| format!("\"198.{}.{}.0/24\"", n / 256, n % 256))
            .collect();
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
            "Warning 5 security_group: 61 rules are needed, and a security group takes 60 unless AWS has raised the quota"
        );
        assert!(only(&found(995, "80:80")).starts_with("Warning 5 security_group: 1000 rules are needed"));
        assert_eq!(
            only(&found(996, "80:80")),
            "Error 5 security_group: 1001 rules are needed, and a security group takes 1000 at most"
        );
    }

    #[test]
    fn a_range_of_ports_is_one_rule() {
        assert_eq!(found(55, "8000-8099:8000-8099"), []);
    }
}
