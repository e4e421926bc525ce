//! A cluster that is parked.

use std::time::SystemTime;

use serde::Serialize;
use subako_engine::plan::{Plan, Purpose};
use subako_engine::session::{ParkedSince, SURE_TO_REJOIN, Status};
use subako_engine::world::NextCommand;

use super::date::rfc3339;
use crate::hint::{Hint, Invocation};
use crate::plain::plain;

/// Beside a plan to park: until when the cluster can be resumed.
pub fn planned(plan: &Plan, now: SystemTime) -> Option<String> {
    let until = now.checked_add(SURE_TO_REJOIN)?;
    let parks = plan.purpose == Purpose::Park && !plan.is_empty();
    parks.then(|| format!("Resume it by {}: {}.\n", rfc3339(until), why()))
}

/// Why there is a last date.
fn why() -> &'static str {
    "every node is sure to be let into the swarm again for 18 days (of 90, certificates are renewed after 45 to 72)"
}

/// After a cluster was parked.
pub fn done(parked: Option<&ParkedSince>, typed: &Invocation) -> String {
    let help = Hint::run(NextCommand::Resume, " starts it again");
    let until = parked.and_then(ParkedSince::rejoins_until);
    let by = until.map_or_else(String::new, |until| {
        format!("; resume it by {}: {}", rfc3339(until), why())
    });
    format!("Parked: {}{by}.\n", plain(help.text(typed)))
}

/// What a status says of it in its first lines.
pub fn lines(parked: &ParkedSince) -> Vec<String> {
    let since = parked
        .since
        .map_or_else(String::new, |since| format!(" since {}", rfc3339(since)));
    let mut lines = vec![format!(
        "parked{since}: {} stopped on request",
        match parked.machines {
            1 => "1 instance is".to_owned(),
            many => format!("all {many} instances are"),
        }
    )];
    lines.extend(parked.rejoins_until().map(|until| match SystemTime::now() > until {
        true => format!(
            "it was to be resumed by {}: since then a node's certificate may have run out, so that it does not come back",
            rfc3339(until)
        ),
        false => format!("resume it by {}: {}", rfc3339(until), why()),
    }));
    lines
}

/// The machines that run although the cluster is parked.
pub fn run_all_the_same(status: &Status) -> Vec<&str> {
    let runs = |state: &Option<String>| matches!(state.as_deref(), Some("running" | "pending"));
    let nodes = status.nodes.iter();
    nodes
        .filter(|node| node.managed && runs(&node.instance_state))
        .map(|node| node.name.as_str())
        .collect()
}

/// For machines.
#[derive(Debug, Serialize)]
pub struct ParkedView<'a> {
    /// How many instances are stopped on request.
    instances: usize,
    /// Since when; null where that is not known.
    since: Option<String>,
    /// Until when every node is sure to be let into the swarm again; null where that is not known.
    resume_by: Option<String>,
    /// Those that run all the same.
    running: Vec<&'a str>,
}

impl<'a> ParkedView<'a> {
    /// Of a status; `None` where the cluster is not parked.
    pub fn of(status: &'a Status) -> Option<Self> {
        let parked = status.parked.as_ref()?;
        Some(Self {
            instances: parked.machines,
            since: parked.since.map(rfc3339),
            resume_by: parked.rejoins_until().map(rfc3339),
            running: run_all_the_same(status),
        })
    }
}
