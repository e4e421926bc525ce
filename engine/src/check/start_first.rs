//! Updates that wait for a port or a place which the old task has.

use subako_state::Address;

use super::built_in::BuiltIn;
use super::host_ports::of_host;
use super::nodes::fitting;
use super::{About, Category, Checked, Finding};
use crate::world::{Mode, UpdateOrder};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "start-first",
        category: Category::Placement,
        documentation: "With start-first the new task starts beside the old one, and a port of the node is free for one of them (moby#36934).",
    },
    look,
};

/// `start-first` for tasks with a port of their node, where no node is left for the new one.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for service in &manifest.services {
        let spec = &service.spec;
        let order = spec.update_config.as_ref().and_then(|update| update.order);
        if order != Some(UpdateOrder::StartFirst) {
            continue;
        }
        let nodes = fitting(manifest, &spec.constraints);
        let (waits_for, remedy) = if let Some((protocol, port)) = of_host(spec).next() {
            let spare = match spec.mode {
                Mode::Replicated(replicas) => replicas < nodes,
                Mode::Global => false,
            };
            if spare {
                continue;
            }
            let waits_for =
                format!("port {port}/{protocol} of its node, which the old one keeps until the new one runs");
            (
                waits_for,
                "use order = \"stop-first\", or publish the port through the routing mesh".to_owned(),
            )
        } else if let (Mode::Replicated(replicas), Some(most)) = (&spec.mode, spec.max_replicas_per_node) {
            // Both the old and the new task count (swarmkit, `MaxReplicasFilter`).
            if *replicas != nodes.saturating_mul(most) {
                continue;
            }
            let waits_for = format!(
                "a node with fewer than {most} of them, and all of them have that many until the new one runs"
            );
            (
                waits_for,
                "use order = \"stop-first\", or raise max_replicas_per_node".to_owned(),
            )
        } else {
            continue;
        };
        if nodes == 0 || spec.mode == Mode::Replicated(0) {
            continue;
        }
        let address = Address::new("service", &spec.name);
        let message = format!("an update would never end: each new task waits for {waits_for}");
        findings.push(
            Finding::new(checked.refusing(Some(&address)), &CHECK.about, message)
                .about(address)
                .with_remedy(remedy)
                .at("service", &spec.name, "update_config"),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    fn found(mode: &str, order: &str, more: &str) -> Vec<crate::check::Finding> {
        let service = format!(
            "[[service]]\nname = \"web\"\nimage = \"nginx\"\n{more}\nports = [{{ target = 80, published = 80, mode = \"{mode}\" }}]\nupdate_config = {{ order = \"{order}\" }}\n"
        );
        Case::of(&manifest(&service)).findings("start-first")
    }

    #[test]
    fn start_first_on_every_node_with_a_port_of_the_node_is_said_once() {
        let message = "Error 24 service web update_config: an update would never end: each new task waits for port 80/tcp of its node, which the old one keeps until the new one runs";
        assert_eq!(only(&found("host", "start-first", "mode = \"global\"")), message);
        assert_eq!(only(&found("host", "start-first", "replicas = 3")), message);
    }

    #[test]
    fn start_first_where_every_node_has_as_many_as_it_may_is_said_once() {
        let found = |keys: &str| {
            let service = format!("[[service]]\nname = \"web\"\nimage = \"nginx:1\"\n{keys}\n");
            Case::of(&manifest(&service)).findings("start-first")
        };
        let order = "update_config = { order = \"start-first\" }";
        let full = format!("replicas = 6\nmax_replicas_per_node = 2\n{order}");
        assert_eq!(
            only(&found(&full)),
            "Error 24 service web update_config: an update would never end: each new task waits for a node with fewer than 2 of them, and all of them have that many until the new one runs"
        );
        assert_eq!(found(&full.replace("= 6", "= 5")), []);
        assert_eq!(found(&full.replace("start-", "stop-")), []);
        assert_eq!(found(&format!("replicas = 6\n{order}")), []);
    }

    #[test]
    fn a_free_node_the_mesh_or_stop_first_is_fine() {
        assert_eq!(found("host", "start-first", "replicas = 2"), []);
        assert_eq!(found("host", "stop-first", "replicas = 3"), []);
        assert_eq!(found("ingress", "start-first", "replicas = 3"), []);
    }
}
