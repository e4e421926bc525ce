//! The checks that are made, and those that others add.

use std::fmt;
use std::sync::Arc;

use super::built_in::BuiltIn;
use super::{
    About, Checked, Finding, addresses, disk, exposure, host_ports, images, login, login_key, managers,
    networks, offered, open_ports, outage, place, placement, ports, protect, quorum, ranges, renamed,
    reservations, rules, start_first, user, zones,
};

/// A check: prices, lint and rehearsal are such, from outside.
pub trait Check: Send + Sync {
    /// What it is.
    fn about(&self) -> &About;

    /// What it has to say about a plan. It must not depend on anything but what it is given.
    fn look(&self, checked: &Checked<'_>) -> Vec<Finding>;
}

/// Those of this crate, by id.
static BUILT_IN: &[&BuiltIn] = &[
    &addresses::CHECK,
    &disk::CHECK,
    &exposure::CHECK,
    &host_ports::CHECK,
    &images::CHECK,
    &login::CHECK,
    &login_key::CHECK,
    &managers::CHECK,
    &networks::CHECK,
    &offered::CHECK,
    &open_ports::CHECK,
    &outage::CHECK,
    &placement::CHECK,
    &ports::CHECK,
    &protect::CHECK,
    &quorum::CHECK,
    &ranges::CHECK,
    &renamed::CHECK,
    &reservations::CHECK,
    &rules::CHECK,
    &start_first::CHECK,
    &user::CHECK,
    &zones::CHECK,
];

/// The checks that plans go through.
#[derive(Clone)]
pub struct Checks(Vec<Arc<dyn Check>>);

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.0.iter().map(|check| check.about().id);
        f.debug_list().entries(ids).finish()
    }
}

impl Default for Checks {
    fn default() -> Self {
        Self(
            BUILT_IN
                .iter()
                .map(|check| Arc::new(*check) as Arc<dyn Check>)
                .collect(),
        )
    }
}

impl Check for &'static BuiltIn {
    fn about(&self) -> &About {
        &self.about
    }

    fn look(&self, checked: &Checked<'_>) -> Vec<Finding> {
        (self.look)(checked)
    }
}

impl Checks {
    /// Adds a check. One with the same id gives way to it.
    pub fn register(&mut self, check: Arc<dyn Check>) {
        self.0.retain(|other| other.about().id != check.about().id);
        self.0.push(check);
    }

    /// What each of them is, in the order in which they look.
    pub fn list(&self) -> impl Iterator<Item = &About> {
        self.0.iter().map(|check| check.about())
    }

    /// Everything there is to say about a plan, the most severe first: what the planner found,
    /// and what the checks do. Each finding says where the manifest speaks of it.
    pub fn findings(&self, checked: &Checked<'_>) -> Vec<Finding> {
        let mut found = checked.plan.findings.clone();
        found.extend(self.0.iter().flat_map(|check| check.look(checked)));
        if let Some(manifest) = checked.manifest {
            for finding in &mut found {
                place::resolve(finding, manifest);
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use subako_state::Address;

    use super::*;
    use crate::check::testing::{Case, manifest};
    use crate::check::{Category, Severity};

    struct Lint(About);

    impl Check for Lint {
        fn about(&self) -> &About {
            &self.0
        }

        fn look(&self, checked: &Checked<'_>) -> Vec<Finding> {
            let created = checked.plan.summary.create;
            vec![
                Finding::new(Severity::Note, &self.0, format!("{created} to create"))
                    .at("pool", "node", "count"),
                Finding::new(Severity::Note, &self.0, "a node").about(Address::new("member", "node-1")),
                Finding::new(Severity::Note, &self.0, "gone").about(Address::new("member", "node-7")),
            ]
        }
    }

    fn lint(id: &'static str) -> Arc<dyn Check> {
        Arc::new(Lint(About {
            id,
            category: Category::Capacity,
            documentation: "Of a caller.",
        }))
    }

    #[test]
    fn ids_are_unique_and_every_check_names_its_rule() {
        let checks = Checks::default();
        let ids: BTreeSet<&str> = checks.list().map(|about| about.id).collect();
        assert_eq!(ids.len(), checks.list().count());
        for about in checks.list() {
            assert!(about.documentation.ends_with('.'), "{}", about.id);
            assert!(!about.documentation.contains('\n'), "{}", about.id);
        }
    }

    #[test]
    fn a_callers_check_finds_its_place_in_the_manifest_or_none() {
        let mut checks = Checks::default();
        checks.register(lint("lint"));
        let found = Case::of(&manifest("")).findings_of(&checks, "lint");
        let places: Vec<(&str, Option<(u32, &str)>)> = found
            .iter()
            .map(|finding| {
                let place = finding.place.as_ref();
                (
                    finding.message.as_str(),
                    place.map(|place| (place.line, place.path.as_str())),
                )
            })
            .collect();
        assert_eq!(
            places,
            [
                ("11 to create", Some((17, "pool node count"))),
                ("a node", Some((14, "pool node"))),
                ("gone", None),
            ]
        );
    }

    #[test]
    fn a_check_takes_the_place_of_one_with_its_id() {
        let mut checks = Checks::default();
        let before = checks.list().count();
        checks.register(lint("quorum"));
        assert_eq!(checks.list().count(), before);
        let quorum = checks.list().find(|about| about.id == "quorum");
        assert_eq!(quorum.map(|about| about.category), Some(Category::Capacity));
    }
}
