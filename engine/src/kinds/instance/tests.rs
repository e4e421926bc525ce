use subako_state::Address;

use super::*;
use crate::kinds::testing;
use crate::reference::Ref;

fn wanted() -> Instance {
    Instance {
        ami: "amazon-linux-2023".into(),
        cpu_credits: world::CpuCredits::Standard,
        disk_encrypted: false,
        disk_gib: 8,
        image_id: "ami-1".into(),
        instance_type: "t3.micro".into(),
        key_name: Some("key".into()),
        name: "node-0".into(),
        private_ip: Some("10.0.0.5".into()),
        protect: false,
        public_ip: None,
        running: true,
        security_group: Ref::to(Address::new("security_group", "sandbox"), "group_id"),
        subnet_id: "subnet-1".into(),
        tags: testing::map(&[("Name", "sandbox-node-0")]),
        zone: "a".into(),
    }
}

fn live(id: &str, generation: u32) -> world::Instance {
    let mut tags = testing::ownership("instance.node-0", generation).tags();
    tags.insert("Name".into(), "sandbox-node-0".into());
    testing::instance(id, tags)
}

fn outputs(id: &str) -> InstanceOutputs {
    (&live(id, 0)).into()
}

#[test]
fn the_json_of_an_instance_is_canonical() {
    testing::assert_canonical(&wanted());
    testing::assert_canonical(&outputs("i-1"));
}

#[test]
fn a_smaller_disk_is_a_replacement_and_a_larger_one_is_not() {
    let disk = |gib: u32| Value::Known(gib.into());
    assert!(matches!(
        Instance::impact("disk_gib", &disk(20), &disk(8)),
        Impact::Replaces(_)
    ));
    assert!(matches!(
        Instance::impact("disk_gib", &disk(8), &disk(20)),
        Impact::InPlaceBut(_)
    ));
    let large = Instance {
        disk_gib: 20,
        ..wanted()
    };
    assert!(!Instance::change_is_undoable(&wanted(), &large));
}

#[test]
fn a_pinned_address_has_room_for_one() {
    assert!(Instance::coexists(&wanted(), &wanted()).is_err_and(|why| why.contains("10.0.0.5")));
    let moved = Instance {
        private_ip: Some("10.0.0.6".into()),
        ..wanted()
    };
    assert_eq!(Instance::coexists(&wanted(), &moved), Ok(()));
}

#[test]
fn a_stopped_instance_is_drift_and_a_new_public_address_is_not() {
    let item = testing::item("instance.node-0", &wanted(), Some(&outputs("i-1")));
    let survey = testing::survey(|cloud| cloud.instances.push(live("i-1", 0)));
    assert_eq!(testing::sight::<Instance>(&survey, &item), Sighting::AsRecorded);
    let survey = testing::survey(|cloud| {
        cloud.instances.push(world::Instance {
            public_ip: Some("9.9.9.9".into()),
            ..live("i-1", 0)
        });
    });
    let Sighting::There { spec, outputs, .. } = testing::sight::<Instance>(&survey, &item) else {
        panic!("the outputs moved");
    };
    assert_eq!(spec, item.spec);
    assert!(outputs.as_str().contains("9.9.9.9"));
    let survey = testing::survey(|cloud| {
        cloud.instances.push(world::Instance {
            state: InstanceState::Stopped,
            ..live("i-1", 0)
        });
    });
    let Sighting::There { spec, .. } = testing::sight::<Instance>(&survey, &item) else {
        panic!("a stopped instance is drift");
    };
    assert!(spec.as_str().contains("\"running\":false"));
}

#[test]
fn of_the_instances_of_an_address_the_newest_that_runs_is_found() {
    let item = testing::item::<Instance>("instance.node-0", &wanted(), None);
    let mut survey = testing::survey(|cloud| {
        cloud
            .instances
            .extend([live("i-3", 1), live("i-4", 2), live("i-5", 3)]);
        cloud.instances[2].state = InstanceState::Stopped;
    });
    let found = |survey: &Survey| match testing::sight::<Instance>(survey, &item) {
        Sighting::There {
            outputs, generation, ..
        } => (outputs.text_field("instance_id").expect("an id"), generation),
        other => panic!("one of ours is there: {other:?}"),
    };
    assert_eq!(found(&survey), ("i-4".to_owned(), 2));
    // One that a record of another object claims is nobody else's.
    survey.name_machines(&["i-4".to_owned()].into_iter().collect(), None);
    assert_eq!(found(&survey), ("i-3".to_owned(), 1));
    let recorded = testing::item("instance.node-0", &wanted(), Some(&outputs("i-0")));
    assert_eq!(testing::sight::<Instance>(&survey, &recorded), Sighting::Absent);
}

#[test]
fn of_two_machines_of_a_name_the_one_in_the_swarm_is_found() {
    let mut view = testing::view();
    view.nodes = vec![testing::node("n1", "member.node-0")];
    let mut newer = live("i-9", 7);
    newer.private_ip = "10.0.0.9".into();
    let cloud = world::CloudSurvey {
        instances: vec![live("i-8", 1), newer],
        ..world::CloudSurvey::default()
    };
    let swarm = crate::survey::SwarmSurvey::Read(Box::new(view));
    let survey = Survey::assemble(
        "sandbox",
        cloud,
        Default::default(),
        swarm,
        false,
        Default::default(),
    );
    let machine = survey.machine_named("node-0").map(|machine| machine.id.as_str());
    assert_eq!(machine, Some("i-8"));
}
