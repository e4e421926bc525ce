//! The checks that are made, and those that others add.

use std::fmt;
use std::sync::Arc;

use super::built_in::BuiltIn;
use super::{
    About, Checked, Finding, addresses, contents, credits, disk, encryption, exposure, host_ports, images,
    login, login_key, logins, managers, metadata, named, networks, offered, open_ports, outage, place,
    placement, ports, protect, published, quorum, ranges, reach, renamed, reservations, rules, start_first,
    tags, updates, user, zones,
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
    &contents::CHECK,
    &credits::CHECK,
    &disk::CHECK,
    &encryption::CHECK,
    &exposure::CHECK,
    &host_ports::CHECK,
    &images::CHECK,
    &login::CHECK,
    &login_key::CHECK,
    &logins::CHECK,
    &managers::CHECK,
    &metadata::CHECK,
    &named::CHECK,
    &networks::CHECK,
    &offered::CHECK,
    &open_ports::CHECK,
    &outage::CHECK,
    &placement::CHECK,
    &ports::CHECK,
    &protect::CHECK,
    &published::CHECK,
    &quorum::CHECK,
    &ranges::CHECK,
    &reach::CHECK,
    &renamed::CHECK,
    &reservations::CHECK,
    &rules::CHECK,
    &start_first::CHECK,
    &tags::CHECK,
    &updates::CHECK,
    &user::CHECK,
    &zones::CHECK,
];

/// Why a check cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// Two checks of one id would be taken for each other.
    #[error("there is a check `{0}` already; `Checks::replace` puts another one in its place")]
    Taken(&'static str),
    /// There is nothing to replace.
    #[error("there is no check `{0}` to replace")]
    Absent(&'static str),
}

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
    /// Adds a check. Fails if there is one with its id.
    pub fn register(&mut self, check: Arc<dyn Check>) -> Result<(), CheckError> {
        let id = check.about().id;
        if self.list().any(|other| other.id == id) {
            return Err(CheckError::Taken(id));
        }
        self.0.push(check);
        Ok(())
    }

    /// Puts a check in the place of the one with its id. Fails if there is none.
    pub fn replace(&mut self, check: Arc<dyn Check>) -> Result<(), CheckError> {
        let id = check.about().id;
        let former = self.0.iter_mut().find(|other| other.about().id == id);
        *former.ok_or(CheckError::Absent(id))? = check;
        Ok(())
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
        checks.register(lint("lint")).expect("a new id");
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
    fn an_id_that_is_taken_is_refused_and_replaced_only_on_request() {
        let category = |checks: &Checks, id: &str| {
            let found = checks.list().find(|about| about.id == id);
            found.map(|about| about.category)
        };
        for built_in in BUILT_IN {
            let id = built_in.about.id;
            let mut checks = Checks::default();
            let before: Vec<&str> = checks.list().map(|about| about.id).collect();
            assert_eq!(checks.register(lint(id)), Err(CheckError::Taken(id)));
            assert_eq!(category(&checks, id), Some(built_in.about.category));
            assert_eq!(checks.replace(lint(id)), Ok(()));
            assert_eq!(category(&checks, id), Some(Category::Capacity));
            let after: Vec<&str> = checks.list().map(|about| about.id).collect();
            assert_eq!(after, before, "in its place");
        }
        let mut checks = Checks::default();
        assert_eq!(checks.replace(lint("lint")), Err(CheckError::Absent("lint")));
        assert_eq!(category(&checks, "lint"), None);
        assert_eq!(checks.register(lint("lint")), Ok(()));
        assert_eq!(checks.register(lint("lint")), Err(CheckError::Taken("lint")));
    }
}
