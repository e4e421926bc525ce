//! Which creates need no call to undo, because what they live on is undone too; and which are
//! undone already, because that is gone.

use std::collections::BTreeSet;

use subako_state::{Address, Entry, Resource, StateError};

use super::crew::{Crew, empty};
use super::fold::under_way;
use super::status::{RunStatus, StepStatus};
use crate::kind::Registry;
use crate::plan::{Action, Departure, Going, Object, Operation, Plan, departures};

/// How everything that a run has created goes on the way back, by the step that created it. What
/// says that its host is gone already is gone itself.
pub(super) fn ways_back(
    registry: &Registry,
    plan: &Plan,
    resources: &[Resource],
    progress: &RunStatus,
) -> Vec<Departure> {
    let recorded = under_way(resources, plan, progress);
    let mut ways = vec![Departure::None; plan.steps.len()];
    let (makers, objects): (Vec<Option<usize>>, Vec<Object<'_>>) =
        objects(plan, &recorded, progress).into_iter().unzip();
    for (maker, way) in makers.into_iter().zip(departures(registry, &objects)) {
        if let Some(step) = maker {
            ways[step] = way;
        }
    }
    ways
}

/// All objects as they are in the middle of a run, each with the step that created it; what
/// becomes of them is what undoing the run makes of them.
fn objects<'a>(
    plan: &'a Plan,
    recorded: &'a [Resource],
    progress: &RunStatus,
) -> Vec<(Option<usize>, Object<'a>)> {
    let mut acted_on: BTreeSet<(&Address, u32)> = BTreeSet::new();
    let mut created: BTreeSet<&Address> = BTreeSet::new();
    let mut objects = Vec::new();
    for step in plan.steps.iter().filter(|step| step.action() == Action::Create) {
        created.insert(&step.address);
    }
    for (number, (step, status)) in plan.steps.iter().zip(&progress.steps).enumerate() {
        let going = match (&step.operation, status) {
            (Operation::Create, StepStatus::Undone { .. }) => Some(Going::Gone),
            (Operation::Create, status) => status.may_have_effect().then_some(Going::Goes),
            // It is there, or is created again.
            (Operation::Delete | Operation::Adopt, _) => Some(Going::Stays),
            // It was gone before the run, whatever the state says of it.
            (Operation::Forget, _) => Some(Going::Gone),
            (
                Operation::Update
                | Operation::Settle
                | Operation::Spread
                | Operation::Reform { .. }
                | Operation::Vanish { .. },
                _,
            ) => continue,
        };
        acted_on.insert((&step.address, step.generation));
        let create = step.operation == Operation::Create;
        let Some(going) = going else { continue };
        objects.push((
            create.then_some(number),
            Object {
                address: &step.address,
                depends_on: step.depends_on(),
                going,
                old: !create && created.contains(&step.address),
            },
        ));
    }
    let others = recorded
        .iter()
        .filter(|resource| !acted_on.contains(&(&resource.address, resource.generation)));
    objects.extend(others.map(|resource| {
        let object = Object {
            address: &resource.address,
            depends_on: &resource.depends_on,
            going: Going::Stays,
            old: resource.deposed || created.contains(&resource.address),
        };
        (None, object)
    }));
    objects
}

/// The steps whose objects went with a host that is gone, without saying so yet, the last first.
pub(super) fn gone_along(ways: &[Departure], progress: &RunStatus) -> Vec<u32> {
    let gone = |way: &Departure| matches!(way, Departure::With { gone: true, .. });
    // What nobody has looked for since its call began has to be looked for first.
    let known = |status: &StepStatus| !matches!(status, StepStatus::Intended { .. });
    let steps = ways.iter().zip(&progress.steps).enumerate().rev();
    steps
        .filter(|(_, (way, status))| gone(way) && known(status))
        .map(|(step, _)| step as u32)
        .collect()
}

impl Crew<'_> {
    /// How everything that was created so far goes on the way back.
    pub fn ways_back(&self) -> Vec<Departure> {
        let progress = self.progress().clone();
        ways_back(self.registry, self.plan, self.resources, &progress)
    }

    /// The steps whose objects went with a host that is gone, without saying so yet, the last first.
    pub fn gone_along(&self) -> Vec<u32> {
        gone_along(&self.ways_back(), &self.progress())
    }

    /// What lives on something whose creation was undone went with it, although the way back was cut
    /// short before it could say so: going forward again it has to be created again.
    pub async fn vanish_with_hosts(&self) -> Result<(), StateError> {
        for step in self.gone_along() {
            let outputs = self.progress().steps[step as usize].outputs().cloned();
            let outputs = outputs.unwrap_or_else(empty);
            self.record(Entry::Undone { step, outputs }).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::testing::{Draft, json_of, spec};

    /// A resource of a random world: its address and what it needs, earlier ones only.
    #[derive(Debug, Clone)]
    struct Toy {
        address: String,
        needs: Vec<String>,
        /// Whether it is there before and after.
        kept: bool,
    }

    const KINDS: [&str; 6] = ["solid", "soft", "guest", "lodger", "crowd", "tenant"];

    /// The kind of which one has to be there before one of a kind can be: what it lives on.
    fn host_of(kind: &str) -> Option<&'static str> {
        match kind {
            "guest" | "crowd" => Some("solid"),
            "lodger" => Some("guest"),
            "tenant" => Some("crowd"),
            _ => None,
        }
    }

    /// Random DAGs; what is kept needs only what is kept.
    fn worlds() -> impl Strategy<Value = Vec<Toy>> {
        let one = (0..KINDS.len(), any::<u32>(), any::<u8>());
        proptest::collection::vec(one, 1..14).prop_map(|raw| {
            let mut toys: Vec<Toy> = Vec::new();
            for (number, (kind, picks, kept)) in raw.into_iter().enumerate() {
                let kind_of = |toy: &Toy| toy.address.split('.').next().unwrap_or_default().to_owned();
                let mut kind = KINDS[kind];
                if host_of(kind).is_some_and(|host| toys.iter().all(|toy| kind_of(toy) != host)) {
                    kind = "solid";
                }
                let hosts: Vec<usize> = (0..toys.len())
                    .filter(|other| Some(kind_of(&toys[*other]).as_str()) == host_of(kind))
                    .collect();
                let host = (!hosts.is_empty()).then(|| hosts[picks as usize % hosts.len()]);
                let needed: Vec<usize> = (0..toys.len())
                    .filter(|other| picks >> (8 + other) & 1 == 1 && !hosts.contains(other))
                    .chain(host)
                    .collect();
                toys.push(Toy {
                    address: format!("{kind}.t{number}"),
                    kept: kept % 3 == 0 && needed.iter().all(|other| toys[*other].kept),
                    needs: needed.iter().map(|other| toys[*other].address.clone()).collect(),
                });
            }
            toys
        })
    }

    fn fields(toy: &Toy) -> serde_json::Value {
        let needs: Vec<&str> = toy.needs.iter().map(String::as_str).collect();
        spec(json!({}), &needs)
    }

    /// How the planner removes what is not kept.
    fn removals(toys: &[Toy]) -> BTreeMap<String, Option<Address>> {
        let draft = toys.iter().fold(Draft::new(), |draft, toy| {
            let draft = draft.has(&toy.address, fields(toy));
            if toy.kept {
                draft.wants(&toy.address, fields(toy))
            } else {
                draft
            }
        });
        let steps = draft.plan().steps.into_iter();
        steps
            .map(|step| (step.address.to_string(), step.gone_with().cloned()))
            .collect()
    }

    /// What a run that created everything else has done.
    fn created(toys: &[Toy]) -> (Vec<Resource>, Plan, RunStatus) {
        let draft = toys.iter().fold(Draft::new(), |draft, toy| {
            let draft = draft.wants(&toy.address, fields(toy));
            if toy.kept {
                draft.has(&toy.address, fields(toy))
            } else {
                draft
            }
        });
        let plan = draft.plan();
        let mut progress = RunStatus::new(plan.steps.len());
        for status in &mut progress.steps {
            *status = StepStatus::Done {
                token: "t".into(),
                outputs: json_of(&json!({"id": "x"})),
            };
        }
        (draft.snapshot.resources, plan, progress)
    }

    fn undone() -> StepStatus {
        StepStatus::Undone {
            token: "t".into(),
            outputs: json_of(&json!({})),
        }
    }

    /// Whether what a host is at the end of is gone: told apart from what is tested here, by
    /// following the plan.
    fn is_gone(plan: &Plan, progress: &RunStatus, toys: &[Toy], ways: &[Departure], host: &Address) -> bool {
        if host.name() == "*" {
            let kept = toys
                .iter()
                .any(|toy| toy.kept && toy.address.starts_with(host.kind()));
            let of_kind = plan.steps.iter().zip(&progress.steps);
            let mut of_kind = of_kind.filter(|(step, _)| step.address.kind() == host.kind());
            return !kept && of_kind.all(|(_, status)| !status.may_have_effect());
        }
        let Some(number) = plan.steps.iter().position(|step| step.address == *host) else {
            return false;
        };
        match &ways[number] {
            Departure::With { host, .. } => is_gone(plan, progress, toys, ways, host),
            _ => !progress.steps[number].may_have_effect(),
        }
    }

    /// Each of the hosts uses another of two things that all hosts make up: neither is held back for
    /// the other's user.
    #[test]
    fn hosts_that_use_what_hosts_make_up_go_before_it() {
        let toy = |address: &str, needs: &[&str]| Toy {
            address: address.to_owned(),
            needs: needs.iter().map(|needed| (*needed).to_owned()).collect(),
            kept: false,
        };
        // One host stays, so that both are deleted by a call.
        let stays = Toy {
            kept: true,
            ..toy("solid.stays", &[])
        };
        let toys = [
            stays,
            toy("crowd.one", &["solid.stays"]),
            toy("crowd.two", &["solid.stays"]),
            toy("solid.on-one", &["crowd.one"]),
            toy("solid.on-two", &["crowd.two"]),
        ];
        let gone: Vec<Option<Address>> = removals(&toys).into_values().collect();
        assert_eq!(gone, [None, None, None, None], "each by a call");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        #[test]
        fn planner_rollback_and_settling_decide_the_same(toys in worlds()) {
            let removals = removals(&toys);
            let (resources, plan, mut progress) = created(&toys);
            let registry = Draft::registry();
            let ways = ways_back(&registry, &plan, &resources, &progress);
            prop_assert_eq!(plan.steps.len(), removals.len());
            for (step, way) in plan.steps.iter().zip(&ways) {
                let planned = &removals[step.address.as_str()];
                match way {
                    Departure::With { host, gone } => {
                        prop_assert!(!gone, "{} is there", step.address);
                        prop_assert_eq!(Some(host), planned.as_ref(), "{}", step.address);
                    }
                    Departure::Call => prop_assert_eq!(&None, planned, "{}", step.address),
                    Departure::None => prop_assert!(false, "{} was created", step.address),
                }
            }
            // The way back, cut after each of its calls, and gone on with from there.
            for number in (0..plan.steps.len()).rev() {
                if ways[number] != Departure::Call {
                    continue;
                }
                progress.steps[number] = undone();
                let now = ways_back(&registry, &plan, &resources, &progress);
                let gone = gone_along(&now, &progress);
                for (step, (was, is)) in ways.iter().zip(&now).enumerate() {
                    let address = &plan.steps[step].address;
                    match (was, is) {
                        (Departure::With { host: was, .. }, Departure::With { host: is, .. }) => {
                            prop_assert_eq!(was, is, "{}", address);
                            let root_is_gone = is_gone(&plan, &progress, &toys, &ways, was);
                            prop_assert_eq!(gone.contains(&(step as u32)), root_is_gone, "{}", address);
                        }
                        (Departure::Call, Departure::Call | Departure::None) => {
                            let undone = matches!(progress.steps[step], StepStatus::Undone { .. });
                            prop_assert_eq!(*is == Departure::None, undone, "{}", address);
                        }
                        other => prop_assert!(false, "{}: {:?}", address, other),
                    }
                }
            }
            for step in gone_along(&ways_back(&registry, &plan, &resources, &progress), &progress) {
                progress.steps[step as usize] = undone();
            }
            let left = progress.steps.iter().filter(|status| status.may_have_effect()).count();
            prop_assert_eq!(left, 0, "everything is undone, or went along");
        }
    }
}
