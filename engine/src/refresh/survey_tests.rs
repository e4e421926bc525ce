//! Whom a survey asks, and under which names what it finds is known.

use serde_json::json;
use subako_state::Resource;

use super::*;
use crate::desired::Desired;
use crate::kinds::label;
use crate::kinds::testing::{instance, node, ownership, view};
use crate::testing::{address, json_of, resource};
use crate::world::tag;

fn recorded(resources: Vec<Resource>) -> Snapshot {
    let mut snapshot = Snapshot::empty("l".into(), "sandbox".into(), "sim".into());
    snapshot.resources = resources;
    snapshot.sort();
    snapshot
}

fn answering(name: &str, spec: serde_json::Value, outputs: serde_json::Value) -> Resource {
    Resource {
        outputs: json_of(&outputs),
        ..resource(name, &spec)
    }
}

fn machine(id: &str, name: &str, state: InstanceState) -> Instance {
    Instance {
        state,
        ..instance(id, ownership(&format!("instance.{name}"), 0).tags())
    }
}

fn cloud(instances: Vec<Instance>) -> CloudSurvey {
    CloudSurvey {
        instances,
        ..CloudSurvey::default()
    }
}

/// A zone is out: a manager there may be the one that is left.
#[test]
fn a_manager_that_cannot_be_read_may_still_manage() {
    let snapshot = recorded(vec![
        answering("member.m-0", json!({"role": "manager"}), json!({})),
        answering("instance.m-0", json!({}), json!({"instance_id": "i-0"})),
    ]);
    let rests = |unread: &[&str]| {
        let cloud = CloudSurvey {
            unread: unread
                .iter()
                .map(|id| ((*id).to_owned(), "out".to_owned()))
                .collect(),
            ..CloudSurvey::default()
        };
        candidates(&snapshot, &DesiredSet::default(), &cloud).some_rest
    };
    assert!(rests(&["i-0"]));
    assert!(!rests(&["i-9"]) && !rests(&[]));
}

fn wanted(name: &str, role: &str) -> Desired {
    Desired {
        address: address(name),
        spec: json_of(&json!({"role": role})),
        depends_on: vec![],
        protect: false,
    }
}

#[test]
fn recorded_managers_are_asked_first_then_wanted_ones_each_with_its_pinned_key() {
    let manager = json!({"role": "manager"});
    let snapshot = recorded(vec![
        answering("member.m-1", manager.clone(), json!({})),
        answering("member.m-0", manager, json!({})),
        answering("member.w-0", json!({"role": "worker"}), json!({})),
        answering("docker.m-0", json!({}), json!({"host_key": "key of m-0"})),
        answering("instance.m-0", json!({}), json!({"instance_id": "i-0"})),
        answering("docker.m-1", json!({}), json!({"host_key": "key of m-1"})),
        answering("instance.m-1", json!({}), json!({"instance_id": "i-before"})),
    ]);
    let desired = DesiredSet {
        ignored: Default::default(),
        resources: vec![
            wanted("member.w-9", "worker"),
            wanted("member.m-2", "manager"),
            wanted("member.m-0", "manager"),
        ],
    };
    let mut machines = vec![
        machine("i-0", "m-0", InstanceState::Running),
        machine("i-1", "m-1", InstanceState::Running),
        machine("i-2", "m-2", InstanceState::Running),
        machine("i-3", "w-0", InstanceState::Running),
        machine("i-4", "w-9", InstanceState::Stopped),
    ];
    let asked = |machines: &[Instance]| {
        let found = candidates(&snapshot, &desired, &cloud(machines.to_vec()));
        let mut targets: Vec<_> = found
            .targets
            .into_iter()
            .map(|target| (target.name, target.instance_id, target.host_key))
            .collect();
        // Who is in neither is asked after all of them.
        let strangers: Vec<_> = targets.split_off(found.known);
        let strangers: Vec<String> = strangers.into_iter().map(|(name, ..)| name).collect();
        assert_eq!(strangers, vec!["w-0"; usize::from(!machines.is_empty())]);
        (targets, found.some_rest)
    };
    let target =
        |name: &str, id: &str, key: Option<&str>| (name.to_owned(), id.to_owned(), key.map(str::to_owned));
    let all = vec![
        target("m-0", "i-0", Some("key of m-0")),
        // Another machine than the one that its key was pinned for.
        target("m-1", "i-1", None),
        target("m-2", "i-2", None),
    ];
    assert_eq!(
        asked(&machines),
        (all.clone(), false),
        "a worker that rests is no manager"
    );
    machines[2].state = InstanceState::Stopped;
    assert_eq!(asked(&machines), (all[..2].to_vec(), true));
    assert_eq!(asked(&[]), (vec![], false));
}

#[test]
fn witnesses_are_running_machines_that_were_not_asked_and_no_more_than_are_needed() {
    let snapshot = recorded(vec![answering(
        "docker.w-1",
        json!({}),
        json!({"host_key": "its key"}),
    )]);
    let mut machines = vec![
        machine("i-m", "m-0", InstanceState::Running),
        machine("i-s", "w-0", InstanceState::Stopped),
        instance("i-stranger", BTreeMap::new()),
    ];
    machines.extend((1..6).map(|number| {
        machine(
            &format!("i-{number}"),
            &format!("w-{number}"),
            InstanceState::Running,
        )
    }));
    let asked: BTreeMap<String, Answer> = [("m-0".to_owned(), Answer::Silent)].into();
    let found = others(&snapshot, &cloud(machines), &asked);
    let found: Vec<_> = found
        .iter()
        .map(|t| (t.name.as_str(), t.host_key.as_deref()))
        .collect();
    assert_eq!(found, [("w-1", Some("its key")), ("w-2", None), ("w-3", None)]);
}

#[test]
fn what_is_recorded_keeps_its_name_whatever_its_tags_and_labels_say() {
    let snapshot = recorded(vec![
        answering("instance.new", json!({}), json!({"instance_id": "i-1"})),
        answering("member.new", json!({}), json!({"node_id": "n-1"})),
        answering(
            "docker.other",
            json!({}),
            json!({"instance_id": "i-2", "node_id": "n-2"}),
        ),
    ]);
    let mut seen = cloud(vec![
        machine("i-1", "old", InstanceState::Running),
        machine("i-2", "free", InstanceState::Running),
        instance("i-1", BTreeMap::new()),
    ]);
    names::instances(&mut seen, &snapshot);
    let tags: Vec<_> = seen
        .instances
        .iter()
        .map(|i| i.tags.get(tag::ADDRESS).map(String::as_str))
        .collect();
    assert_eq!(
        tags,
        [Some("instance.new"), Some("instance.free"), None],
        "what has no tags gets none"
    );
    let mut view = view();
    view.nodes = vec![node("n-1", "member.old"), node("n-2", "member.free")];
    let mut bare = node("n-1", "member.old");
    bare.labels.clear();
    view.nodes.push(bare);
    let mut swarm = SwarmSurvey::Read(Box::new(view));
    names::nodes(&mut swarm, &snapshot);
    let SwarmSurvey::Read(view) = &swarm else {
        panic!("it was read")
    };
    let labels: Vec<_> = view
        .nodes
        .iter()
        .map(|n| n.labels.get(label::ADDRESS).map(String::as_str))
        .collect();
    assert_eq!(labels, [Some("member.new"), Some("member.free"), None]);
    names::nodes(&mut SwarmSurvey::None, &snapshot);
}

#[test]
fn what_has_a_wanted_name_is_told_by_whose_it_is() {
    assert_eq!(
        describe("sg-1", &BTreeMap::new()),
        "sg-1, which Subako did not make"
    );
    let tags = ownership("security_group.a", 0).tags();
    assert_eq!(describe("sg-1", &tags), "sg-1, of the cluster `sandbox`");
}
