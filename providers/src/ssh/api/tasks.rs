//! Tasks.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::Method;
use serde_json::Value;
use subako_world::{Result, Task, TaskFilter};

use super::answer::Effect;
use super::client::{Api, accept, encode, filters};
use super::read::{elements, number, some_text, text, unexpected, word};
use crate::ssh::engine_http::Sent;

/// How long the log of a task is waited for.
const LOGS: Duration = Duration::from_secs(10);

impl Api<'_> {
    /// Tasks, sorted by service, slot and id.
    pub(in crate::ssh) async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>> {
        let doing = self.doing("list the tasks");
        let names = self.service_names(&doing, filter.service.as_deref()).await?;
        let mut wanted = Vec::new();
        if let Some(service) = &filter.service {
            // The engine rejects a filter by a service it does not know; such a service has no tasks.
            match names.iter().find(|(_, name)| *name == service) {
                Some((id, _)) => wanted.push(("service", id.as_str())),
                None => return Ok(Vec::new()),
            }
        }
        if let Some(node) = &filter.node {
            wanted.push(("node", node));
        }
        if filter.up_to_date {
            wanted.push(("_up-to-date", "true"));
        }
        let answer = self.get(&doing, &format!("/tasks?{}", filters(&wanted))).await?;
        read_tasks(&doing, &answer, &names)
    }
}

impl Api<'_> {
    /// The last lines that a task's program has written, at most so many. The manager asks the task's
    /// node for them, which may not answer.
    pub(in crate::ssh) async fn task_logs(&self, task_id: &str, most: u32) -> Result<Vec<String>> {
        let doing = self.doing("read the log of a task");
        let path = format!(
            "/tasks/{}/logs?stdout=true&stderr=true&tail={most}",
            encode(task_id)
        );
        let sent = Sent {
            streams: true,
            ..Sent::new(Method::GET, &path)
        };
        let limit = LOGS.min(self.deadline());
        let reply = self.exchange_within(&doing, Effect::Reads, sent, limit).await?;
        let answer = accept(&doing, Effect::Reads, reply)?;
        let text = answer.as_str().unwrap_or_default();
        Ok(text.lines().map(str::to_owned).collect())
    }
}

/// Reads a list of tasks; `names` gives the services' names by id.
fn read_tasks(doing: &str, answer: &Value, names: &BTreeMap<String, String>) -> Result<Vec<Task>> {
    let mut tasks = elements(doing, answer)?
        .iter()
        // A container attached to an overlay by hand is a task without a service.
        .filter(|task| !text(task, "/ServiceID").is_empty())
        .map(|task| read_task(doing, task, names))
        .collect::<Result<Vec<_>>>()?;
    tasks.sort_by(|a, b| (&a.service, a.slot, &a.id).cmp(&(&b.service, b.slot, &b.id)));
    Ok(tasks)
}

fn read_task(doing: &str, task: &Value, names: &BTreeMap<String, String>) -> Result<Task> {
    let id = text(task, "/ID");
    if id.is_empty() {
        return Err(unexpected(doing, "a task with an ID"));
    }
    let service = text(task, "/ServiceID");
    Ok(Task {
        id: id.to_owned(),
        // A service removed between the two reads is only known by its id.
        service: names.get(service).map_or(service, String::as_str).to_owned(),
        slot: number(task, "/Slot").filter(|slot| *slot > 0),
        node_id: some_text(task, "/NodeID"),
        state: word(doing, task, "/Status/State")?,
        desired: word(doing, task, "/DesiredState")?,
        error: some_text(task, "/Status/Err"),
        image: text(task, "/Spec/ContainerSpec/Image").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use subako_world::TaskState;

    use super::*;

    fn names() -> BTreeMap<String, String> {
        BTreeMap::from([("s1".into(), "reply".into()), ("s2".into(), "helloworld".into())])
    }

    #[test]
    fn tasks_are_sorted_by_service_slot_and_id_and_carry_their_error() {
        let task = |id: &str, service: &str, slot: u64| {
            json!({ "ID": id, "ServiceID": service, "Slot": slot, "NodeID": "n1",
                "Spec": { "ContainerSpec": { "Image": "mingsiro71/replyhost" } },
                "Status": { "Timestamp": "2024-05-01T09:40:00Z", "State": "running", "Message": "started" },
                "DesiredState": "running" })
        };
        let mut failed = task("t9", "s1", 1);
        failed["Status"] =
            json!({ "State": "rejected", "Message": "preparing", "Err": "No such image: nope:latest" });
        failed["DesiredState"] = json!("shutdown");
        let mut pending = task("t0", "s2", 0);
        pending["Status"] = json!({ "State": "pending", "Err": "no suitable node" });
        pending.as_object_mut().unwrap().remove("NodeID");
        let attached = json!({ "ID": "a1", "Spec": { "NetworkAttachmentSpec": { "ContainerID": "c" } },
            "Status": { "State": "running" }, "DesiredState": "running" });
        let answer = json!([
            task("t2", "s1", 2),
            failed,
            attached,
            task("t1", "s1", 1),
            pending
        ]);
        let tasks = read_tasks("list", &answer, &names()).unwrap();
        let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
        assert_eq!(ids, ["t0", "t1", "t9", "t2"]);
        assert_eq!(tasks[0].service, "helloworld");
        assert_eq!((tasks[0].slot, tasks[0].node_id.as_deref()), (None, None));
        assert_eq!(tasks[2].state, TaskState::Rejected);
        assert_eq!(tasks[2].desired, TaskState::Shutdown);
        assert_eq!(tasks[2].error.as_deref(), Some("No such image: nope:latest"));
    }

    #[test]
    fn every_state_of_the_engine_is_known() {
        for state in [
            "new",
            "allocated",
            "pending",
            "assigned",
            "accepted",
            "preparing",
            "ready",
            "starting",
            "running",
            "complete",
            "shutdown",
            "failed",
            "rejected",
            "remove",
            "orphaned",
        ] {
            let task =
                json!({ "ID": "t", "ServiceID": "s1", "Status": { "State": state }, "DesiredState": state });
            assert!(read_task("list", &task, &names()).is_ok(), "{state}");
        }
    }
}
