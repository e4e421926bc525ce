//! Services that no node can take.

use subako_state::Address;

use super::built_in::BuiltIn;
use super::nodes::{fitting, of_pool};
use super::{About, Category, Checked, Finding, Severity};
use crate::kinds::Member;
use crate::manifest::{Manifest, Pool};
use crate::plan::{Action, Change, Operation, Plan, Step};
use crate::world::{Availability, Mode, ServiceSpec};

mod cause;
mod most;

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
            let (message, remedy) = cause::why(manifest, spec);
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
    found.extend(
        services
            .clone()
            .filter_map(|spec| unknown_id(checked, manifest, spec)),
    );
    found.extend(
        services
            .clone()
            .filter_map(|spec| most::look(checked, manifest, spec)),
    );
    found.extend(services.filter_map(|spec| paused(checked, manifest, spec)));
    found
}

/// A service for the node with an id that no node of the cluster has: Swarm chooses ids when nodes
/// join, so only one that is recorded can be meant.
fn unknown_id(checked: &Checked<'_>, manifest: &Manifest, spec: &ServiceSpec) -> Option<Finding> {
    let by_id = |constraint: &'_ String| constraint.starts_with("node.id == ");
    let constraint = spec.constraints.iter().find(|constraint| by_id(constraint))?;
    let id = constraint.rsplit(' ').next()?;
    let recorded = checked.snapshot.resources.iter();
    let mut nodes = recorded.filter(|resource| resource.address.kind() == "member");
    let known = nodes.any(|node| {
        let node = node.outputs.text_field("node_id");
        node.is_some_and(|node| node.eq_ignore_ascii_case(id))
    });
    if known || spec.mode == Mode::Replicated(0) || fitting(manifest, &spec.constraints) == 0 {
        return None;
    }
    let address = Address::new("service", &spec.name);
    let message = format!("no node meets `{constraint}`");
    Some(
        Finding::new(checked.refusing(Some(&address)), &CHECK.about, message)
            .about(address)
            .with_remedy("Swarm chooses the ids of nodes; one by its name in the manifest is node.labels.subako.name == NAME")
            .at("service", &spec.name, "constraints"),
    )
}

/// An error, also of a service that does not change, where the plan takes the nodes away that it
/// runs on. Tasks that run go on running on a node that is only paused, as long as it stays.
fn severity(checked: &Checked<'_>, manifest: &Manifest, spec: &ServiceSpec, address: &Address) -> Severity {
    let changes = checked.plan.steps.iter().any(|step| step.address == *address);
    let on_paused = manifest
        .pools
        .iter()
        .any(|pool| pool.availability == Availability::Pause && of_pool(pool, &spec.constraints) > 0);
    let goes_on = on_paused && !loses_tasks(checked.plan, manifest, spec);
    if !changes && goes_on && checked.snapshot.get(address).is_some() {
        return Severity::Warning;
    }
    match checked.refusing(Some(address)) {
        Severity::Warning if takes_nodes_away(checked.plan) => Severity::Error,
        other => other,
    }
}

/// Whether nodes leave that tasks of a service may be on.
fn loses_tasks(plan: &Plan, manifest: &Manifest, spec: &ServiceSpec) -> bool {
    let fits = |pool: &Pool| of_pool(pool, &spec.constraints) > 0;
    plan.steps.iter().any(|step| {
        let leaves = matches!(step.operation, Operation::Delete | Operation::Vanish { .. });
        let Some(member) = Some(step).filter(|_| leaves).and_then(member_before) else {
            return false;
        };
        let name = step.address.name();
        let pool = manifest
            .pools
            .iter()
            .find(|pool| Manifest::instance_names(pool).any(|of_pool| of_pool == name));
        let fits = match pool {
            Some(pool) => fits(pool),
            None => of_a_pool_that_is_gone(manifest, name, &member)
                .as_ref()
                .is_some_and(fits),
        };
        fits && member.availability != Availability::Drain
    })
}

/// The member that a step changes or removes, as it was.
fn member_before(step: &Step) -> Option<Member> {
    let before = step.spec_before().filter(|_| step.address.kind() == "member")?;
    before.decode().ok()
}

/// The pool of a node whose pool is no longer in the manifest, as far as it decides on where tasks go.
fn of_a_pool_that_is_gone(manifest: &Manifest, name: &str, member: &Member) -> Option<Pool> {
    let (pool, _) = name.rsplit_once('-')?;
    Some(Pool {
        name: pool.to_owned(),
        role: member.role,
        labels: member.labels.clone(),
        count: u32::MAX,
        ..manifest.pools.first()?.clone()
    })
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

/// Settings of a service whose change replaces no task. One of its endpoint, so of a port, replaces all
/// of them (swarmkit, `IsTaskDirty`).
const NO_NEW_TASKS: [&str; 7] = [
    "depends_on",
    "give_up_after_s",
    "labels",
    "replicas",
    "rollback_config",
    "swarm",
    "update_config",
];

/// Whether the plan replaces the tasks of a service.
pub(super) fn renews(checked: &Checked<'_>, address: &Address) -> bool {
    let field = |change: &Change| {
        change
            .path
            .split(['.', '['])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    checked.plan.steps.iter().any(|step| {
        let mut fields = step.changes.iter().map(field);
        step.address == *address
            && step.operation == Operation::Update
            && fields.any(|field| !NO_NEW_TASKS.contains(&field.as_str()))
    })
}

/// A global service whose tasks are replaced while some of its nodes are paused: those keep the old
/// task, or get none, and the update never ends (swarmkit schedules nothing on a paused node).
fn paused(checked: &Checked<'_>, manifest: &Manifest, spec: &ServiceSpec) -> Option<Finding> {
    let address = Address::new("service", &spec.name);
    if spec.mode != Mode::Global || !renews(checked, &address) {
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

#[cfg(test)]
#[path = "placement_tests.rs"]
mod tests;
