//! How many managers are wanted.

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::kinds::is_manager;
use crate::world::Role;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "managers",
        category: Category::Availability,
        documentation: "Raft tolerates the loss of a minority of the managers (Docker: \"Administer and maintain a swarm of Docker Engines\").",
    },
    look,
};

/// Raft tolerates the loss of a minority: an even number tolerates no more than the odd one
/// below it, and more than seven slow every decision down (Docker: "Administer and maintain a
/// swarm of Docker Engines").
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let managers = checked
        .desired
        .resources
        .iter()
        .filter(|wanted| is_manager(&wanted.address, &wanted.spec))
        .count();
    let pools = checked.manifest.into_iter().flat_map(|manifest| &manifest.pools);
    let pool = pools.into_iter().find(|pool| pool.role == Role::Manager);
    let pool = pool.map_or("", |pool| pool.name.as_str());
    let mut findings = Vec::new();
    if managers > 0 && managers % 2 == 0 {
        let (less, more) = (managers - 1, managers + 1);
        findings.push(
            Finding::new(
                Severity::Warning,
                &CHECK.about,
                format!(
                    "{managers} managers tolerate the loss of {}, no more than {less} would",
                    (managers - 1) / 2
                ),
            )
            .with_remedy(format!("use an odd number: {less} or {more}"))
            .at("pool", pool, "count"),
        );
    }
    if managers > 7 {
        findings.push(
            Finding::new(
                Severity::Warning,
                &CHECK.about,
                format!("{managers} managers: raft gets slower with each beyond seven"),
            )
            .with_remedy("use 3, 5 or 7 managers and make the other nodes workers")
            .at("pool", pool, "count"),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    #[test]
    fn an_even_number_of_managers_is_said_once_and_an_odd_one_never() {
        let one = manifest("");
        assert_eq!(Case::of(&one).findings("managers"), []);
        let two = Case::of(&one.replace("count = 1", "count = 2")).findings("managers");
        assert_eq!(
            only(&two),
            "Warning 11 pool manager count: 2 managers tolerate the loss of 0, no more than 1 would"
        );
    }

    #[test]
    fn what_each_number_of_managers_tolerates() {
        let said = |count: u32| -> Vec<String> {
            let case = Case::of(&manifest("").replace("count = 1", &format!("count = {count}")));
            let found = case.findings("managers").into_iter();
            found
                .map(|finding| {
                    assert_eq!(finding.place.expect("a place").path, "pool manager count");
                    format!("{}; {}", finding.message, finding.remedy.expect("a remedy"))
                })
                .collect()
        };
        let even = |count: u32, loss: u32| {
            let (less, more) = (count - 1, count + 1);
            format!(
                "{count} managers tolerate the loss of {loss}, no more than {less} would; use an odd number: {less} or {more}"
            )
        };
        let many = |count: u32| {
            format!(
                "{count} managers: raft gets slower with each beyond seven; use 3, 5 or 7 managers and make the other nodes workers"
            )
        };
        for odd in [1, 3, 5, 7] {
            assert_eq!(said(odd), [""; 0]);
        }
        assert_eq!(said(2), [even(2, 0)]);
        assert_eq!(said(4), [even(4, 1)]);
        assert_eq!(said(6), [even(6, 2)]);
        assert_eq!(said(8), [even(8, 3), many(8)]);
        assert_eq!(said(9), [many(9)]);
    }

    #[test]
    fn where_nothing_is_wanted_nothing_is_said() {
        use std::collections::BTreeMap;
        let draft = crate::testing::Draft::new();
        let found = super::look(&super::Checked {
            plan: &draft.plan(),
            desired: &draft.desired,
            snapshot: &draft.snapshot,
            managers: None,
            instances: &[],
            registry: &crate::kinds::registry(),
            manifest: None,
            looked_up: None,
            types: &BTreeMap::new(),
            missing_types: &std::collections::BTreeSet::new(),
        });
        assert_eq!(found, []);
    }
}
