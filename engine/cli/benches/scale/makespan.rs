//! How long an apply takes in simulated time, and how long its plan's longest chain is.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::process::Failed;
use super::workload::Workload;

/// Simulated milliseconds.
pub struct Found {
    /// From the first step's start to the last one's end.
    pub makespan_ms: u64,
    /// The longest chain of steps that wait for each other.
    pub critical_ms: u64,
}

/// What is read of a saved plan.
#[derive(Deserialize)]
struct Saved {
    plan: Dag,
}

#[derive(Deserialize)]
struct Dag {
    steps: Vec<Node>,
    gates: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    after_nodes: Vec<u32>,
}

/// What is read of an event.
#[derive(Deserialize)]
struct Event {
    event: String,
    step: Option<u32>,
    elapsed_ms: Option<u64>,
    took_ms: Option<u64>,
}

/// Applies a cluster with so many steps at once.
pub fn measure(workload: &Workload, parallelism: u32) -> Result<Found, Failed> {
    let (plan, events) = (workload.path("plan"), workload.path("events"));
    let plan_path = plan.display().to_string();
    workload.run(["plan", "--rehearse=false", "--out", &plan_path])?;
    let parallelism = parallelism.to_string();
    let arguments = [
        "apply",
        &plan_path,
        "--yes",
        "--rehearse=false",
        "--format",
        "json",
        "--parallelism",
        &parallelism,
    ];
    workload.run_into(Some(&events), &arguments)?;
    let read = |path| std::fs::read_to_string(path).map_err(Failed::of("read what a run wrote"));
    let saved: Saved = serde_json::from_str(&read(plan)?).map_err(Failed::of("read a saved plan"))?;
    let mut took = BTreeMap::new();
    let mut makespan_ms = 0;
    for line in read(events)?.lines() {
        let event: Event = serde_json::from_str(line).map_err(Failed::of("read an event"))?;
        match (event.event.as_str(), event.step, event.took_ms) {
            ("step_done", Some(step), Some(took_ms)) => {
                took.insert(step, took_ms);
            }
            ("run_finished", ..) => makespan_ms = event.elapsed_ms.unwrap_or_default(),
            _ => {}
        }
    }
    if took.len() != saved.plan.steps.len() {
        let why = format!("{} of {} steps were done", took.len(), saved.plan.steps.len());
        return Err(Failed::to("measure the makespan", why));
    }
    Ok(Found {
        makespan_ms,
        critical_ms: critical(&saved.plan, &took),
    })
}

/// The longest chain, by the length that each step had.
fn critical(plan: &Dag, took: &BTreeMap<u32, u64>) -> u64 {
    let nodes: Vec<&Node> = plan.steps.iter().chain(&plan.gates).collect();
    let mut end: Vec<Option<u64>> = vec![None; nodes.len()];
    for root in 0..nodes.len() {
        // Chains are as long as there are managers to join one by one: no recursion.
        let mut stack = vec![root];
        while let Some(node) = stack.last().copied() {
            let before = nodes[node].after_nodes.iter().map(|before| *before as usize);
            if end[node].is_some() {
                stack.pop();
            } else if let Some(unknown) = before.clone().find(|before| end[*before].is_none()) {
                stack.push(unknown);
            } else {
                let start = before.filter_map(|before| end[before]).max().unwrap_or(0);
                end[node] = Some(start + took.get(&(node as u32)).copied().unwrap_or(0));
                stack.pop();
            }
        }
    }
    end.into_iter().flatten().max().unwrap_or(0)
}
