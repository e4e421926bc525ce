//! Which nodes of the manifest a task can run on.

use std::collections::BTreeSet;

use crate::kinds::label;
use crate::lower::is_arm;
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

    /// Whether it may hold on a node. What only the running node knows (its id and address, and on
    /// an image of one's own the labels of its engine) may be anything.
    fn may_hold(self, pool: &Pool, name: &str) -> bool {
        match self.subject {
            "node.role" => self.says(match pool.role {
                Role::Manager => "manager",
                Role::Worker => "worker",
            }),
            "node.hostname" => !self.equal || may_be_called(pool, self.value),
            // As swarmkit has them: what the engine reports, which is what `uname` says.
            "node.platform.os" => self.says("linux"),
            "node.platform.arch" => self.says(match is_arm(&pool.instance_type) {
                true => "aarch64",
                false => "x86_64",
            }),
            subject => match subject.strip_prefix("node.labels.") {
                Some(label::NAME) => self.says(name),
                Some(own) if own.starts_with(label::PREFIX) => true,
                Some(own) => self.says(pool.labels.get(own).map_or("", String::as_str)),
                None if subject.starts_with("engine.labels.") => {
                    Family::named(&pool.ami).is_none() || self.says("")
                }
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

/// How many nodes meet both of two lists of constraints.
pub(super) fn fitting_both(manifest: &Manifest, one: &[String], other: &[String]) -> u64 {
    let both: Vec<String> = one.iter().chain(other).cloned().collect();
    fitting(manifest, &both)
}

/// Whether every node that meets `these` meets `those` as well.
pub(super) fn within(manifest: &Manifest, these: &[String], those: &[String]) -> bool {
    fitting_both(manifest, these, those) == fitting(manifest, these)
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
    fn the_nodes_of_one_list_of_constraints_are_within_those_of_another() {
        let manifest = sandbox();
        let inside = |these: &str, those: &str| within(&manifest, &[these.to_owned()], &[those.to_owned()]);
        assert!(inside("node.labels.subako.name == node-1", "node.role == worker"));
        assert!(inside("node.role == worker", "node.role != manager"));
        assert!(!inside(
            "node.role == worker",
            "node.labels.subako.name == node-1"
        ));
        assert!(!inside("node.role == worker", "node.role == manager"));
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
                    "engine.labels.x != y",
                    "node.platform.os == linux",
                    "node.platform.arch == X86_64",
                ],
                5,
            ),
            (&["engine.labels.x == y"], 0),
            (&["node.platform.os == windows"], 0),
            (&["node.platform.arch == aarch64"], 0),
        ] {
            assert_eq!(nodes(constraints), fit, "{constraints:?}");
        }
    }

    #[test]
    fn a_host_has_the_name_that_its_image_gives_it() {
        let mut worker = pool("node", Role::Worker, 2);
        let may = |pool: &Pool, constraint: &str| of_pool(pool, &[constraint.to_owned()]) == 2;
        for (hostname, known) in [
            ("ip-172-31-0-4.ec2.internal", true),
            ("IP-172-31-0-4", true),
            ("i-0123456789abcdef0.ec2.internal", true),
            ("node-0", false),
            ("web.example.com", false),
        ] {
            assert_eq!(
                may(&worker, &format!("node.hostname == {hostname}")),
                known,
                "{hostname}"
            );
            assert!(
                may(&worker, &format!("node.hostname != {hostname}")),
                "{hostname}"
            );
        }
        worker.ami = "ami-0123456789abcdef0".into();
        assert!(
            may(&worker, "node.hostname == web.example.com"),
            "an image of one's own"
        );
    }

    #[test]
    fn only_nodes_that_take_tasks_are_named() {
        let mut manifest = sandbox();
        let mut idle = pool("idle", Role::Worker, 2);
        idle.availability = Availability::Pause;
        manifest.pools.extend([idle, pool("none", Role::Worker, 0)]);
        let names = |constraints: &[&str], most| {
            let constraints: Vec<String> = constraints.iter().map(|c| (*c).to_owned()).collect();
            names_fitting(&manifest, &constraints, most)
        };
        assert_eq!(
            names(&[], 9),
            ["manager-0", "manager-1", "manager-2", "node-0", "node-1"]
        );
        assert_eq!(names(&[], 2), ["manager-0", "manager-1"]);
        assert_eq!(names(&["node.role == worker"], 9), ["node-0", "node-1"]);
        assert_eq!(
            names(&["node.labels.subako.name != node-0", "node.role != manager"], 9),
            ["node-1"]
        );
        assert_eq!(names(&["node.labels.subako.name == idle-0"], 9), [""; 0]);
        assert!(takes_tasks(&manifest.pools[0]));
        assert!(!takes_tasks(&manifest.pools[2]) && !takes_tasks(&manifest.pools[3]));
    }

    /// Whether a constraint holds on a node, each looked at alone.
    fn holds(pool: &Pool, name: &str, constraint: &str) -> bool {
        let (subject, value, equal) = match constraint.split_once(" == ") {
            Some((subject, value)) => (subject, value, true),
            None => {
                let (subject, value) = constraint.split_once(" != ").expect("a constraint");
                (subject, value, false)
            }
        };
        let is = match subject {
            "node.role" => format!("{:?}", pool.role),
            "node.labels.subako.name" => name.to_owned(),
            label => pool
                .labels
                .get(&label["node.labels.".len()..])
                .cloned()
                .unwrap_or_default(),
        };
        (is.to_lowercase() == value.to_lowercase()) == equal
    }

    proptest::proptest! {
        /// A pool is not looked at node by node: that must not show.
        #[test]
        fn as_many_nodes_fit_as_looking_at_each_of_them_finds(
            count in 0u32..13,
            labelled: bool,
            constraints in proptest::collection::vec(
                ("node\\.(role|labels\\.(tier|subako\\.name))", "==|!=", "worker|manager|web|(n|N)ode-(0|1|3|7|01|10|12|x)|nod-1|node|-1"),
                0..4,
            ),
        ) {
            let mut of = pool("node", Role::Worker, count);
            if labelled {
                of.labels.insert("tier".into(), "Web".into());
            }
            let constraints: Vec<String> = constraints
                .iter()
                .map(|(subject, operator, value)| format!("{subject} {operator} {value}"))
                .collect();
            let names = Manifest::instance_names(&of);
            let expected = names.filter(|name| constraints.iter().all(|one| holds(&of, name, one))).count();
            proptest::prop_assert_eq!(of_pool(&of, &constraints) as usize, expected, "{:?}", constraints);
        }
    }
}
