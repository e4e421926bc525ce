//! Which nodes of the manifest a task can run on.

use std::collections::BTreeSet;

use crate::kinds::label;
use crate::manifest::{Manifest, Pool};
use crate::world::{Availability, Family, Role};

/// A constraint in the manifest's canonical form.
#[derive(Debug, Clone, Copy)]
struct Constraint<'a> {
    subject: &'a str,
    equal: bool,
    value: &'a str,
}

impl<'a> Constraint<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (subject, equal, value) = match (text.split_once(" == "), text.split_once(" != ")) {
            (Some((subject, value)), _) => (subject, true, value),
            (None, Some((subject, value))) => (subject, false, value),
            (None, None) => return None,
        };
        Some(Self {
            subject,
            equal,
            value,
        })
    }

    /// Swarm compares without case (swarmkit, `constraint.Match`).
    fn says(self, is: &str) -> bool {
        is.eq_ignore_ascii_case(self.value) == self.equal
    }

    /// Whether it may hold on a node. What only the running node knows (its id, address, platform
    /// and the labels of its engine) may be anything.
    fn may_hold(self, pool: &Pool, name: &str) -> bool {
        match self.subject {
            "node.role" => self.says(match pool.role {
                Role::Manager => "manager",
                Role::Worker => "worker",
            }),
            "node.hostname" => !self.equal || may_be_called(pool, self.value),
            subject => match subject.strip_prefix("node.labels.") {
                Some(label::NAME) => self.says(name),
                Some(own) if own.starts_with(label::PREFIX) => true,
                Some(own) => self.says(pool.labels.get(own).map_or("", String::as_str)),
                None => true,
            },
        }
    }
}

/// Whether a host of the pool may have this hostname: EC2 names hosts after their address or id
/// (EC2 user guide, "Amazon EC2 instance hostnames and domains"), never after their name in the
/// manifest. An image of one's own may choose another.
fn may_be_called(pool: &Pool, hostname: &str) -> bool {
    // Hosts of a family are called as EC2 calls them; other images may choose otherwise.
    let known = Family::named(&pool.ami).is_some();
    let hostname = hostname.to_ascii_lowercase();
    !known || hostname.starts_with("ip-") || hostname.starts_with("i-")
}

/// Whether a pool's nodes take new tasks.
pub(super) fn takes_tasks(pool: &Pool) -> bool {
    pool.count > 0 && pool.availability == Availability::Active
}

/// How many nodes a task with these constraints may run on.
pub(super) fn fitting(manifest: &Manifest, constraints: &[String]) -> u64 {
    let pools = manifest.pools.iter().filter(|pool| takes_tasks(pool));
    pools.map(|pool| u64::from(of_pool(pool, constraints))).sum()
}

/// The names of the nodes that a task with these constraints may run on, up to so many.
pub(super) fn names_fitting(manifest: &Manifest, constraints: &[String], most: usize) -> Vec<String> {
    let pools = manifest.pools.iter().filter(|pool| takes_tasks(pool));
    let fitting = pools.filter(|pool| of_pool(pool, constraints) > 0);
    let names = fitting.flat_map(|pool| {
        Manifest::instance_names(pool).filter(move |name| {
            let by_name = [format!("node.labels.{} == {name}", label::NAME)];
            let all: Vec<String> = constraints.iter().cloned().chain(by_name).collect();
            of_pool(pool, &all) > 0
        })
    });
    names.take(most).collect()
}

/// How many nodes of a pool a task with these constraints may run on.
pub(super) fn of_pool(pool: &Pool, constraints: &[String]) -> u32 {
    let read: Vec<Constraint<'_>> = constraints
        .iter()
        .filter_map(|text| Constraint::parse(text))
        .collect();
    let by_name = |c: &&Constraint<'_>| c.subject.strip_prefix("node.labels.") == Some(label::NAME);
    // Nodes of a pool are alike but for their names.
    if !read.iter().filter(|c| !by_name(c)).all(|c| c.may_hold(pool, "")) {
        return 0;
    }
    let named: Vec<&Constraint<'_>> = read.iter().filter(by_name).collect();
    if named.is_empty() {
        return pool.count;
    }
    let one_of = |name: &str| named.iter().all(|c| c.says(name));
    match named.iter().find(|c| c.equal) {
        Some(only) => u32::from(is_of(pool, only.value) && one_of(only.value)),
        None => {
            let excluded: BTreeSet<String> = named.iter().map(|c| c.value.to_ascii_lowercase()).collect();
            let away = excluded.iter().filter(|name| is_of(pool, name)).count();
            pool.count.saturating_sub(u32::try_from(away).unwrap_or(u32::MAX))
        }
    }
}

/// Whether an instance of the pool has this name.
fn is_of(pool: &Pool, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let index = name
        .strip_prefix(&pool.name)
        .and_then(|rest| rest.strip_prefix('-'));
    index
        .and_then(|index| Some((index, index.parse::<u32>().ok()?)))
        .is_some_and(|(text, index)| index < pool.count && index.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower::testing::{pool, sandbox};

    fn nodes(constraints: &[&str]) -> u64 {
        let mut manifest = sandbox();
        manifest.pools[1].labels.insert("Tier".into(), "Web".into());
        let mut drained = pool("idle", Role::Worker, 9);
        drained.availability = Availability::Drain;
        manifest.pools.push(drained);
        let constraints: Vec<String> = constraints.iter().map(|c| (*c).to_owned()).collect();
        fitting(&manifest, &constraints)
    }

    #[test]
    fn nodes_fit_by_role_labels_and_names() {
        for (constraints, fit) in [
            (&[][..], 5),
            (&["node.role == worker"], 2),
            (&["node.role != worker"], 3),
            (&["node.labels.Tier == web"], 2),
            (&["node.labels.Tier != web"], 3),
            (&["node.labels.tier == web"], 0),
            (&["node.role == manager", "node.labels.Tier == web"], 0),
            (&["node.labels.subako.name == NODE-1"], 1),
            (&["node.labels.subako.name == node-2"], 0),
            (&["node.labels.subako.name == node-01"], 0),
            (&["node.labels.subako.name != node-1"], 4),
            (
                &[
                    "node.labels.subako.name == node-1",
                    "node.labels.subako.name != node-1",
                ],
                0,
            ),
            (&["node.labels.subako.cluster == x"], 5),
            (&["node.hostname == manager-0"], 0),
            (&["node.hostname != manager-0"], 5),
            (&["node.hostname == ip-172-31-0-4.ec2.internal"], 5),
            (
                &[
                    "node.id == abc",
                    "engine.labels.x == y",
                    "node.platform.os == linux",
                ],
                5,
            ),
        ] {
            assert_eq!(nodes(constraints), fit, "{constraints:?}");
        }
    }
}
