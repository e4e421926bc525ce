//! Services that no node can take.

use subako_state::Address;

use super::built_in::BuiltIn;
use super::nodes::{fitting, of_pool, takes_tasks};
use super::{About, Category, Checked, Finding, Severity};
use crate::manifest::Manifest;
use crate::plan::{Action, Change, Operation, Plan, Step};
use crate::world::{Availability, Mode, Role, ServiceSpec};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "placement",
        category: Category::Placement,
        documentation: "A task runs on an active node that meets every constraint (Docker: \"Placement constraints\").",
    },
    look,
};

/// A service whose constraints no node meets, or any service where no node takes tasks.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    let services = manifest.services.iter().map(|service| &service.spec);
    let mut found: Vec<Finding> = services
        .clone()
        .filter(|spec| spec.mode != Mode::Replicated(0) && fitting(manifest, &spec.constraints) == 0)
        .map(|spec| {
            let address = Address::new("service", &spec.name);
            let (message, remedy) = why(manifest, spec);
            let key = if fitting(manifest, &[]) == 0 {
                ""
            } else {
                "constraints"
            };
            Finding::new(severity(checked, manifest, spec, &address), &CHECK.about, message)
                .about(address)
                .with_remedy(remedy)
                .at("service", &spec.name, key)
        })
        .collect();
    found.extend(services.filter_map(|spec| paused(checked, manifest, spec)));
    found
}

/// An error, also of a service that does not change, where the plan takes the nodes away that it
/// runs on. Tasks that run go on running on a node that is only paused.
fn severity(checked: &Checked<'_>, manifest: &Manifest, spec: &ServiceSpec, address: &Address) -> Severity {
    let changes = checked.plan.steps.iter().any(|step| step.address == *address);
    let on_paused = manifest
        .pools
        .iter()
        .any(|pool| pool.availability == Availability::Pause && of_pool(pool, &spec.constraints) > 0);
    if !changes && on_paused && checked.snapshot.get(address).is_some() {
        return Severity::Warning;
    }
    match checked.refusing(Some(address)) {
        Severity::Warning if takes_nodes_away(checked.plan) => Severity::Error,
        other => other,
    }
}

/// Whether nodes leave, or change what may run on them.
fn takes_nodes_away(plan: &Plan) -> bool {
    let of_node = |change: &Change| {
        let field = change.path.split('.').next().unwrap_or_default();
        matches!(field, "availability" | "labels" | "role")
    };
    plan.steps.iter().any(|step| {
        step.address.kind() == "member"
            && match step.action() {
                Action::Update => step.changes.iter().any(of_node),
                Action::Delete | Action::Forget => true,
                Action::Create | Action::Adopt => false,
            }
    })
}

/// Settings of a service whose change replaces no task.
const NO_NEW_TASKS: [&str; 9] = [
    "depends_on",
    "endpoint_mode",
    "give_up_after_s",
    "labels",
    "ports",
    "replicas",
    "rollback_config",
    "swarm",
    "update_config",
];

/// A global service whose tasks are replaced while some of its nodes are paused: those keep the old
/// task, or get none, and the update never ends (swarmkit schedules nothing on a paused node).
fn paused(checked: &Checked<'_>, manifest: &Manifest, spec: &ServiceSpec) -> Option<Finding> {
    let address = Address::new("service", &spec.name);
    let renewed = |step: &&Step| {
        let field = |change: &Change| {
            change
                .path
                .split(['.', '['])
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let mut fields = step.changes.iter().map(field);
        step.address == address
            && step.operation == Operation::Update
            && fields.any(|field| !NO_NEW_TASKS.contains(&field.as_str()))
    };
    if spec.mode != Mode::Global || !checked.plan.steps.iter().any(|step| renewed(&step)) {
        return None;
    }
    let pool = manifest
        .pools
        .iter()
        .find(|pool| pool.availability == Availability::Pause && of_pool(pool, &spec.constraints) > 0)?;
    let now = checked.plan.steps.iter().any(|step| {
        step.address.kind() == "member"
            && Manifest::instance_names(pool).any(|name| name == step.address.name())
            && step.changes.iter().any(|change| change.path == "availability")
    });
    // Of one that was paused before, nobody knows whether a task of it is there.
    let severity = if now { Severity::Error } else { Severity::Warning };
    let message = format!(
        "its tasks on pool `{}` cannot be replaced while that is paused: no new task starts there",
        pool.name
    );
    Some(
        Finding::new(severity, &CHECK.about, message)
            .about(address)
            .with_remedy(format!(
                "apply the change of the service with pool `{}` active first, then pause it",
                pool.name
            ))
            .at("service", &spec.name, ""),
    )
}

/// What keeps every node away, and what to do about it.
fn why(manifest: &Manifest, spec: &ServiceSpec) -> (String, String) {
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
            "take one of them out, or add a [[pool]] whose nodes meet all of them".to_owned(),
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

fn would_fit(pool: &crate::manifest::Pool, constraint: &str) -> bool {
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
            "add a [[pool]] with role = \"worker\", or take the constraint out".to_owned()
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
        None => "take the constraint out, or add a [[pool]] whose nodes meet it".to_owned(),
    }
}

#[cfg(test)]
#[path = "placement_tests.rs"]
mod tests;
