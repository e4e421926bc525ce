//! Who votes, and who of them lives, by what was seen of each.

use serde_json::json;
use subako_state::Resource;

use super::*;
use crate::kinds::testing::{instance, node, ownership, view};
use crate::testing::{json_of, resource};
use crate::world::NodeState;

fn cloud(machines: &[(&str, InstanceState)]) -> CloudSurvey {
    let machines = machines.iter().map(|(name, state)| crate::world::Instance {
        state: *state,
        ..instance(
            &format!("i-{name}"),
            ownership(&format!("instance.{name}"), 0).tags(),
        )
    });
    CloudSurvey {
        instances: machines.collect(),
        ..CloudSurvey::default()
    }
}

fn member(name: &str, role: &str) -> Resource {
    Resource {
        outputs: json_of(&json!({"node_id": format!("node-of-{name}")})),
        ..resource(&format!("member.{name}"), &json!({"role": role}))
    }
}

fn recorded(members: Vec<Resource>) -> Snapshot {
    let mut snapshot = Snapshot::empty("l".into(), "sandbox".into(), "sim".into());
    snapshot.resources = members;
    snapshot
}

/// A node as the swarm lists it.
fn listed_as(name: &str, state: NodeState, reachability: Option<Reachability>) -> Node {
    Node {
        state,
        reachability,
        ..node(&format!("node-of-{name}"), &format!("member.{name}"))
    }
}

fn standings(managers: &Managers) -> Vec<(&str, Standing)> {
    managers
        .voters
        .iter()
        .map(|(name, standing)| (name.as_str(), *standing))
        .collect()
}

#[test]
fn a_listed_manager_is_lost_where_the_swarm_does_not_see_it_and_its_machine_says_how() {
    use NodeState as N;
    use Reachability as R;
    let table = [
        (N::Ready, R::Reachable, false, true),
        (N::Ready, R::Unreachable, false, true),
        (N::Ready, R::Reachable, true, true),
        (N::Disconnected, R::Reachable, false, true),
        (N::Down, R::Reachable, false, false),
        (N::Down, R::Unreachable, false, false),
        (N::Unknown, R::Unreachable, false, false),
        // Right after an election: only who does not answer either counts as lost.
        (N::Unknown, R::Reachable, false, true),
        (N::Unknown, R::Reachable, true, false),
        (N::Unknown, R::Unknown, false, true),
        (N::Unknown, R::Unknown, true, false),
    ];
    let lost = [
        (InstanceState::Running, Standing::Hung),
        (InstanceState::Pending, Standing::Starting),
        (InstanceState::Stopped, Standing::Stopped),
        (InstanceState::Stopping, Standing::Stopped),
        (InstanceState::Terminated, Standing::Gone),
        (InstanceState::ShuttingDown, Standing::Gone),
    ];
    for (state, reachability, silent, lives) in table {
        for (machine, how) in lost {
            let mut view = view();
            view.nodes = vec![
                listed_as("m-0", state, Some(reachability)),
                listed_as("w-0", N::Down, None),
            ];
            if silent {
                view.silent.insert("m-0".into());
            }
            let found = listed(
                &view,
                &recorded(vec![member("m-0", "manager")]),
                &cloud(&[("m-0", machine)]),
            );
            let wanted = if lives { Standing::Alive } else { how };
            assert_eq!(
                standings(&found),
                [("m-0", wanted)],
                "{state:?} {reachability:?} {silent} {machine:?}"
            );
            assert!(found.answered);
        }
    }
}

#[test]
fn a_listed_manager_has_the_name_that_it_is_recorded_under() {
    let mut view = view();
    let stranger = Node {
        labels: Default::default(),
        ..listed_as("x", NodeState::Down, Some(Reachability::Unreachable))
    };
    let renamed = Node {
        id: "node-of-new".into(),
        ..listed_as("old", NodeState::Down, Some(Reachability::Unreachable))
    };
    view.nodes = vec![renamed, stranger];
    let snapshot = recorded(vec![
        member("new", "manager"),
        resource("instance.node-of-x", &json!({})),
    ]);
    let found = listed(&view, &snapshot, &cloud(&[("new", InstanceState::Stopped)]));
    assert_eq!(
        standings(&found),
        [("ip-node-of-x", Standing::Gone), ("new", Standing::Stopped)]
    );
}

#[test]
fn without_the_swarm_the_recorded_managers_stand_as_their_machines_answered() {
    use Answer as A;
    use Standing as S;
    let snapshot = recorded(vec![
        member("m-0", "manager"),
        member("w-0", "worker"),
        Resource {
            deposed: true,
            ..member("old", "manager")
        },
    ]);
    let answers = [
        (Some(A::InSwarm), S::Alive, S::Alive),
        (Some(A::Outside), S::Gone, S::Gone),
        (Some(A::Refused), S::Unknown, S::Unknown),
        // Alone it is not told from a way that is cut.
        (Some(A::Silent), S::Hung, S::Unknown),
        (None, S::Stopped, S::Stopped),
    ];
    for (answer, with_others, alone) in answers {
        let answers: BTreeMap<String, Answer> = answer
            .into_iter()
            .map(|answer| ("m-0".to_owned(), answer))
            .collect();
        for (somebody, wanted) in [(true, with_others), (false, alone)] {
            let cloud = cloud(&[("m-0", InstanceState::Stopped)]);
            let found = asked(&snapshot, &cloud, &answers, somebody);
            assert_eq!(standings(&found), [("m-0", wanted)], "{answer:?} {somebody}");
            assert!(!found.answered);
        }
    }
}

#[test]
fn of_several_answers_the_best_counts() {
    assert!(Answer::InSwarm < Answer::Refused);
    assert!(Answer::Refused < Answer::Silent);
    assert!(Answer::Silent < Answer::Outside);
}
