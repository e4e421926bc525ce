//! Nodes.

use serde_json::{Value, json};
use subako_world::{Code, Node, NodeUpdate, Reachability, Result};

use super::client::Api;
use super::read::{elements, flag, map, text, unexpected, word};

impl Api<'_> {
    /// Every node, sorted by id.
    pub(in crate::ssh) async fn nodes(&self) -> Result<Vec<Node>> {
        let doing = self.doing("list the nodes");
        let answer = self.get(&doing, "/nodes").await?;
        let mut nodes = elements(&doing, &answer)?
            .iter()
            .map(|node| read_node(&doing, node))
            .collect::<Result<Vec<_>>>()?;
        nodes.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(nodes)
    }

    /// The node of exactly this id: given less, the engine would take it for the beginning of an
    /// id, or for a host's name.
    pub(in crate::ssh) async fn node(&self, id: &str) -> Result<Option<Node>> {
        let doing = self.doing(&format!("read node {id}"));
        match self.get(&doing, &format!("/nodes/{id}")).await {
            Ok(answer) => Ok(Some(read_node(&doing, &answer)?).filter(|node| node.id == id)),
            Err(failure) if failure.code == Code::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Changes role, availability or labels.
    pub(in crate::ssh) async fn update_node(&self, id: &str, update: &NodeUpdate) -> Result<()> {
        let doing = self.doing(&format!("update node {id}"));
        self.modify(&doing, &format!("/nodes/{id}"), |spec| changed(spec, update))
            .await
    }

    /// Forgets a node; fine if unknown.
    pub(in crate::ssh) async fn remove_node(&self, id: &str, force: bool) -> Result<()> {
        let doing = self.doing(&format!("remove node {id}"));
        self.delete(&doing, &format!("/nodes/{id}?force={force}")).await
    }
}

/// A node's spec with the update in it; `None` when it has all of it already.
fn changed(spec: &Value, update: &NodeUpdate) -> Option<Value> {
    let mut changed = spec.clone();
    if let Some(role) = update.role {
        changed["Role"] = json!(role);
    }
    if let Some(availability) = update.availability {
        changed["Availability"] = json!(availability);
    }
    if let Some(labels) = &update.labels
        && map(spec, "/Labels") != *labels
    {
        changed["Labels"] = json!(labels);
    }
    (changed != *spec).then_some(changed)
}

fn read_node(doing: &str, node: &Value) -> Result<Node> {
    let id = text(node, "/ID");
    if id.is_empty() {
        return Err(unexpected(doing, "a node with an ID"));
    }
    let manager = node.get("ManagerStatus").filter(|status| status.is_object());
    // A manager's Status.Addr can be 0.0.0.0 or missing; its raft address is what others dial.
    let raft = manager
        .map(|status| text(status, "/Addr"))
        .and_then(|addr| addr.rsplit_once(':'))
        .map(|(host, _)| host.trim_matches(['[', ']']));
    let addr = raft
        .filter(|addr| !addr.is_empty())
        .unwrap_or_else(|| text(node, "/Status/Addr"));
    let reachability = match manager {
        Some(status) if text(status, "/Reachability").is_empty() => Some(Reachability::Unknown),
        Some(status) => Some(word(doing, status, "/Reachability")?),
        None => None,
    };
    Ok(Node {
        id: id.to_owned(),
        hostname: text(node, "/Description/Hostname").to_owned(),
        addr: addr.to_owned(),
        role: word(doing, node, "/Spec/Role")?,
        availability: word(doing, node, "/Spec/Availability")?,
        labels: map(node, "/Spec/Labels"),
        state: word(doing, node, "/Status/State")?,
        reachability,
        leader: manager.is_some_and(|status| flag(status, "/Leader")),
        engine_version: text(node, "/Description/Engine/EngineVersion").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use subako_world::{Availability, NodeState, Role};

    use super::*;

    fn manager() -> Value {
        json!({
            "ID": "ncip5opq93tymsoof5gamumsi",
            "Version": { "Index": 9 },
            "CreatedAt": "2024-05-01T09:30:04.353Z",
            "Spec": { "Labels": { "subako.name": "manager-0" }, "Role": "manager", "Availability": "active" },
            "Description": {
                "Hostname": "ip-10-0-0-235.ap-northeast-1.compute.internal",
                "Platform": { "Architecture": "x86_64", "OS": "linux" },
                "Resources": { "NanoCPUs": 1_000_000_000, "MemoryBytes": 1_000_000_000 },
                "Engine": { "EngineVersion": "25.0.8", "Plugins": [] }
            },
            "Status": { "State": "ready", "Addr": "0.0.0.0" },
            "ManagerStatus": { "Leader": true, "Reachability": "reachable", "Addr": "10.0.0.235:2377" }
        })
    }

    #[test]
    fn a_manager_is_read_with_its_raft_address() {
        let node = read_node("list", &manager()).unwrap();
        assert_eq!(node.addr, "10.0.0.235");
        assert_eq!(node.role, Role::Manager);
        assert_eq!(node.reachability, Some(Reachability::Reachable));
        assert!(node.leader);
        assert_eq!(node.labels["subako.name"], "manager-0");
        assert_eq!(node.engine_version, "25.0.8");
    }

    #[test]
    fn a_worker_has_no_standing_in_raft_and_may_be_down() {
        let mut worker = manager();
        worker.as_object_mut().unwrap().remove("ManagerStatus");
        worker["Spec"] = json!({ "Role": "worker", "Availability": "drain" });
        worker["Status"] = json!({ "State": "down", "Message": "heartbeat failure", "Addr": "10.0.0.7" });
        let node = read_node("list", &worker).unwrap();
        assert_eq!(node.reachability, None);
        assert!(!node.leader);
        assert_eq!(node.state, NodeState::Down);
        assert_eq!(node.availability, Availability::Drain);
        assert_eq!(node.addr, "10.0.0.7");
        assert!(node.labels.is_empty());
    }

    #[test]
    fn an_unknown_state_is_an_error_and_not_a_guess() {
        let mut node = manager();
        node["Status"]["State"] = json!("dreaming");
        let failure = read_node("list the nodes", &node).unwrap_err();
        assert!(failure.message.contains("dreaming"), "{failure}");
    }

    #[test]
    fn an_update_keeps_what_it_does_not_name() {
        let spec = json!({ "Name": "n", "Labels": { "a": "1" }, "Role": "worker", "Availability": "active" });
        let update = NodeUpdate {
            availability: Some(Availability::Drain),
            ..NodeUpdate::default()
        };
        assert_eq!(
            changed(&spec, &update),
            Some(json!({ "Name": "n", "Labels": { "a": "1" }, "Role": "worker", "Availability": "drain" }))
        );
    }

    #[test]
    fn an_update_that_changes_nothing_sends_nothing() {
        let spec = json!({ "Role": "worker", "Availability": "active" });
        let update = NodeUpdate {
            role: Some(Role::Worker),
            availability: Some(Availability::Active),
            labels: Some(BTreeMap::new()),
        };
        assert_eq!(changed(&spec, &update), None);
    }
}
