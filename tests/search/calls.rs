//! Whether the calls that changed a simulated world are those that a plan makes.

use std::collections::{BTreeMap, BTreeSet};

use subako_engine::kind::Registry;
use subako_engine::plan::Plan;
use subako_engine::session::step_calls;
use subako_engine::world::calls::MUTATING;

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
    let missing: Vec<&str> = certain.difference(&made).copied().collect();
    let differs = !unplanned.is_empty() || !missing.is_empty();
    differs.then(|| format!("made without being planned: {unplanned:?}; planned and not made: {missing:?}"))
}
