//! More replicas than nodes may have.

use subako_state::Address;

use super::super::nodes::fitting;
use super::super::{Checked, Finding};
use super::{CHECK, severity};
use crate::manifest::Manifest;
use crate::world::{Mode, ServiceSpec};

/// A service with more replicas than `max_replicas_per_node` lets all its nodes have together: the
/// rest of them never run (swarmkit, `MaxReplicasFilter`).
pub(super) fn look(checked: &Checked<'_>, manifest: &Manifest, spec: &ServiceSpec) -> Option<Finding> {
    let (Mode::Replicated(replicas), Some(most)) = (&spec.mode, spec.max_replicas_per_node) else {
        return None;
    };
    let nodes = fitting(manifest, &spec.constraints);
    let room = nodes.saturating_mul(most);
    if nodes == 0 || *replicas <= room {
        return None;
    }
    let address = Address::new("service", &spec.name);
    let message = format!("{replicas} replicas do not run on {nodes} nodes with at most {most} on each");
    let enough = replicas.div_ceil(nodes);
    Some(
        Finding::new(severity(checked, manifest, spec, &address), &CHECK.about, message)
            .about(address)
            .with_remedy(format!(
                "use at most {room} replicas, or set max_replicas_per_node = {enough}"
            ))
            .at("service", &spec.name, "max_replicas_per_node"),
    )
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    fn found(keys: &str) -> Vec<crate::check::Finding> {
        let service = format!("[[service]]\nname = \"web\"\nimage = \"nginx:1\"\n{keys}\n");
        Case::of(&manifest(&service)).findings("placement")
    }

    #[test]
    fn more_replicas_than_the_nodes_may_have_are_said_once() {
        assert_eq!(
            only(&found("replicas = 4\nmax_replicas_per_node = 1")),
            "Error 23 service web max_replicas_per_node: 4 replicas do not run on 3 nodes with at most 1 on each"
        );
        let workers = "replicas = 5\nmax_replicas_per_node = 2\nconstraints = [\"node.role == worker\"]";
        let said = found(workers);
        assert!(only(&said).ends_with("5 replicas do not run on 2 nodes with at most 2 on each"));
        let remedy = said[0]
            .remedy
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert_eq!(remedy, "use at most 4 replicas, or set max_replicas_per_node = 3");
    }

    #[test]
    fn as_many_as_they_may_have_are_fine() {
        assert_eq!(found("replicas = 3\nmax_replicas_per_node = 1"), []);
        assert_eq!(found("replicas = 6\nmax_replicas_per_node = 2"), []);
        assert_eq!(found("replicas = 9"), []);
    }

    #[test]
    fn where_no_node_fits_at_all_that_is_said_once() {
        let nowhere = "replicas = 3\nmax_replicas_per_node = 1\nconstraints = [\"node.labels.no == x\"]";
        assert!(only(&found(nowhere)).contains("constraints"));
    }
}
