//! Updates that wait for a port which the old task has.

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
        let Some((protocol, port)) = of_host(spec).next() else {
            continue;
        };
        let nodes = fitting(manifest, &spec.constraints);
        let spare = match spec.mode {
            Mode::Replicated(replicas) => replicas < nodes,
            Mode::Global => false,
        };
        if spare || nodes == 0 {
            continue;
        }
        let address = Address::new("service", &spec.name);
        let message = format!(
            "an update would never end: each new task waits for port {port}/{protocol} of its node, which the old one keeps until the new one runs"
        );
        findings.push(
            Finding::new(checked.refusing(Some(&address)), &CHECK.about, message)
                .about(address)
                .with_remedy("use order = \"stop-first\", or publish the port through the routing mesh")
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
    fn a_free_node_the_mesh_or_stop_first_is_fine() {
        assert_eq!(found("host", "start-first", "replicas = 2"), []);
        assert_eq!(found("host", "stop-first", "replicas = 3"), []);
        assert_eq!(found("ingress", "start-first", "replicas = 3"), []);
    }
}
