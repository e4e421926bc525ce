//! What only one can hold is released before it is taken, on the way there and on the way back.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{Index, subsequence};
use serde_json::{Value as J, json};

use super::waits_for;
use crate::check::Severity;
use crate::plan::{Operation, Plan, Reason, Step};
use crate::testing::{Draft, find, spec, steps};

fn holding(ports: &[u16]) -> J {
    json!({"force": 0, "holds": ports})
}

#[test]
fn a_port_moves_from_one_to_another() {
    let plan = Draft::new()
        .has("soft.web", holding(&[80]))
        .has("soft.api", holding(&[]))
        .wants("soft.web", holding(&[]))
        .wants("soft.api", holding(&[80]))
        .plan();
    assert_eq!(steps(&plan), ["update soft.web", "update soft.api"]);
    assert!(waits_for(&plan, "update soft.api", "update soft.web"));
}

#[test]
fn what_a_renamed_one_holds_is_released_by_the_old_one_first() {
    let plan = Draft::new()
        .has("soft.web", holding(&[80]))
        .wants("soft.site", holding(&[80]))
        .plan();
    assert!(waits_for(&plan, "create soft.site", "delete soft.web"));
}

#[test]
fn of_two_that_swap_one_is_deleted_first_and_the_plan_says_so() {
    let plan = Draft::new()
        .has("soft.a", holding(&[80]))
        .has("soft.b", holding(&[81]))
        .has("soft.c", holding(&[82]))
        .wants("soft.a", holding(&[81]))
        .wants("soft.b", holding(&[80]))
        .wants("soft.c", holding(&[83]))
        .plan();
    assert_eq!(
        (plan.summary.replace, plan.summary.update),
        (1, 2),
        "{:?}",
        steps(&plan)
    );
    let reason = find(&plan, "create soft.a").reason.clone();
    assert_eq!(reason, Some(Reason::Exchanges(crate::testing::address("soft.b"))));
    assert!(waits_for(&plan, "update soft.b", "delete soft.a"));
    assert!(waits_for(&plan, "create soft.a", "update soft.b"));
}

#[test]
fn of_two_replaced_that_swap_one_goes_first_with_what_lives_on_it() {
    let solid = |force: u64, port: u16| json!({"force": force, "holds": [port]});
    let guest = |host: &str| spec(json!({}), &[host]);
    let plan = Draft::new()
        .has("solid.a", solid(0, 80))
        .has("solid.b", solid(0, 81))
        .has("guest.a", guest("solid.a"))
        .has("guest.b", guest("solid.b"))
        .wants("solid.a", solid(1, 81))
        .wants("solid.b", solid(1, 80))
        .wants("guest.a", guest("solid.a"))
        .wants("guest.b", guest("solid.b"))
        .plan();
    assert!(waits_for(&plan, "create solid.b", "delete solid.a"));
    assert!(waits_for(&plan, "create solid.a", "delete solid.b"));
    assert!(plan.findings.iter().all(|f| f.severity != Severity::Error));
}

#[test]
fn what_users_stand_between_is_released_by_them_first() {
    let user = |needs: &str| spec(json!({"force": 0}), &[needs]);
    let plan = Draft::new()
        .has("soft.old", holding(&[80]))
        .has("soft.one", user("soft.old"))
        .has("soft.two", user("soft.old"))
        .wants("soft.new", holding(&[80]))
        .wants("soft.one", user("soft.new"))
        .wants("soft.two", user("soft.new"))
        .plan();
    assert_eq!(plan.summary.replace, 2, "{:?}", steps(&plan));
    assert!(waits_for(&plan, "create soft.new", "delete soft.old"));
    assert!(waits_for(&plan, "delete soft.old", "delete soft.one"));
}

#[test]
fn what_cannot_be_released_first_refuses_the_plan_with_the_way_in_two_steps() {
    // The old one goes only once nothing new needs one of its kind, and the new one is needed.
    let crowd = |value: u64| json!({"value": value});
    let mut draft = Draft::new()
        .has("soft.user", crowd(0))
        .has("solid.old", holding(&[80]))
        .wants("solid.new", holding(&[80]))
        .wants("soft.user", crowd(1));
    draft.desired.resources[1].depends_on = vec![crate::testing::address("solid.*")];
    let plan = draft.plan();
    let refused: Vec<_> = plan.findings.iter().filter(|f| f.id == "claims").collect();
    assert_eq!(refused.len(), 1, "{:?} {:?}", steps(&plan), plan.findings);
    assert_eq!(refused[0].severity, Severity::Error);
    assert_eq!(refused[0].address, Some(crate::testing::address("solid.new")));
    assert!(refused[0].message.contains("the port 80/tcp, which solid.old"));
    assert!(
        refused[0]
            .remedy
            .as_ref()
            .is_some_and(|way| way.contains("two steps"))
    );
}

#[test]
fn a_port_of_nodes_is_released_before_it_is_taken_where_that_can_be() {
    let on_nodes = |ports: &[u16]| json!({"holds_on_nodes": ports});
    let plan = Draft::new()
        .has("soft.a", on_nodes(&[80]))
        .has("soft.b", on_nodes(&[]))
        .wants("soft.a", on_nodes(&[]))
        .wants("soft.b", on_nodes(&[80]))
        .plan();
    assert!(waits_for(&plan, "update soft.b", "update soft.a"));
    // Those that only exchange such ports make way for each other node by node.
    let round = Draft::new()
        .has("soft.a", on_nodes(&[80]))
        .has("soft.b", on_nodes(&[81]))
        .has("soft.c", on_nodes(&[82]))
        .wants("soft.a", on_nodes(&[81]))
        .wants("soft.b", on_nodes(&[82]))
        .wants("soft.c", on_nodes(&[80]))
        .plan();
    assert_eq!(
        (round.summary.replace, round.summary.update),
        (0, 3),
        "{:?}",
        steps(&round)
    );
    assert!(round.steps.iter().all(|step| step.after_nodes.is_empty()));
}

#[test]
fn a_port_of_nodes_that_is_exchanged_for_one_of_all_nodes_is_released_first() {
    let holding = |all: &[u16], nodes: &[u16]| json!({"holds": all, "holds_on_nodes": nodes});
    let plan = Draft::new()
        .has("soft.everywhere", holding(&[], &[80]))
        .has("soft.once", holding(&[5353], &[]))
        .wants("soft.everywhere", holding(&[5353], &[]))
        .wants("soft.once", holding(&[], &[80]))
        .plan();
    assert_eq!(plan.summary.replace, 1, "{:?}", steps(&plan));
    assert!(waits_for(&plan, "update soft.once", "delete soft.everywhere"));
    assert!(waits_for(&plan, "create soft.everywhere", "update soft.once"));
}

fn ports(step: &Step, after: bool) -> Vec<u16> {
    let spec = if after {
        step.spec_after()
    } else {
        step.spec_before()
    };
    let holds = spec.and_then(|spec| spec.value().get("holds").cloned());
    holds.map_or_else(Vec::new, |holds| serde_json::from_value(holds).expect("numbers"))
}

/// Does the steps in an order that the plan allows, and undoes them: at every point each port has
/// one holder.
fn walk(plan: &Plan, mut held: BTreeMap<u16, usize>, choices: &[Index]) {
    let nodes = plan.nodes();
    let mut done = vec![false; nodes];
    let mut order = Vec::new();
    while order.len() < nodes {
        let ready: Vec<usize> = (0..nodes)
            .filter(|node| !done[*node] && plan.after(*node).iter().all(|before| done[*before as usize]))
            .collect();
        assert!(!ready.is_empty(), "steps wait for each other");
        let node = ready[choices[order.len() % choices.len()].index(ready.len())];
        done[node] = true;
        order.push(node);
    }
    let mut change = |step: &Step, forth: bool| {
        let vanishes = matches!(step.operation, Operation::Vanish { .. } | Operation::Forget);
        assert!(!vanishes, "nothing here does");
        for port in ports(step, !forth) {
            held.remove(&port);
        }
        for port in ports(step, forth) {
            let taken = held.insert(port, 0);
            assert_eq!(taken, None, "{port} is held when {} takes it", step.address);
        }
    };
    for node in &order {
        if let Some(step) = plan.steps.get(*node) {
            change(step, true);
        }
    }
    for node in order.iter().rev() {
        if let Some(step) = plan.steps.get(*node) {
            change(step, false);
        }
    }
}

/// Who holds which port: each port has one holder at most.
fn holders() -> impl Strategy<Value = Vec<Option<usize>>> {
    proptest::collection::vec(proptest::option::weighted(0.7, 0usize..6), 8)
}

fn of(holders: &[Option<usize>], resource: usize) -> Vec<u16> {
    let mine = holders.iter().zip(80u16..);
    mine.filter(|(holder, _)| **holder == Some(resource))
        .map(|(_, port)| port)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_handed_over_is_released_before_it_is_taken(
        before in holders(),
        after in holders(),
        exist in subsequence((0..6usize).collect::<Vec<_>>(), 0..=6),
        stay in subsequence((0..6usize).collect::<Vec<_>>(), 0..=6),
        solid in proptest::bits::u8::ANY,
        forced in proptest::bits::u8::ANY,
        choices in proptest::collection::vec(any::<Index>(), 1..20),
    ) {
        let name = |r: usize| if solid >> r & 1 == 1 { format!("solid.{r}") } else { format!("soft.{r}") };
        let mut draft = Draft::new();
        let mut held = BTreeMap::new();
        for resource in &exist {
            let ports = of(&before, *resource);
            held.extend(ports.iter().map(|port| (*port, *resource)));
            draft = draft.has(&name(*resource), holding(&ports));
        }
        for resource in &stay {
            let spec = json!({"force": forced >> resource & 1, "holds": of(&after, *resource)});
            draft = draft.wants(&name(*resource), spec);
        }
        let plan = draft.plan();
        prop_assert!(plan.findings.iter().all(|finding| finding.severity != Severity::Error));
        walk(&plan, held, &choices);
    }
}
