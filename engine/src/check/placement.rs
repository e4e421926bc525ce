//! Services that no node can take.

use subako_state::Address;

use super::built_in::BuiltIn;
use super::nodes::{fitting, of_pool, takes_tasks};
use super::{About, Category, Checked, Finding};
use crate::manifest::Manifest;
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
    services
        .filter(|spec| spec.mode != Mode::Replicated(0) && fitting(manifest, &spec.constraints) == 0)
        .map(|spec| {
            let address = Address::new("service", &spec.name);
            let (message, remedy) = why(manifest, spec);
            let key = if fitting(manifest, &[]) == 0 {
                ""
            } else {
                "constraints"
            };
            Finding::new(checked.refusing(Some(&address)), &CHECK.about, message)
                .about(address)
                .with_remedy(remedy)
                .at("service", &spec.name, key)
        })
        .collect()
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
}
