//! Services whose tasks are not spread evenly.

use std::collections::BTreeMap;

use serde::Serialize;
use subako_engine::plan::Purpose;
use subako_engine::session::{ServiceStatus, Skew, Status};
use subako_engine::world::NextCommand;

use super::Table;
use super::document::{self, UnfinishedRun};
use crate::error::Result;
use crate::hint::Hint;
use crate::style::{Meaning, Paint};

/// The services that the state has and that are skewed.
fn skewed(status: &Status) -> impl Iterator<Item = (&ServiceStatus, Skew)> {
    let managed = status.services.iter().filter(|service| service.managed);
    managed.filter_map(|service| Some((service, service.skew?)))
}

/// Their names.
pub fn names(status: &Status) -> Vec<String> {
    skewed(status).map(|(service, _)| service.name.clone()).collect()
}

/// What spreads them again; `None` where all are even.
pub fn help(names: &[String]) -> Option<Hint> {
    let words = format!(" spreads the tasks of {} evenly again", names.join(", "));
    (!names.is_empty()).then(|| Hint::run(NextCommand::Rebalance, words))
}

/// What is said at the end of a run after which they are skewed.
pub fn after(purpose: Purpose, names: &[String]) -> Option<Hint> {
    match purpose {
        Purpose::Rebalance if !names.is_empty() => Some(Hint::from(format!(
            "still not even: {}; a node may lack the memory, the processors or the port that a task needs",
            names.join(", ")
        ))),
        Purpose::Resume => help(names),
        _ => None,
    }
}

/// That a service has not come back.
pub fn short(service: &ServiceStatus) -> String {
    let why = service.errors.first();
    let why = why.map_or_else(String::new, |why| format!(" ({why})"));
    format!(
        "{}: {} of {} tasks run{why}",
        service.name, service.running, service.wanted
    )
}

/// For people: where the tasks of the skewed run.
pub fn text(status: &Status, paint: Paint) -> String {
    if names(status).is_empty() {
        return format!("{}: every service is spread evenly.\n", status.cluster);
    }
    let mut table = Table::new(&["SERVICE", "MOST", "FEWEST", "RUNS ON"]);
    for (service, skew) in skewed(status) {
        let places: Vec<String> = service
            .tasks_by_node
            .iter()
            .map(|(node, tasks)| format!("{node} ×{tasks}"))
            .collect();
        table.row([
            (service.name.clone(), Some(Meaning::Strong)),
            (skew.most.to_string(), Some(Meaning::Warning)),
            (skew.fewest.to_string(), None),
            (places.join(", "), None),
        ]);
    }
    table.text(paint)
}

#[derive(Serialize)]
struct View<'a> {
    cluster: &'a str,
    skewed: Vec<Uneven<'a>>,
}

#[derive(Serialize)]
struct Uneven<'a> {
    service: &'a str,
    #[serde(flatten)]
    skew: Skew,
    tasks_by_node: &'a BTreeMap<String, u32>,
}

/// For machines: one line and a newline.
pub fn json(status: &Status, unfinished: Option<&UnfinishedRun>) -> Result<String> {
    let view = View {
        cluster: &status.cluster,
        skewed: skewed(status)
            .map(|(service, skew)| Uneven {
                service: &service.name,
                skew,
                tasks_by_node: &service.tasks_by_node,
            })
            .collect(),
    };
    document::json("the spread", &view, unfinished)
}
