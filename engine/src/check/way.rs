//! Whether a step may open the way to managers that do not answer.

use super::Checked;
use crate::kind::Plane;
use crate::kinds::{SecurityGroup, is_manager};
use crate::machine::MACHINE;
use crate::plan::{Action, Step};
use crate::refresh::{Managers, former};
use crate::world::{Protocol, Rule, SSH_PORT};

/// Whether a step may: it lets in what logs in to hosts, or starts a manager's machine, puts it into
/// another group, or makes an engine or an address for it. A machine that is to be of another type steps
/// aside before it stops, for which a manager is asked.
pub(super) fn may_open(checked: &Checked<'_>, managers: &Managers, step: &Step) -> bool {
    if checked.registry.plane(step.address.kind()) == Some(Plane::Swarm) {
        return false;
    }
    match (step.address.kind(), step.action()) {
        ("key_pair", _) => false,
        ("security_group", Action::Create) => true,
        ("security_group", Action::Update) => lets_in_more(checked, step),
        ("security_group", _) => false,
        // A machine that is made, and what is made on it, is not the one that does not answer.
        (_, Action::Create) => {
            is_managers(checked, managers, step.address.name())
                && !machine_is_made(checked, step)
                // An earlier run made it, and came no further: the node is on the one before it.
                && !former(checked.snapshot).contains(step.address.name())
        }
        (_, Action::Update) => {
            let opens: &[&str] = match checked.registry.is_a(step.address.kind(), MACHINE) {
                true => &["running", "security_group"],
                false => &["running"],
            };
            step.changes
                .iter()
                .any(|change| opens.contains(&change.path.as_str()))
                && is_managers(checked, managers, step.address.name())
        }
        _ => false,
    }
}

/// Whether the machine that a step is about is made by the plan.
fn machine_is_made(checked: &Checked<'_>, step: &Step) -> bool {
    let made = |other: &&Step| {
        other.action() == Action::Create && checked.registry.is_a(other.address.kind(), MACHINE)
    };
    let mut made = checked.plan.steps.iter().filter(made);
    made.any(|other| other.address.name() == step.address.name())
}

fn is_managers(checked: &Checked<'_>, managers: &Managers, name: &str) -> bool {
    let wanted = checked.desired.resources.iter();
    managers.voters.contains_key(name)
        || wanted
            .filter(|wanted| wanted.address.name() == name)
            .any(|wanted| is_manager(&wanted.address, &wanted.spec))
}

/// Whether a group lets in logins from where it did not.
fn lets_in_more(checked: &Checked<'_>, step: &Step) -> bool {
    let rules = |spec: Option<&subako_state::Json>| -> Vec<Rule> {
        let group = spec.and_then(|spec| spec.decode::<SecurityGroup>().ok());
        group.map_or_else(Vec::new, |group| group.rules)
    };
    let port = checked.manifest.map_or(SSH_PORT, |manifest| manifest.ssh.port);
    let (before, after) = (rules(step.spec_before()), rules(step.spec_after()));
    after.iter().any(|rule| {
        let of_logins = rule.protocol == Protocol::All
            || rule.protocol == Protocol::Tcp && (rule.ports.from..=rule.ports.to).contains(&port);
        of_logins && !before.iter().any(|old| old.same_traffic(rule))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};
    use subako_state::{Address, Json, Snapshot};

    use super::*;
    use crate::check::testing::Bare;
    use crate::plan::{Change, Operation, Record};
    use crate::refresh::Standing;
    use crate::testing::{Draft, json_of, resource};

    fn group(sources: &[(u16, &str)]) -> Json {
        let rule = |(port, range): &(u16, &str)| {
            json!({
                "description": "", "ports": {"from": port, "to": port},
                "protocol": "tcp", "source": {"cidr": range},
            })
        };
        let rules: Vec<Value> = sources.iter().map(rule).collect();
        json_of(&json!({"description": "", "name": "g", "rules": rules, "tags": {}, "vpc_id": "v"}))
    }

    fn step(address: &str, operation: Operation, sides: [Option<Json>; 2], changed: &str) -> Step {
        let record = |spec: Json| Record {
            spec,
            outputs: None,
            depends_on: Vec::new(),
            made_with: BTreeMap::new(),
            protect: false,
            deposed: false,
        };
        let address: Address = address.parse().expect("an address");
        let [before, after] = sides.map(|side| side.map(record));
        let mut step = Step::new(address, 0, operation, before, after);
        step.changes = vec![Change {
            path: changed.to_owned(),
            before: crate::value::Value::Known(json!(0)),
            after: crate::value::Value::Known(json!(1)),
            forces_replacement: None,
            cost: None,
        }];
        step
    }

    #[test]
    fn only_what_concerns_managers_or_logins_may_open_the_way() {
        let update = |address: &str, changed: &str| step(address, Operation::Update, [None, None], changed);
        let rules = |before: &[(u16, &str)], after: &[(u16, &str)]| {
            let sides = [Some(group(before)), Some(group(after))];
            step("security_group.g", Operation::Update, sides, "rules")
        };
        let (here, there) = ((22, "198.51.100.7/32"), (22, "203.0.113.9/32"));
        let web = (80, "0.0.0.0/0");
        let table = [
            (update("instance.manager-0", "running"), true),
            (update("instance.manager-0", "instance_type"), false),
            (update("instance.manager-0", "security_group"), true),
            (update("instance.manager-0", "tags.Unit"), false),
            (update("instance.node-0", "running"), false),
            (update("docker.manager-0", "running"), true),
            (update("service.web", "running"), false),
            (rules(&[here], &[here, there]), true),
            (rules(&[here], &[here, web]), false),
            (rules(&[here, web], &[here]), false),
            (step("key_pair.k", Operation::Create, [None, None], "name"), false),
        ];
        let create = |address: &str| step(address, Operation::Create, [None, None], "name");
        let table = table.into_iter().map(|(step, opens)| (vec![step], opens)).chain([
            (vec![create("docker.manager-0")], true),
            (vec![create("elastic_ip.manager-0")], true),
            (vec![create("docker.node-0")], false),
            (vec![create("instance.manager-0")], false),
            (
                vec![create("docker.manager-0"), create("instance.manager-0")],
                false,
            ),
            (
                vec![create("docker.manager-0"), create("instance.manager-1")],
                true,
            ),
        ]);
        let managers = Managers {
            nodes: BTreeMap::new(),
            voters: BTreeMap::from([("manager-0".to_owned(), Standing::Alive)]),
            answered: false,
        };
        let snapshot = Snapshot::empty("l".into(), "sandbox".into(), "sim".into());
        for (steps, opens) in table {
            let mut draft = Draft::new().plan();
            draft.steps = steps;
            let bare = Bare::new();
            let checked = bare.checked(&draft, &snapshot, Some(&managers));
            let step = &draft.steps[0];
            let said = may_open(&checked, &managers, step);
            assert_eq!(said, opens, "{} {:?}", step.address, step.changes);
        }
    }

    #[test]
    fn an_engine_on_a_machine_that_no_node_is_on_opens_no_way() {
        let mut plan = Draft::new().plan();
        plan.steps = vec![step("docker.manager-0", Operation::Create, [None, None], "name")];
        let managers = Managers {
            nodes: BTreeMap::new(),
            voters: BTreeMap::from([("manager-0".to_owned(), Standing::Alive)]),
            answered: false,
        };
        for (joined_on, generation, opens) in [(0, 0, true), (0, 1, false), (1, 1, true)] {
            let mut machine = resource("instance.manager-0", &json!({}));
            machine.generation = generation;
            let on = json!({"$ref": "instance.manager-0", "attr": "instance_id"});
            let mut member = resource("member.manager-0", &json!({"instance": on, "role": "manager"}));
            member.made_with = BTreeMap::from([(machine.address.clone(), joined_on)]);
            let mut snapshot = Snapshot::empty("l".into(), "sandbox".into(), "sim".into());
            snapshot.resources = vec![machine, member];
            let bare = Bare::new();
            let checked = bare.checked(&plan, &snapshot, Some(&managers));
            let said = may_open(&checked, &managers, &plan.steps[0]);
            assert_eq!(said, opens, "joined on {joined_on}, now {generation}");
        }
    }
}
