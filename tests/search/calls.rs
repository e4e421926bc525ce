//! Whether the calls that changed a simulated world are those that a plan makes.

use std::collections::{BTreeMap, BTreeSet};

use subako_engine::kind::Registry;
use subako_engine::plan::{Action, Plan};
use subako_engine::session::step_calls;
use subako_engine::world::calls::MUTATING;

/// Whether an engine is installed on a machine that is there. Nobody reads what is on that: it may have
/// an engine, and be in a swarm.
pub fn installs_on_one_that_is_there(plan: &Plan) -> bool {
    let is_made = |kind: &str, name: &str| {
        let mut steps = plan.steps.iter();
        steps.any(|step| {
            step.action() == Action::Create && step.address.kind() == kind && step.address.name() == name
        })
    };
    let mut names = plan.steps.iter().map(|step| step.address.name());
    names.any(|name| is_made("docker", name) && !is_made("instance", name))
}

/// What differs between a plan that was applied and the calls made meanwhile, by name and count.
pub fn unlike_planned(registry: &Registry, plan: &Plan, made: &BTreeMap<String, u64>) -> Option<String> {
    let planned = step_calls(registry, plan).expect("readable records");
    let names = |certain: bool| -> BTreeSet<&str> {
        let calls = planned.iter().filter(|(_, call)| call.certain || !certain);
        calls.map(|(_, call)| call.name).collect()
    };
    let made: BTreeSet<&str> = MUTATING
        .into_iter()
        .filter(|name| made.get(*name).is_some_and(|count| *count > 0))
        .collect();
    let (all, certain) = (names(false), names(true));
    let unplanned: Vec<&str> = made.difference(&all).copied().collect();
    let missing: Vec<&str> = match installs_on_one_that_is_there(plan) {
        true => Vec::new(),
        false => certain.difference(&made).copied().collect(),
    };
    let differs = !unplanned.is_empty() || !missing.is_empty();
    differs.then(|| format!("made without being planned: {unplanned:?}; planned and not made: {missing:?}"))
}
