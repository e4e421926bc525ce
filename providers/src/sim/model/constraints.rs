//! Which nodes may take a task of a service.

use subako_world::{Availability, Role};

use super::service::ServiceFacts;
use super::swarm::{NodeFacts, SwarmFacts};

/// Whether a node meets a placement constraint such as `node.labels.zone != a`. One that cannot
/// be read is met by none; it is refused when a service is made.
pub(crate) fn meets(constraint: &str, id: &str, node: &NodeFacts) -> bool {
    let Some((key, wanted, value)) = parse_constraint(constraint) else {
        return false;
    };
    let is = match key {
        "node.id" => id,
        "node.hostname" => &node.hostname,
        "node.ip" => &node.addr,
        "node.role" => match node.role {
            Role::Manager => "manager",
            Role::Worker => "worker",
        },
        "node.platform.os" => "linux",
        "node.platform.arch" => "x86_64",
        label => {
            let label = label
                .strip_prefix("node.labels.")
                .and_then(|label| node.labels.get(label));
            label.map_or("", String::as_str)
        }
    };
    is.eq_ignore_ascii_case(value) == wanted
}

/// Splits a constraint into key, whether equality is wanted, and value.
pub(crate) fn parse_constraint(constraint: &str) -> Option<(&str, bool, &str)> {
    let (key, wanted, value) = match (constraint.split_once("!="), constraint.split_once("==")) {
        (Some((key, value)), _) => (key, false, value),
        (None, Some((key, value))) => (key, true, value),
        (None, None) => return None,
    };
    let (key, value) = (key.trim(), value.trim());
    let known = matches!(
        key,
        "node.id" | "node.hostname" | "node.ip" | "node.role" | "node.platform.os" | "node.platform.arch"
    ) || key
        .strip_prefix("node.labels.")
        .or(key.strip_prefix("engine.labels."))
        .is_some_and(|k| !k.is_empty());
    (known && !value.is_empty()).then_some((key, wanted, value))
}

impl SwarmFacts {
    /// Whether the scheduler may put a task of a service on a node, what others hold of it aside.
    pub fn suits(service: &ServiceFacts, id: &str, node: &NodeFacts) -> bool {
        node.seen
            && node.availability == Availability::Active
            && service
                .spec
                .constraints
                .iter()
                .all(|constraint| meets(constraint, id, node))
    }
}

#[cfg(test)]
mod tests {
    use super::parse_constraint;

    #[test]
    fn constraints_are_read_as_swarm_writes_them() {
        assert_eq!(
            parse_constraint("node.role==worker"),
            Some(("node.role", true, "worker"))
        );
        assert_eq!(
            parse_constraint("node.labels.a.b != c d"),
            Some(("node.labels.a.b", false, "c d"))
        );
        for wrong in [
            "node.role=worker",
            "node.role==",
            "node.labels.==x",
            "role == worker",
            "",
        ] {
            assert_eq!(parse_constraint(wrong), None, "{wrong}");
        }
    }
}
