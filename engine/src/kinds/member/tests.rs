use subako_state::Address;

use super::*;
use crate::kinds::testing;
use crate::reference::Ref;
use crate::world::Availability;

fn wanted() -> Member {
    Member {
        availability: Availability::Active,
        machine: Ref::to(Address::new("instance", "node-0"), "instance_id"),
        labels: testing::map(&[("disk", "ssd")]),
        role: Role::Worker,
        swarm: Ref::to(Address::new("swarm", "sandbox"), "cluster_id"),
    }
}

fn node() -> Node {
    let mut node = testing::node("n1", "member.node-0");
    node.labels.insert("disk".into(), "ssd".into());
    node
}

fn sighted(nodes: Vec<Node>, recorded: Option<&str>) -> Sighting {
    let mut view = testing::view();
    view.nodes = nodes;
    let outputs = recorded.map(|id| MemberOutputs { node_id: id.into() });
    let item = testing::item("member.node-0", &wanted(), outputs.as_ref());
    testing::sight::<Member>(&testing::survey_of_swarm(view), &item)
}

#[test]
fn the_json_of_a_member_is_canonical() {
    testing::assert_canonical(&wanted());
}

#[test]
fn a_node_that_is_down_is_still_a_member() {
    let down = Node {
        state: NodeState::Down,
        ..node()
    };
    assert_eq!(sighted(vec![down], Some("n1")), Sighting::AsRecorded);
    assert_eq!(sighted(vec![], Some("n1")), Sighting::Absent);
}

#[test]
fn a_recorded_node_without_a_label_goes_unless_nobody_else_manages_the_swarm() {
    let bare = |id: &str, role| {
        let mut node = testing::node(id, "member.node-0");
        node.labels.clear();
        node.role = role;
        node
    };
    let sighted = |nodes: Vec<Node>, is_wanted: bool| {
        let mut view = testing::view();
        view.nodes = nodes;
        let survey = testing::survey_of_swarm(view);
        let there = survey.machine_at(&node().addr);
        assert!(
            there.is_some_and(|machine| !machine.is_gone()),
            "its machine runs"
        );
        let outputs = MemberOutputs { node_id: "n1".into() };
        let mut item = testing::item("member.node-0", &wanted(), Some(&outputs));
        item.wanted = is_wanted.then(|| item.spec.clone());
        testing::sight::<Member>(&survey, &item)
    };
    let (own, other) = (bare("n1", Role::Manager), bare("n2", Role::Manager));
    // Wanted, it is labelled again by the step that creates it.
    let both = || vec![own.clone(), other.clone()];
    assert_eq!(sighted(both(), true), Sighting::Absent);
    // Forgotten, it would stay in raft as a voter without a machine.
    assert!(matches!(sighted(both(), false), Sighting::There { .. }));
    assert_eq!(sighted(vec![own.clone()], false), Sighting::Absent);
}

#[test]
fn role_availability_and_the_users_labels_are_drift() {
    for changed in [
        Node {
            role: Role::Manager,
            ..node()
        },
        Node {
            availability: Availability::Drain,
            ..node()
        },
        testing::node("n1", "member.node-0"),
    ] {
        assert!(matches!(
            sighted(vec![changed], Some("n1")),
            Sighting::There { .. }
        ));
    }
}

#[test]
fn an_unrecorded_node_is_found_by_its_label_and_the_newest_wins() {
    let mut newer = Node {
        id: "n2".into(),
        ..node()
    };
    newer.labels.insert(label::GENERATION.into(), "3".into());
    let Sighting::There {
        outputs, generation, ..
    } = sighted(vec![node(), newer], None)
    else {
        panic!("it is there");
    };
    assert_eq!((outputs.as_str(), generation), (r#"{"node_id":"n2"}"#, 3));
}

#[test]
fn promotions_and_demotions_go_one_by_one() {
    let (worker, manager) = (
        wanted(),
        Member {
            role: Role::Manager,
            ..wanted()
        },
    );
    assert_eq!(
        Member::serial_group_of(&manager, &worker).as_deref(),
        Some("raft")
    );
    assert_eq!(Member::serial_group_of(&worker, &worker), None);
}
