//! The live cluster.

use std::fmt::Write as _;

use subako_engine::session::{NodeStatus, ParkedSince, Rollout, ServiceStatus, Status, StrayStatus};
use subako_engine::world::NextCommand;

use serde::Serialize;

use super::Table;
use super::document::{self, UnfinishedRun};
use super::parked::{self, ParkedView};
use super::uneven;
use crate::error::Result;
use crate::hint::{Hint, Invocation};
use crate::plain::plain;
use crate::style::{Meaning, Paint};

#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    status: &'a Status,
    /// That all of it is stopped on request; null where it is not.
    parked: Option<ParkedView<'a>>,
}

/// For machines: one line and a newline.
pub fn json(status: &Status, unfinished: Option<&UnfinishedRun>) -> Result<String> {
    let view = View {
        status,
        parked: ParkedView::of(status),
    };
    document::json("the status", &view, unfinished)
}

/// For people.
pub fn text(status: &Status, typed: &Invocation, paint: Paint) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", head(status, paint));
    if let Some(found) = &status.parked {
        is_parked(&mut out, status, found, typed, paint);
    } else if status.quorum_lost {
        let _ = writeln!(
            out,
            "{}: the swarm has lost its quorum: {}. What runs goes on running; nothing of the swarm can be changed, and \
             a task that ends is not started again.",
            paint.of(Meaning::Error, "error"),
            plain(status.dead_managers.join(", "))
        );
        // Without a manager that is left there is nothing to re-form the swarm from.
        let (way_on, and_then) = match status.managers.0 {
            0 => (NextCommand::Destroy, " and apply again"),
            _ => (
                NextCommand::RecoverQuorum,
                " re-forms the swarm from a surviving manager",
            ),
        };
        let way_out = Hint::run(
            NextCommand::Apply,
            " starts machines again that are stopped or hang; if a majority is gone for good, ",
        )
        .then(way_on)
        .and(and_then);
        let _ = writeln!(
            out,
            "  {}: {}",
            paint.of(Meaning::Note, "help"),
            plain(way_out.text(typed))
        );
    } else if let Some(trouble) = &status.trouble {
        let _ = writeln!(
            out,
            "{}: the swarm cannot be seen: {}",
            paint.of(Meaning::Warning, "warning"),
            plain(trouble)
        );
    }
    if !status.nodes.is_empty() {
        out.push('\n');
        out.push_str(&nodes(&status.nodes).text(paint));
    }
    if !status.strays.is_empty() {
        out.push('\n');
        out.push_str(&strays(&status.strays).text(paint));
        for help in about_strays(&status.strays) {
            let label = paint.of(Meaning::Note, "help");
            let _ = writeln!(out, "  {label}: {}", plain(help.text(typed)));
        }
    }
    if !status.services.is_empty() {
        out.push('\n');
        out.push_str(&services(&status.services).text(paint));
        for service in &status.services {
            for error in &service.errors {
                let _ = writeln!(
                    out,
                    "  {} {}: {}",
                    paint.of(Meaning::Warning, "task of"),
                    plain(&service.name),
                    plain(error)
                );
            }
        }
        out.push('\n');
        out.push_str(&tasks(&status.services).text(paint));
        if let Some(help) = uneven::help(&uneven::names(status)) {
            let label = paint.of(Meaning::Note, "help");
            let _ = writeln!(out, "  {label}: {}", plain(help.text(typed)));
        }
    }
    out
}

/// That a cluster is parked, in place of what that looks like.
fn is_parked(out: &mut String, status: &Status, found: &ParkedSince, typed: &Invocation, paint: Paint) {
    let mut help = vec![Hint::run(NextCommand::Resume, " starts it again")];
    for line in parked::lines(found).iter().skip(1) {
        let _ = writeln!(out, "  {line}");
    }
    let running = parked::run_all_the_same(status);
    if !running.is_empty() {
        let _ = writeln!(
            out,
            "{}: running all the same: {}",
            paint.of(Meaning::Warning, "warning"),
            plain(running.join(", "))
        );
        help.push(Hint::run(NextCommand::Park, " stops what runs"));
    }
    for help in help {
        let label = paint.of(Meaning::Note, "help");
        let _ = writeln!(out, "  {label}: {}", plain(help.text(typed)));
    }
}

/// What becomes of strays, and what to do where that is not wanted.
fn about_strays(strays: &[StrayStatus]) -> Vec<Hint> {
    let (protected, others): (Vec<_>, Vec<_>) = strays.iter().partition(|stray| stray.protected);
    let mut help = Vec::new();
    if !others.is_empty() {
        help.push(Hint::run(
            NextCommand::Apply,
            " deletes what is not in the manifest",
        ));
    }
    if !protected.is_empty() {
        help.push(Hint::run(
            NextCommand::Apply,
            " leaves what is protected as it is: take its protection off to have it deleted, or the cluster's tags to keep it",
        ));
    }
    help
}

/// What is there beside what the state has.
fn strays(strays: &[StrayStatus]) -> Table {
    let mut table = Table::new(&["STRAY", "ID", "USD/HOUR", "WHY"]);
    for stray in strays {
        let why = match (stray.recorded, stray.protected) {
            (true, _) => "left behind by an earlier run",
            (false, false) => "carries this cluster's tags, and is not in the state",
            (false, true) => {
                "carries this cluster's tags, is not in the state, and is protected against termination"
            }
        };
        let price = stray.usd_per_hour.map(|usd| format!("{usd:.4}"));
        table.row([
            (stray.address.to_string(), Some(Meaning::Warning)),
            (stray.id.clone().unwrap_or_default(), None),
            (price.unwrap_or_else(|| "?".to_owned()), None),
            (why.to_owned(), None),
        ]);
    }
    table
}

fn head(status: &Status, paint: Paint) -> String {
    let name = paint.of(Meaning::Strong, &status.cluster);
    if status.nodes.is_empty() {
        return format!("{name}: nothing is there");
    }
    if let Some(found) = &status.parked {
        let said = parked::lines(found).into_iter().next().unwrap_or_default();
        return format!("{name}: {}", paint.of(Meaning::Warning, said));
    }
    let (alive, all) = status.managers;
    let (word, meaning) = if all == 0 {
        ("no swarm", Meaning::Warning)
    } else if status.quorum_lost {
        ("no quorum", Meaning::Error)
    } else if status.via.is_none() {
        ("quorum unknown", Meaning::Warning)
    } else {
        ("quorum", Meaning::Good)
    };
    let quorum = if all == 0 {
        String::new()
    } else {
        format!(" ({alive} of {all} managers, {} needed)", status.quorum)
    };
    let via = status
        .via
        .as_ref()
        .map_or_else(String::new, |via| format!(", as {} sees it", plain(via)));
    format!("{name}: {}{quorum}{via}", paint.of(meaning, word))
}

fn nodes(nodes: &[NodeStatus]) -> Table {
    let mut table = Table::new(&[
        "NODE",
        "INSTANCE",
        "PRIVATE IP",
        "PUBLIC IP",
        "ROLE",
        "AVAILABILITY",
        "HEALTH",
        "TASKS",
        "ENGINE",
    ]);
    for node in nodes {
        let text = |text: &Option<String>| (text.clone().unwrap_or_else(|| "-".to_owned()), None);
        let role = match (&node.role, node.leader) {
            (Some(role), true) => (format!("{role}, leader"), Some(Meaning::Strong)),
            (role, _) => text(role),
        };
        let health = match node.health.as_str() {
            "ready" => Meaning::Good,
            "down" | "stopped" | "terminated" => Meaning::Error,
            _ => Meaning::Warning,
        };
        let availability = match node.availability.as_deref() {
            Some(word @ ("drain" | "pause")) => (word.to_owned(), Some(Meaning::Warning)),
            _ => text(&node.availability),
        };
        let name = if node.managed {
            node.name.clone()
        } else {
            format!("{} (not of the manifest)", node.name.clone())
        };
        table.row([
            (name, Some(Meaning::Strong)),
            text(&node.instance_id),
            text(&node.private_ip),
            text(&node.public_ip),
            role,
            availability,
            (
                match node.instance_state.as_deref() {
                    Some(state) if state != "running" && state != node.health => {
                        format!("{} ({state})", node.health)
                    }
                    _ => node.health.clone(),
                },
                Some(health),
            ),
            (node.tasks.to_string(), None),
            text(&node.engine_version),
        ]);
    }
    table
}

fn services(services: &[ServiceStatus]) -> Table {
    let mut table = Table::new(&["SERVICE", "TASKS", "IMAGE", "ANSWERS AT"]);
    for service in services {
        let meaning = if service.running >= service.wanted && service.rollout.is_none() {
            Meaning::Good
        } else if service.running == 0 {
            Meaning::Error
        } else {
            Meaning::Warning
        };
        let name = if service.managed {
            service.name.clone()
        } else {
            format!("{} (not of the manifest)", service.name.clone())
        };
        table.row([
            (name, Some(Meaning::Strong)),
            (standing(service), Some(meaning)),
            (service.image.clone(), None),
            (service.urls.join(" "), None),
        ]);
    }
    table
}

/// How many of a service's tasks run, and what became of its update.
fn standing(service: &ServiceStatus) -> String {
    let count = format!("{}/{}", service.running, service.wanted);
    match service.rollout {
        Some(Rollout::Underway) => format!("{count}, updating"),
        Some(Rollout::Paused) => format!("{count}, update paused"),
        None => count,
    }
}

/// Where each service's tasks run.
fn tasks(services: &[ServiceStatus]) -> Table {
    let mut table = Table::new(&["SERVICE", "RUNS ON"]);
    for service in services {
        let places: Vec<String> = service
            .tasks_by_node
            .iter()
            .map(|(node, tasks)| format!("{} ×{tasks}", node))
            .collect();
        let places = if places.is_empty() {
            "nowhere".to_owned()
        } else {
            places.join(", ")
        };
        table.row([(service.name.clone(), None), (places, None)]);
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use subako_engine::session::Health;

    use super::*;

    fn status() -> Status {
        Status {
            cluster: "sandbox".into(),
            parked: None,
            via: Some("manager-0".into()),
            trouble: None,
            managers: (1, 1),
            quorum: 1,
            quorum_lost: false,
            dead_managers: vec![],
            strays: vec![],
            nodes: vec![NodeStatus {
                name: "manager-0".into(),
                managed: true,
                instance_id: Some("i-1".into()),
                instance_state: Some("running".into()),
                private_ip: Some("172.31.0.4".into()),
                public_ip: None,
                role: Some("manager".into()),
                leader: true,
                availability: Some("active".into()),
                health: "ready".into(),
                tasks: 2,
                engine_version: Some("25.0".into()),
            }],
            services: vec![ServiceStatus {
                name: "web".into(),
                managed: true,
                image: "nginx".into(),
                image_digest: None,
                running: 2,
                wanted: 3,
                rollout: None,
                skew: None,
                urls: vec!["http://172.31.0.4/".into()],
                tasks_by_node: BTreeMap::from([("manager-0".to_owned(), 2)]),
                errors: vec!["manager-0: no such image".into()],
            }],
        }
    }

    #[test]
    fn the_status_is_tables_of_nodes_services_and_tasks() {
        assert_eq!(
            text(&status(), &Invocation::default(), Paint::PLAIN),
            "sandbox: quorum (1 of 1 managers, 1 needed), as manager-0 sees it\n\
             \n\
             \x20 NODE       INSTANCE  PRIVATE IP  PUBLIC IP  ROLE             AVAILABILITY  HEALTH  TASKS  ENGINE\n\
             \x20 manager-0  i-1       172.31.0.4  -          manager, leader  active        ready   2      25.0\n\
             \n\
             \x20 SERVICE  TASKS  IMAGE  ANSWERS AT\n\
             \x20 web      2/3    nginx  http://172.31.0.4/\n\
             \x20 task of web: manager-0: no such image\n\
             \n\
             \x20 SERVICE  RUNS ON\n\
             \x20 web      manager-0 ×2\n"
        );
    }

    #[test]
    fn a_stray_is_not_said_to_be_deleted_where_it_is_protected() {
        let stray = |name: &str, protected| StrayStatus {
            address: subako_state::Address::new("instance", name),
            id: Some("i-9".into()),
            recorded: false,
            protected,
            usd_per_hour: None,
        };
        let said = |strays| {
            let status = Status { strays, ..status() };
            text(&status, &Invocation::default(), Paint::PLAIN)
        };
        let (deletes, leaves) = (
            "deletes what is not in the manifest",
            "leaves what is protected as it is",
        );
        let both = said(vec![stray("a", true), stray("b", false)]);
        assert!(both.contains(deletes) && both.contains(leaves), "{both}");
        let one = said(vec![stray("a", true)]);
        assert!(!one.contains(deletes) && one.contains(leaves), "{one}");
        assert!(one.contains("is protected against termination"), "{one}");
        let other = said(vec![stray("b", false)]);
        assert!(other.contains(deletes) && !other.contains("protected"), "{other}");
    }

    #[test]
    fn a_lost_quorum_is_said_in_so_many_words() {
        let lost = Status {
            via: None,
            trouble: Some("manager-0: it does not answer as a manager".into()),
            managers: (1, 3),
            quorum: 2,
            quorum_lost: true,
            dead_managers: vec!["manager-1 (does not answer)".into(), "manager-2 (stopped)".into()],
            strays: vec![],
            services: vec![],
            ..status()
        };
        let said = text(&lost, &Invocation::default(), Paint::PLAIN);
        assert!(said.starts_with(
            "sandbox: no quorum (1 of 3 managers, 2 needed)\n\
             error: the swarm has lost its quorum: manager-1 (does not answer), manager-2 (stopped). What runs goes on \
             running;"
        ), "{said}");
        assert_eq!(said.matches("lost its quorum").count(), 1);
        assert_eq!(lost.health(), Health::Degraded);
    }

    #[test]
    fn health_is_one_word_for_nodes_services_and_the_quorum() {
        assert_eq!(status().health(), Health::Degraded, "2 of 3 tasks run");
        let mut healthy = status();
        healthy.services[0].running = 3;
        assert_eq!(healthy.health(), Health::Healthy);
        healthy.services[0].rollout = Some(Rollout::Paused);
        assert_eq!(healthy.health(), Health::Degraded);
        let said = text(&healthy, &Invocation::default(), Paint::PLAIN);
        assert!(said.contains("3/3, update paused"), "{said}");
        healthy.services[0].rollout = None;
        healthy.nodes[0].health = "down".into();
        assert_eq!(healthy.health(), Health::Degraded);
        healthy.trouble = Some("nobody answers".into());
        assert_eq!(healthy.health(), Health::Unknown);
    }

    #[test]
    fn the_json_carries_its_version() {
        let value: serde_json::Value =
            serde_json::from_str(&json(&status(), None).expect("json")).expect("json");
        assert_eq!(value["format_version"], 1);
        assert_eq!(value["nodes"][0]["leader"], true);
    }

    #[test]
    fn a_parked_cluster_is_said_to_be_one_and_not_to_have_lost_its_quorum() {
        let mut parked = status();
        parked.parked = Some(ParkedSince {
            machines: 1,
            since: Some(std::time::SystemTime::UNIX_EPOCH),
        });
        parked.via = None;
        parked.quorum_lost = true;
        parked.nodes[0].instance_state = Some("stopped".into());
        let said = text(&parked, &Invocation::default(), Paint::PLAIN);
        assert!(
            said.starts_with(
                "sandbox: parked since 1970-01-01T00:00:00Z: 1 instance is stopped on request\n  it was to be resumed by 1970-01-19T00:00:00Z"
            ),
            "{said}"
        );
        assert!(
            !said.contains("quorum") && !said.contains("all the same"),
            "{said}"
        );
        assert_eq!(parked.health(), Health::Parked);
        parked.nodes[0].instance_state = Some("running".into());
        let said = text(&parked, &Invocation::default(), Paint::PLAIN);
        assert!(
            said.contains("warning: running all the same: manager-0"),
            "{said}"
        );
    }
}
