//! Plans keep their word: an accepted plan applies, the next one is empty, the swarms stay as far
//! up as was said, and the world is then the manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use subako_engine::manifest::Manifest;
use subako_engine::plan::{Action, Plan, Selection};
use subako_providers::sim::{Moment, SwarmMoment};
use subako_world::tag;

use super::case::Case;
use super::drift::Drift;
use super::driver::{Driver, Ended, Exit};
use super::expect;
use super::foreseen::foreseen;
use super::low::{Low, tolerance};
use super::parts::complete;
use super::verdict::{Verdict, Violation};

/// Tries a case.
pub async fn run(case: &Case) -> Verdict {
    match tried(case).await {
        Ok(()) => Verdict::Kept,
        Err(verdict) => verdict,
    }
}

pub type Step = Result<(), Verdict>;

fn broken(violation: Violation) -> Verdict {
    Verdict::Broken(violation)
}

pub async fn tried(case: &Case) -> Step {
    let driver = Driver::rehearsing(case.seed);
    let before = driver.parse(&case.before).map_err(|_| Verdict::Invalid)?;
    let after = driver.parse(&case.after()).map_err(|_| Verdict::Invalid)?;
    accepted("first apply", &driver.apply(&before, &Selection::default()).await)?;
    as_said("first apply", &driver, &before).await?;
    if case.edits.is_empty() && case.drift.is_empty() && case.selection == Selection::default() {
        return gone(&driver, &before).await;
    }
    drift(case, &driver, &after).await?;
    let respelled = case.edits.iter().all(|edit| edit.family() == "respellings");
    if respelled && case.drift.is_empty() && case.selection == Selection::default() {
        nothing_to_do("what means the same is no change", "respelling", &driver, &after).await?;
    }
    let start = Start::of(&driver);
    let ended = driver.apply(&after, &case.selection).await;
    accepted("change", &ended)?;
    if let Some(plan) = &ended.plan {
        kept_up(plan, &ended.low, &start, &driver.sim.moment()).map_err(broken)?;
    }
    complete(case, &driver, &after, ended).await?;
    as_said("change", &driver, &after).await?;
    gone(&driver, &after).await
}

async fn drift(case: &Case, driver: &Driver, after: &Manifest) -> Step {
    for drift in &case.drift {
        match drift {
            Drift::LostState => driver.lose_state(),
            Drift::OldState => {
                let old = driver.state();
                accepted(
                    "change before an old state",
                    &driver.apply(after, &Selection::default()).await,
                )?;
                if let Some(old) = old {
                    driver.put_back(&old);
                }
            }
            other => other.happen(&driver.sim, &case.before),
        }
    }
    driver.pass(Duration::from_secs(case.passes)).await;
    Ok(())
}

/// An accepted plan applies, as its rehearsal said.
pub fn accepted(what: &'static str, ended: &Ended) -> Step {
    foreseen(ended, true)?;
    applied(what, ended)
}

/// An accepted plan applies.
pub fn applied(what: &'static str, ended: &Ended) -> Step {
    let property = match what {
        "first apply" => "a first plan that is accepted applies",
        "apply after a selection" => "after a selection an apply converges",
        "apply after a plan that could not read everything" => {
            "a plan that reads what another could not converges"
        }
        "destroy" => "a destroy that is accepted applies",
        _ => "an accepted plan applies",
    };
    match &ended.exit {
        Exit::Done | Exit::Nothing => match &ended.unlike_planned {
            None => Ok(()),
            Some(why) => Err(broken(Violation::new(
                "the calls of an apply are those of its plan",
                why.clone(),
            ))),
        },
        Exit::Refused(why) if what == "change" || what == "change before an old state" => {
            Err(Verdict::Refused(why.clone()))
        }
        Exit::Early(why) | Exit::Unfit(why) if what == "change" || what == "change before an old state" => {
            Err(Verdict::Refused(why.clone()))
        }
        // Whoever asks for it has nothing to mend in the manifest: the order is the planner's.
        Exit::Circular(why) => Err(broken(Violation::of(
            "an order is found",
            "a circle",
            why.clone(),
        ))),
        Exit::Refused(why) => Err(broken(Violation::new(property, format!("refused: {why}")))),
        Exit::Early(why) | Exit::Unfit(why) => {
            Err(broken(Violation::new(property, format!("an error: {why}"))))
        }
        Exit::RolledBack(why) => Err(broken(Violation::new(property, format!("exit 3: {why}")))),
        Exit::Remains(why) => Err(broken(Violation::new(property, format!("exit 4: {why}")))),
        Exit::Killed | Exit::Hung => Err(broken(Violation::new(property, "it hangs"))),
    }
}

/// A plan with a manifest has no steps.
pub async fn nothing_to_do(
    property: &'static str,
    what: &'static str,
    driver: &Driver,
    manifest: &Manifest,
) -> Step {
    let plan = driver.plan(manifest).await;
    let plan = plan.map_err(|why| broken(Violation::new(property, format!("an error: {why}"))))?;
    if let Some(step) = plan.steps.first() {
        let paths: Vec<&str> = step.changes.iter().map(|change| change.path.as_str()).collect();
        let detail = format!(
            "after the {what}: {} {}: {}",
            step.action(),
            step.address,
            paths.join(" ")
        );
        return Err(broken(Violation::new(property, detail)));
    }
    Ok(())
}

/// The next plan is empty, and the world is the manifest.
pub async fn as_said(what: &'static str, driver: &Driver, manifest: &Manifest) -> Step {
    nothing_to_do("the next plan is empty", what, driver, manifest).await?;
    match expect::difference(&driver.sim, manifest) {
        Some((cause, detail)) => Err(broken(Violation::of(
            "the world is the manifest",
            cause,
            format!("after the {what}: {cause}: {detail}"),
        ))),
        None => Ok(()),
    }
}

/// After a destroy nothing carries the tags.
pub async fn gone(driver: &Driver, manifest: &Manifest) -> Step {
    let everything = Selection {
        destroy: true,
        ..Selection::default()
    };
    accepted("destroy", &driver.apply(manifest, &everything).await)?;
    let left = driver
        .sim
        .world()
        .cloud
        .residue(super::cluster::NAME)
        .await
        .unwrap_or_default();
    match left.first() {
        Some(one) => Err(broken(Violation::new(
            "a destroy leaves nothing",
            format!(
                "{} {}",
                one.what,
                one.address.as_deref().unwrap_or("without an address")
            ),
        ))),
        None => Ok(()),
    }
}

/// The swarm before a run, with the instances' names.
struct Start {
    moment: Moment,
    instances: BTreeMap<String, String>,
}

impl Start {
    fn of(driver: &Driver) -> Self {
        let world = driver.sim.dump();
        let instances = world["instances"].as_object().into_iter().flatten();
        Self {
            moment: driver.sim.moment(),
            instances: instances
                .filter_map(|(id, instance)| {
                    let address = instance["tags"][tag::ADDRESS].as_str()?;
                    Some((id.clone(), address.trim_start_matches("instance.").to_owned()))
                })
                .collect(),
        }
    }
}

/// The number that a plan's words about the quorum give: how many failures are tolerated at least.
fn said_of_quorum(plan: &Plan) -> Option<i64> {
    let finding = plan.findings.iter().find(|finding| finding.id == "quorum")?;
    let (words, _) = finding.message.split_once(" on the way")?;
    words.rsplit(' ').next()?.parse().ok()
}

/// Voters and tasks stayed as far up as the plan allows.
fn kept_up(plan: &Plan, low: &Low, start: &Start, end: &Moment) -> Result<(), Violation> {
    let swarm_goes = plan.steps.iter().any(|step| {
        step.address.kind() == "swarm" && !matches!(step.action(), Action::Update | Action::Adopt)
    });
    for (id, swarm) in &start.moment.swarms {
        if swarm_goes || plan.selection.destroy {
            continue;
        }
        voters(plan, low, id, swarm, end)?;
        tasks(plan, low, id, swarm, start)?;
    }
    Ok(())
}

fn voters(plan: &Plan, low: &Low, id: &str, before: &SwarmMoment, end: &Moment) -> Result<(), Violation> {
    let property = "voters stay as many as was said";
    let was = tolerance(before.voters, before.alive);
    let Some(least) = low.tolerance.get(id).copied().filter(|_| was >= 0) else {
        return Ok(());
    };
    let is = end
        .swarms
        .get(id)
        .map_or(-1, |swarm| tolerance(swarm.voters, swarm.alive));
    let detail = format!("tolerance {was} before, {least} on the way, {is} after");
    let restarts = plan.steps.iter().any(|step| {
        matches!(step.address.kind(), "instance" | "docker" | "member") && step.action() != Action::Create
    });
    match said_of_quorum(plan) {
        Some(said) if least < said => Err(Violation::of(
            property,
            "fewer than the plan says",
            format!("{detail}, {said} said"),
        )),
        Some(_) => Ok(()),
        // One manager, or two, cannot be restarted without an interruption.
        None if before.voters <= 2 && restarts && is >= 0 => Ok(()),
        None if least < 0 => Err(Violation::of(
            property,
            "the majority is lost without a word",
            detail,
        )),
        None if least < was.min(is) => Err(Violation::of(property, "fewer without a word", detail)),
        None => Ok(()),
    }
}

/// The names of nodes that a plan's steps touch.
fn touched(plan: &Plan) -> BTreeSet<&str> {
    let steps = plan.steps.iter();
    steps
        .filter(|step| matches!(step.address.kind(), "instance" | "docker" | "member"))
        .map(|step| step.address.name())
        .collect()
}

fn tasks(plan: &Plan, low: &Low, id: &str, before: &SwarmMoment, start: &Start) -> Result<(), Violation> {
    let touched = touched(plan);
    for (name, count) in &before.services {
        let steps: Vec<_> = plan
            .steps
            .iter()
            .filter(|step| step.address.kind() == "service" && step.address.name() == name)
            .collect();
        if steps.iter().any(|step| step.action() != Action::Update) {
            continue;
        }
        let Some(least) = low.running.get(&(id.to_owned(), name.clone())) else {
            continue;
        };
        let may_move: u64 = before
            .placed
            .iter()
            .filter(|(instance, _)| {
                start
                    .instances
                    .get(*instance)
                    .is_none_or(|name| touched.contains(name.as_str()))
            })
            .filter_map(|(_, services)| services.get(name))
            .sum();
        let mut floor = count.running.saturating_sub(may_move);
        if let Some(step) = steps.first() {
            let Some((wanted, at_once)) = step.spec_after().and_then(update_of) else {
                continue;
            };
            if step
                .changes
                .iter()
                .any(|change| change.path.starts_with("constraints") || change.path == "mode")
            {
                continue;
            }
            // Whichever tasks a smaller number leaves, they may be on nodes that are touched.
            let left = count.running.min(wanted.unwrap_or(count.running));
            // Its new tasks may have begun on one of these nodes, too.
            let moved = low.most.iter().filter(|((instance, service), _)| {
                let node = start.instances.get(instance);
                service == name && node.is_some_and(|node| touched.contains(node.as_str()))
            });
            floor = left
                .saturating_sub(may_move.max(moved.map(|(_, most)| most).sum()))
                .saturating_sub(at_once.unwrap_or(u64::MAX));
        }
        if *least < floor {
            return Err(Violation::of(
                "services stay as far up as was said",
                if steps.is_empty() {
                    "a service that does not change"
                } else {
                    "a service that is updated"
                },
                format!(
                    "{name}: {} running before, {least} on the way, {floor} allowed",
                    count.running
                ),
            ));
        }
    }
    Ok(())
}

/// The replicas that a service's spec wants, and how many tasks its updates take down at once;
/// `None` for all.
fn update_of(spec: &subako_state::Json) -> Option<(Option<u64>, Option<u64>)> {
    let value = spec.value();
    let update = value.get("update_config");
    let order = update
        .and_then(|update| update.get("order"))
        .and_then(|order| order.as_str());
    let parallelism = update
        .and_then(|update| update.get("parallelism"))
        .and_then(|number| number.as_u64())
        .unwrap_or(1);
    let wanted = value.get("replicas").and_then(|replicas| replicas.as_u64());
    Some((
        wanted,
        match (order, parallelism) {
            (Some("start-first"), _) => Some(0),
            (_, 0) => None,
            (_, number) => Some(number),
        },
    ))
}
