//! Why no node can take a service, and what to do about it.

use crate::check::nodes::{fitting, of_pool, takes_tasks};
use crate::manifest::{Manifest, Pool};
use crate::world::{Availability, Role, ServiceSpec};

/// What keeps every node away, and what to do about it.
pub(super) fn why(manifest: &Manifest, spec: &ServiceSpec) -> (String, String) {
    if fitting(manifest, &[]) == 0 {
        return (
            "no node takes tasks: every pool is drained, paused or empty".to_owned(),
            "set availability = \"active\" in one [[pool]], or add another".to_owned(),
        );
    }
    let alone = |constraint: &&String| fitting(manifest, std::slice::from_ref(*constraint)) == 0;
    let Some(never) = spec.constraints.iter().find(alone) else {
        return (
            format!(
                "no node meets all of its constraints: {}",
                spec.constraints.join(", ")
            ),
            "remove one of them, or add a [[pool]] whose nodes meet all of them".to_owned(),
        );
    };
    let idle = manifest
        .pools
        .iter()
        .find(|pool| !takes_tasks(pool) && pool.count > 0 && would_fit(pool, never));
    if let Some(pool) = idle {
        return (
            format!(
                "`{never}` is met by pool `{}` alone, whose nodes take no tasks",
                pool.name
            ),
            format!("set availability = \"active\" in pool `{}`", pool.name),
        );
    }
    (format!("no node meets `{never}`"), remedy(manifest, never))
}

fn would_fit(pool: &Pool, constraint: &str) -> bool {
    let mut active = pool.clone();
    active.availability = Availability::Active;
    of_pool(&active, &[constraint.to_owned()]) > 0
}

fn remedy(manifest: &Manifest, constraint: &str) -> String {
    let (subject, value) = constraint
        .split_once(" == ")
        .or_else(|| constraint.split_once(" != "))
        .unwrap_or((constraint, ""));
    match subject.strip_prefix("node.labels.") {
        _ if subject == "node.hostname" => format!(
            "EC2 chooses host names; a node's name in the manifest is a label: node.labels.subako.name == {value}"
        ),
        _ if subject == "node.role" && manifest.pools.iter().all(|pool| pool.role == Role::Manager) => {
            "add a [[pool]] with role = \"worker\", or remove the constraint".to_owned()
        }
        None if subject == "node.platform.os" => {
            "take the constraint out: every host runs Linux".to_owned()
        }
        None if subject == "node.platform.arch" => {
            "remove the constraint, or add a [[pool]] with an instance_type of that architecture (t4g.micro is \
             aarch64, t3.micro x86_64)"
                .to_owned()
        }
        None if subject.starts_with("engine.labels.") => {
            "engines have no labels here: give a [[pool]] labels, and write node.labels.NAME".to_owned()
        }
        Some("subako.name") => {
            let names: Vec<String> = manifest
                .pools
                .iter()
                .filter(|pool| pool.count > 0)
                .map(|pool| match pool.count {
                    1 => format!("{}-0", pool.name),
                    count => format!("{0}-0 to {0}-{1}", pool.name, count - 1),
                })
                .collect();
            format!("the nodes are {}", names.join(", "))
        }
        Some(label) => {
            format!("set labels = {{ \"{label}\" = \"{value}\" }} in a [[pool]], or correct the constraint")
        }
        None => "remove the constraint, or add a [[pool]] whose nodes meet it".to_owned(),
    }
}
