//! Who votes, by what is recorded, was seen, and is asked for.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use subako_state::{Resource, Snapshot};

use super::tests::{Does, docker, member, record};
use super::*;
use crate::check::testing::Bare;
use crate::plan::{Change, Drift, Selection};
use crate::refresh::{Managers, Standing};
use crate::testing::{address, json_of, resource};

/// A swarm, what was found of its managers, and a plan.
struct Scene {
    recorded: Vec<Resource>,
    managers: Option<Managers>,
    steps: Vec<Step>,
    drift: Vec<Drift>,
    selection: Selection,
}

/// A recorded member with a node of its own.
fn recorded(name: &str, role: &str, generation: u32) -> Resource {
    Resource {
        generation,
        outputs: json_of(&json!({"node_id": format!("node-{name}-{generation}")})),
        ..resource(&format!("member.{name}"), &member(role))
    }
}

fn step(address: &str, operation: Operation, before: Option<Value>, after: Option<Value>) -> Step {
    let side = |spec: Option<Value>| spec.as_ref().and_then(record);
    Step::new(
        crate::testing::address(address),
        0,
        operation,
        side(before),
        side(after),
    )
}

fn drift(what: &str, gone: bool, path: &str) -> Drift {
    let change = Change {
        path: path.into(),
        before: crate::value::Value::Known(json!(true)),
        after: crate::value::Value::Known(json!(false)),
        forces_replacement: None,
        cost: None,
    };
    Drift {
        address: address(what),
        changes: if gone { vec![] } else { vec![change] },
        gone,
    }
}

fn found(all: &[(&str, Standing)], answered: bool) -> Managers {
    Managers {
        voters: all
            .iter()
            .map(|(name, standing)| ((*name).to_owned(), *standing))
            .collect(),
        nodes: BTreeMap::new(),
        answered,
    }
}

impl Scene {
    /// Three managers that live and a worker, and nothing to do.
    fn new() -> Self {
        Self {
            recorded: vec![
                resource("swarm.sandbox", &json!({})),
                recorded("m-0", "manager", 0),
                recorded("m-1", "manager", 0),
                recorded("m-2", "manager", 0),
                recorded("w-0", "worker", 0),
            ],
            managers: None,
            steps: Vec::new(),
            drift: Vec::new(),
            selection: Selection::default(),
        }
    }

    fn does(mut self, does: Does) -> Self {
        self.steps.push(does.step());
        self
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn drifts(mut self, drift: Drift) -> Self {
        self.drift.push(drift);
        self
    }

    fn sees(mut self, managers: Managers) -> Self {
        self.managers = Some(managers);
        self
    }

    /// What to do about the first that is said.
    fn remedy(&self) -> String {
        let found = self.found();
        found[0].remedy.clone().expect("a remedy")
    }

    /// `severity: message` of all that is said.
    fn said(&self) -> Vec<String> {
        let found = self.found();
        found
            .iter()
            .map(|finding| format!("{:?}: {}", finding.severity, finding.message))
            .collect()
    }

    fn found(&self) -> Vec<Finding> {
        let mut plan = crate::testing::Draft::new().plan();
        plan.steps.clone_from(&self.steps);
        plan.drift.clone_from(&self.drift);
        plan.selection = self.selection.clone();
        let mut snapshot = Snapshot::empty("lineage".into(), "sandbox".into(), "sim".into());
        snapshot.resources.clone_from(&self.recorded);
        snapshot.sort();
        look(&Bare::new().checked(&plan, &snapshot, self.managers.as_ref()))
    }

    #[track_caller]
    fn says(&self, expected: &[&str]) {
        let said = self.said();
        assert_eq!(said.len(), expected.len(), "{said:#?}");
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.contains(expected), "{said:#?}\nexpected: {expected}");
        }
    }
}

const THREE_TO_TWO: &str = "Warning: managers 3 → 2: failures tolerated 1 before, and none after";

#[test]
fn without_a_swarm_before_and_after_there_is_no_quorum() {
    let leaves = || Scene::new().does(Does::Leave(0));
    leaves().says(&[THREE_TO_TWO]);
    let mut none = leaves();
    none.recorded.remove(0);
    none.says(&[]);
    let swarm = |operation| step("swarm.sandbox", operation, Some(json!({})), Some(json!({})));
    leaves().step(swarm(Operation::Delete)).says(&[]);
    leaves().step(swarm(Operation::Create)).says(&[]);
    leaves().step(swarm(Operation::Update)).says(&[THREE_TO_TWO]);
    let mut nobody = leaves();
    nobody.recorded.truncate(1);
    nobody.says(&[]);
}

#[test]
fn where_nobody_looked_those_that_are_recorded_vote_and_live() {
    // A look that found nobody is none.
    Scene::new()
        .does(Does::Leave(0))
        .sees(Managers::default())
        .says(&[THREE_TO_TWO]);
    // What only waits to be deleted has no vote.
    let mut deposed = Scene::new().does(Does::Join(3));
    deposed.recorded[3].deposed = true;
    deposed.says(&["Note: managers 2 → 3: failures tolerated 0 before, never below 0 on the way, 1 after"]);
}

#[test]
fn where_nobody_looked_those_whose_machine_was_found_gone_or_stopped_are_dead() {
    let with = |drift: Drift| Scene::new().does(Does::Leave(0)).drifts(drift);
    for dead in [
        drift("instance.m-1", true, ""),
        drift("docker.m-1", true, ""),
        drift("instance.m-1", false, "running"),
        drift("docker.m-1", false, "running"),
    ] {
        with(dead).says(&[
            "Error: managers 3 → 2: the swarm would lose its quorum: this step takes it out of the \
             swarm, with m-1 dead, which leaves 1 of 2 managers alive where 2 are needed",
        ]);
    }
    for alive in [
        drift("instance.m-1", false, "instance_type"),
        drift("docker.m-1", false, "version"),
        drift("member.m-1", true, ""),
        drift("member.m-1", false, "running"),
        drift("instance.w-0", true, ""),
    ] {
        with(alive).says(&[THREE_TO_TWO]);
    }
    // Two of three: lost, and known to be.
    let lost = Scene::new()
        .drifts(drift("instance.m-1", true, ""))
        .drifts(drift("instance.m-2", true, ""));
    lost.says(&["Error: the swarm has lost its quorum: 1 of 3 managers are alive and 2 are needed: m-1 (gone), m-2 (gone)"]);
    // One of two of a plan without a step: said all the same.
    let mut two = Scene::new().drifts(drift("instance.m-1", true, ""));
    two.recorded.remove(3);
    two.says(&[
        "Error: the swarm has lost its quorum: 1 of 2 managers are alive and 2 are needed: m-1 (gone)",
    ]);
}

#[test]
fn a_lost_quorum_is_only_refused_where_starting_machines_does_not_bring_it_back() {
    let lost = || {
        found(
            &[
                ("m-0", Standing::Alive),
                ("m-1", Standing::Stopped),
                ("m-2", Standing::Hung),
                ("m-3", Standing::Gone),
                ("m-4", Standing::Alive),
            ],
            false,
        )
    };
    let said = "the swarm has lost its quorum: 2 of 5 managers are alive and 3 are needed: m-1 (stopped), m-2 (does \
                not answer), m-3 (gone)";
    let refused = format!("Error: {said}");
    let warned = format!("Warning: {said}");
    Scene::new().sees(lost()).says(&[&refused]);
    Scene::new().sees(lost()).does(Does::Start(0)).says(&[&refused]);
    Scene::new().sees(lost()).does(Does::Start(1)).says(&[&warned]);
    // With what is done then: nobody is left to spare.
    let restarts = Scene::new()
        .sees(lost())
        .does(Does::Start(1))
        .does(Does::Restart(0));
    restarts.says(&[
        &warned,
        "Error: managers 5: the swarm would lose its quorum: this step restarts it, with m-2, m-3 dead",
    ]);
}

#[test]
fn a_lost_quorum_is_refused_with_what_brings_it_back() {
    let of = |standings: &[Standing], part: bool| {
        let names = ["m-0", "m-1", "m-2"];
        let voters: Vec<(&str, Standing)> = names.into_iter().zip(standings.iter().copied()).collect();
        let mut scene = Scene::new().sees(found(&voters, false));
        if part {
            scene.selection.target = vec!["service.web".into()];
        }
        scene.remedy()
    };
    use Standing::{Alive, Gone, Hung, Starting, Stopped};
    for (standings, part, expected) in [
        (
            [Alive, Stopped, Hung],
            false,
            "first apply the manifest without this change, which starts m-1, m-2 again",
        ),
        ([Alive, Stopped, Starting], false, "plan again in a minute"),
        (
            [Gone, Stopped, Starting],
            false,
            "first apply the manifest without this change, which starts m-1 again",
        ),
        (
            [Gone, Stopped, Hung],
            true,
            "first apply the manifest as a whole, which starts m-1, m-2 again",
        ),
        (
            [Gone, Gone, Stopped],
            false,
            "destroy the cluster and apply again",
        ),
        ([Gone, Gone, Alive], true, "destroy the cluster and apply again"),
        ([Gone, Gone, Gone], true, "it makes another swarm"),
    ] {
        let said = of(&standings, part);
        assert!(said.contains(expected), "{standings:?}: {said}");
    }
}

#[test]
fn where_no_manager_answers_only_what_may_open_the_way_goes_on() {
    let unseen = || {
        Scene::new().sees(found(
            &[("m-0", Standing::Unknown), ("m-1", Standing::Alive)],
            false,
        ))
    };
    let refused: &[&str] = &[
        "Error: it cannot be told whether the swarm has a quorum: no manager answers about it: \
                              m-0 (unknown), m-1 (alive)",
    ];
    let service = || step("service.web", Operation::Update, Some(json!({})), Some(json!({})));
    let letting_in = |rules: Value| {
        let group = json!({"description": "", "name": "g", "rules": rules, "tags": {}, "vpc_id": "v"});
        Some(group)
    };
    let logins = json!([{
        "description": "", "ports": {"from": 22, "to": 22},
        "protocol": "tcp", "source": {"cidr": "198.51.100.7/32"},
    }]);
    let group = || {
        step(
            "security_group.g",
            Operation::Update,
            letting_in(json!([])),
            letting_in(logins.clone()),
        )
    };
    let forgets = || step("security_group.g", Operation::Forget, Some(json!({})), None);
    unseen().says(refused);
    unseen().step(service()).says(refused);
    unseen().step(service()).step(forgets()).says(refused);
    unseen().step(group()).says(&[]);
    unseen().step(service()).step(group()).says(&[]);
    unseen().step(forgets()).says(&[]);
    // A part of a plan, or an end, may have nothing to do without having seen anybody.
    for selection in [
        Selection {
            target: vec!["a.b".into()],
            ..Selection::default()
        },
        Selection {
            exclude: vec!["a.b".into()],
            ..Selection::default()
        },
        Selection {
            destroy: true,
            ..Selection::default()
        },
    ] {
        let mut scene = unseen();
        scene.selection = selection.clone();
        scene.says(&[]);
        scene.steps.push(service());
        scene.says(if selection.destroy { &[] } else { refused });
    }
    let mut seen = unseen().step(service());
    seen.managers = Some(found(
        &[("m-0", Standing::Unknown), ("m-1", Standing::Alive)],
        true,
    ));
    seen.says(&[]);
    Scene {
        steps: vec![],
        ..seen
    }
    .says(&[]);
}

#[test]
fn a_node_that_leaves_is_known_by_its_id_where_two_have_one_name() {
    // The new object of m-0 has joined, the old one is still listed, under a name with its id.
    let scene = || {
        let mut scene = Scene::new();
        scene.recorded.push(recorded("m-0", "manager", 1));
        scene.recorded[1].deposed = true;
        let mut managers = found(
            &[
                ("m-0", Standing::Alive),
                ("m-0 (node-m-0-0)", Standing::Gone),
                ("m-1", Standing::Alive),
                ("m-2", Standing::Alive),
            ],
            true,
        );
        let node = |name: &str, id: &str| (name.to_owned(), id.to_owned());
        managers.nodes = BTreeMap::from([
            node("m-0", "node-m-0-1"),
            node("m-0 (node-m-0-0)", "node-m-0-0"),
            node("m-1", "node-m-1-0"),
            node("m-2", "node-m-2-0"),
        ]);
        scene.sees(managers)
    };
    let leave = |operation, generation| {
        let mut leave = step("member.m-0", operation, Some(member("manager")), None);
        leave.generation = generation;
        if let Some(record) = &mut leave.before {
            record.outputs = Some(json_of(&json!({"node_id": format!("node-m-0-{generation}")})));
        }
        leave
    };
    for operation in [Operation::Delete, Operation::Forget] {
        // The dead one goes: one more may fail.
        scene()
            .step(leave(operation.clone(), 0))
            .says(&["Note: managers 4 → 3: failures tolerated 0 before, never below 0 on the way, 1 after"]);
        // The living one goes, of four with a dead one: the majority goes with it not.
        scene()
            .step(leave(operation, 1))
            .says(&["Note: managers 4 → 3: failures tolerated 0 before, never below 0 on the way, 0 after"]);
    }
    // An engine that has the node's id among what it answers is no member.
    let mut other = leave(Operation::Delete, 0);
    other.address = address("docker.m-0");
    scene().step(other).says(&[]);
}

#[test]
fn what_is_adopted_votes_once_and_what_is_no_manager_does_not() {
    let adopt = |name: &str, role: &str| {
        step(
            &format!("member.{name}"),
            Operation::Adopt,
            None,
            Some(member(role)),
        )
    };
    Scene::new().step(adopt("m-0", "manager")).says(&[]);
    Scene::new()
        .step(adopt("m-3", "manager"))
        .says(&["Note: managers 3 → 4: failures tolerated 1 before, never below 1 on the way, 1 after"]);
    Scene::new().step(adopt("w-1", "worker")).says(&[]);
    let member_step = |operation, before: Option<&str>, after: Option<&str>| {
        step("member.m-0", operation, before.map(member), after.map(member))
    };
    // What stays what it is, changes nothing.
    Scene::new()
        .step(member_step(Operation::Update, Some("manager"), Some("manager")))
        .says(&[]);
    Scene::new()
        .step(member_step(Operation::Update, Some("worker"), Some("worker")))
        .says(&[]);
    Scene::new()
        .step(member_step(Operation::Delete, Some("worker"), None))
        .says(&[]);
    Scene::new()
        .step(member_step(Operation::Create, None, Some("worker")))
        .says(&[]);
}

#[test]
fn only_an_update_that_interrupts_restarts_a_machine_and_only_that_of_a_voter_counts() {
    let update = |name: &str, before: &str, after: &str| {
        step(
            &format!("docker.{name}"),
            Operation::Update,
            Some(docker(before)),
            Some(docker(after)),
        )
    };
    Scene::new()
        .step(update("m-0", "1", "2"))
        .says(&["Warning: managers 3: failures tolerated go from 1 to 0 on the way, and are 1 in the end"]);
    Scene::new().step(update("m-0", "1", "1")).says(&[]);
    Scene::new().step(update("w-0", "1", "2")).says(&[]);
    let created = step("docker.m-0", Operation::Create, None, Some(docker("2")));
    Scene::new().step(created).says(&[]);
}
