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
mod tests {
    use crate::check::testing::{Case, manifest, only};

    fn found(service: &str) -> Vec<crate::check::Finding> {
        let text = format!("[[service]]\nname = \"web\"\nimage = \"nginx\"\n{service}\n");
        Case::of(&manifest(&text)).findings("placement")
    }

    #[test]
    fn a_service_that_some_node_can_take_is_fine() {
        for fine in [
            "",
            "constraints = [\"node.role == worker\"]",
            "constraints = [\"node.role == manager\"]",
            "constraints = [\"node.labels.subako.name == node-1\"]",
            "constraints = [\"node.labels.zone != a\"]",
            "mode = \"global\"",
            "replicas = 0\nconstraints = [\"node.labels.no == x\"]",
        ] {
            assert_eq!(found(fine), [], "{fine}");
        }
    }

    #[test]
    fn constraints_that_no_node_meets_are_said_once_with_their_line() {
        for (bad, message) in [
            (
                "\"node.hostname == manager-0\"",
                "no node meets `node.hostname == manager-0`",
            ),
            (
                "\"node.labels.disk == ssd\"",
                "no node meets `node.labels.disk == ssd`",
            ),
            (
                "\"node.labels.subako.name == node-2\"",
                "no node meets `node.labels.subako.name == node-2`",
            ),
            (
                "\"node.role == worker\", \"node.role != worker\"",
                "no node meets all of its constraints: node.role == worker, node.role != worker",
            ),
        ] {
            assert_eq!(
                only(&found(&format!("constraints = [{bad}]"))),
                format!("Error 22 service web constraints: {message}")
            );
            let global = found(&format!("mode = \"global\"\nconstraints = [{bad}]"));
            assert_eq!(
                only(&global),
                format!("Error 23 service web constraints: {message}")
            );
        }
    }

    #[test]
    fn workers_that_do_not_exist_or_take_no_tasks_meet_nothing() {
        let text = manifest(
            "[[service]]\nname = \"web\"\nimage = \"nginx\"\nconstraints = [\"node.role == worker\"]\n",
        );
        let none = text.replace("count = 2", "count = 0");
        assert_eq!(
            only(&Case::of(&none).findings("placement")),
            "Error 22 service web constraints: no node meets `node.role == worker`"
        );
        let drained = text.replace("count = 2", "count = 2\navailability = \"drain\"");
        assert_eq!(
            only(&Case::of(&drained).findings("placement")),
            "Error 23 service web constraints: `node.role == worker` is met by pool `node` alone, whose nodes take no tasks"
        );
    }

    #[test]
    fn where_every_pool_is_drained_nothing_runs() {
        let text = manifest("[[service]]\nname = \"web\"\nimage = \"nginx\"\n")
            .replace("instance_type = ", "availability = \"drain\"\ninstance_type = ");
        assert_eq!(
            only(&Case::of(&text).findings("placement")),
            "Error 21 service web: no node takes tasks: every pool is drained, paused or empty"
        );
    }

    /// What is said once `before` is applied and the manifest is `after`, for a part of it.
    fn changed(before: &str, after: &str, target: &[&str]) -> Vec<String> {
        let mut case = Case::of(after);
        case.snapshot = Case::of(before).applied();
        case.selection.target = target.iter().map(|pattern| (*pattern).to_owned()).collect();
        let found = case.findings("placement");
        found
            .into_iter()
            .map(|finding| format!("{:?}: {}", finding.severity, finding.message))
            .collect()
    }

    const WORKERS: &str = "role = \"worker\"\ncount = 2\n";

    #[test]
    fn a_service_that_does_not_change_is_not_left_without_nodes() {
        let before = manifest(
            "[[service]]\nname = \"web\"\nimage = \"nginx\"\nconstraints = [\"node.role == worker\"]\n",
        );
        let drained = format!("{WORKERS}availability = \"drain\"\n");
        for after in [
            &drained[..],
            "role = \"worker\"\ncount = 0\n",
            "role = \"manager\"\ncount = 2\n",
        ] {
            let after = before.replace(WORKERS, after);
            for target in [&[][..], &["member.node-*"]] {
                let said = changed(&before, &after, target);
                assert_eq!(said.len(), 1, "{after} {target:?}: {said:#?}");
                assert!(said[0].starts_with("Error: "), "{after} {target:?}: {said:#?}");
            }
            // Elsewhere something else changes.
            let said = changed(&before, &after, &["security_group.*"]);
            assert!(said.iter().all(|said| said.starts_with("Warning: ")), "{said:#?}");
        }
        assert_eq!(changed(&before, &before, &[]), Vec::<String>::new());
    }

    #[test]
    fn tasks_that_run_go_on_on_nodes_that_are_paused() {
        let before = manifest(
            "[[service]]\nname = \"web\"\nimage = \"nginx\"\nconstraints = [\"node.role == worker\"]\n",
        );
        let paused = format!("{WORKERS}availability = \"pause\"\n");
        let after = before.replace(WORKERS, &paused);
        let said = changed(&before, &after, &[]);
        assert!(said[0].starts_with("Warning: "), "{said:#?}");
        let said = changed(&before, &after.replace("nginx", "nginx:2"), &[]);
        assert!(said[0].starts_with("Error: "), "{said:#?}");
    }

    #[test]
    fn a_global_service_is_not_renewed_while_its_nodes_are_paused() {
        let before = manifest("[[service]]\nname = \"web\"\nimage = \"nginx\"\nmode = \"global\"\n");
        let paused = before.replace(WORKERS, &format!("{WORKERS}availability = \"pause\"\n"));
        let renewed = |text: &str| text.replace("nginx", "nginx:2");
        let message =
            "its tasks on pool `node` cannot be replaced while that is paused: no new task starts there";
        assert_eq!(
            changed(&before, &renewed(&paused), &[]),
            [format!("Error: {message}")]
        );
        assert_eq!(
            changed(&paused, &renewed(&paused), &[]),
            [format!("Warning: {message}")]
        );
        for (before, after) in [
            (&before, &paused),
            (&before, &renewed(&before)),
            (&paused, &before),
        ] {
            assert_eq!(changed(before, after, &[]), Vec::<String>::new());
        }
        let labelled = format!("{paused}labels = {{ team = \"a\" }}\n");
        assert_eq!(changed(&before, &labelled, &[]), Vec::<String>::new());
    }
}
