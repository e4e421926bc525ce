//! Services that are away for a while, and why.

use std::collections::BTreeMap;

use super::built_in::BuiltIn;
use super::nodes::names_fitting;
use super::{About, Category, Checked, Finding, Severity};
use crate::plan::{OldFirst, Operation, Plan, Reason, Replacement, Step};
use crate::world::Mode;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "outage",
        category: Category::Availability,
        documentation: "A plan says which services stop on the way, and for how long.",
    },
    look,
};

/// Services that go before their successor comes, and services whose only node restarts.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let mut found = replaced(checked.plan);
    found.extend(restarted(checked));
    found
}

/// Services that are replaced old first, by the cause that they have in common.
fn replaced(plan: &Plan) -> Vec<Finding> {
    let mut by_cause: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let gone_first = plan.steps.iter().filter(|step| {
        step.address.kind() == "service"
            && step.operation == Operation::Create
            && step.replacement == Some(Replacement::OldFirst)
    });
    for step in gone_first {
        by_cause
            .entry(cause(plan, step))
            .or_default()
            .push(step.address.name());
    }
    by_cause
        .into_iter()
        .map(|(cause, services)| {
            let (are, their) = match services.len() {
                1 => ("is", "its"),
                _ => ("are", "their"),
            };
            Finding::new(
                Severity::Warning,
                &CHECK.about,
                format!(
                    "{} {are} down from the removal of {their} old tasks until the new ones run: {cause}",
                    services.join(", ")
                ),
            )
            .with_remedy(
                "apply it when that does no harm; to avoid it, add the new one under another name, move to it, and remove \
                 the old one in a later apply",
            )
        })
        .collect()
}

/// Why a service is replaced, down to what began it.
fn cause(plan: &Plan, step: &Step) -> String {
    let mut reason = step.reason.as_ref();
    while let Some(Reason::TakenAlong { why: Some(why), .. }) = reason {
        reason = Some(why);
    }
    let network = match reason {
        Some(Reason::ReplacedWith(address) | Reason::UsesOld(address)) => Some(address),
        Some(Reason::OldFirst(OldFirst::Uses(address))) => Some(address),
        _ => None,
    };
    let Some(address) = network else {
        return match reason {
            Some(Reason::Forced { field, why }) => format!("{field} changes, and {why}"),
            Some(Reason::Requested) => "--replace asks for it".to_owned(),
            Some(reason) => reason.to_string(),
            None => "it is replaced".to_owned(),
        };
    };
    let mut halves = plan.steps.iter();
    let root = halves.find(|step| step.address == *address && step.operation == Operation::Create);
    let fields: Vec<&str> = root
        .into_iter()
        .flat_map(|step| &step.changes)
        .map(|change| change.path.as_str())
        .collect();
    match &fields[..] {
        [] => format!("{address} is replaced"),
        fields => format!(
            "{address} is replaced, because its {} changes",
            fields.join(" and ")
        ),
    }
}

/// Services of which every task runs on one machine that is restarted in place.
fn restarted(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    let stops = |node: &str| {
        checked.plan.steps.iter().any(|step| {
            step.operation == Operation::Update
                && matches!(step.address.kind(), "instance" | "docker")
                && step.address.name() == node
                && step
                    .changes
                    .iter()
                    .any(|change| change.cost.is_some() && change.path != "running")
        })
    };
    let recorded = |name: &str| {
        let address = subako_state::Address::new("service", name);
        checked.snapshot.get(&address).is_some()
    };
    let mut by_node: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for service in &manifest.services {
        let spec = &service.spec;
        if spec.mode == Mode::Replicated(0) || !recorded(&spec.name) {
            continue;
        }
        if let [node] = &names_fitting(manifest, &spec.constraints, 2)[..]
            && stops(node)
        {
            by_node.entry(node.clone()).or_default().push(&spec.name);
        }
    }
    by_node
        .into_iter()
        .map(|(node, services)| {
            let (are, can) = match services.len() {
                1 => ("is", "it can"),
                _ => ("are", "they can"),
            };
            Finding::new(
                Severity::Warning,
                &CHECK.about,
                format!(
                    "{} {are} down while {node} restarts: {can} run nowhere else",
                    services.join(", ")
                ),
            )
            .with_remedy("add a node that can take them first, or apply it when an outage does no harm")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest};

    fn changed(before: &str, after: &str) -> Vec<String> {
        let mut case = Case::of(after);
        case.snapshot = Case::of(before).applied();
        let found = case.findings("outage");
        assert!(found.iter().all(|finding| finding.remedy.is_some()), "{found:#?}");
        found.into_iter().map(|finding| finding.message).collect()
    }

    const SERVICES: &str = "[[network]]\nname = \"back\"\nencrypted = false\n\
        [[service]]\nname = \"api\"\nimage = \"nginx\"\nnetworks = [\"back\"]\n\
        [[service]]\nname = \"db\"\nimage = \"nginx\"\nnetworks = [\"back\"]\n\
        constraints = [\"node.labels.subako.name == node-0\"]\n\
        [[service]]\nname = \"web\"\nimage = \"nginx\"\n";

    #[test]
    fn encrypting_a_network_says_who_is_down_and_why() {
        let before = manifest(SERVICES);
        assert_eq!(
            changed(&before, &before.replace("encrypted = false", "encrypted = true")),
            [
                "api, db are down from the removal of their old tasks until the new ones run: network.back is replaced, \
              because its encrypted changes"
            ]
        );
    }

    #[test]
    fn another_mode_of_a_service_says_so() {
        let before = manifest(SERVICES);
        let after = before.replace("name = \"web\"\n", "name = \"web\"\nmode = \"global\"\n");
        assert_eq!(
            changed(&before, &after),
            [
                "web is down from the removal of its old tasks until the new ones run: mode changes, and Swarm cannot change \
              the mode of a service"
            ]
        );
    }

    #[test]
    fn the_restart_of_the_only_node_that_a_service_can_run_on_is_said() {
        let before = manifest(SERVICES);
        let bigger = before.replace(
            "role = \"worker\"\ncount = 2\ninstance_type = \"t3.micro\"",
            "role = \"worker\"\ncount = 2\ninstance_type = \"t3.small\"",
        );
        assert_eq!(
            changed(&before, &bigger),
            ["db is down while node-0 restarts: it can run nowhere else"]
        );
    }

    #[test]
    fn what_nobody_notices_needs_no_word() {
        let before = manifest(SERVICES);
        for after in [
            before.clone(),
            before.replace("image = \"nginx\"", "image = \"nginx:2\""),
            before
                .replace("name = \"back\"", "name = \"front\"")
                .replace("\"back\"", "\"front\""),
            before.replace("role = \"manager\"\ncount = 1", "role = \"manager\"\ncount = 3"),
        ] {
            assert_eq!(changed(&before, &after), Vec::<String>::new(), "{after}");
        }
    }

    #[test]
    fn the_cause_is_what_began_the_replacement() {
        use super::{OldFirst, Operation, Reason, Step, cause};
        use crate::plan::Change;
        use crate::testing::{Draft, address};
        let step = |name: &str, operation| Step::new(address(name), 0, operation, None, None);
        let because = |steps: Vec<Step>, reason: Option<Reason>| {
            let mut plan = Draft::new().plan();
            plan.steps = steps;
            let mut web = step("service.web", Operation::Create);
            web.reason = reason;
            cause(&plan, &web)
        };
        let plainly = |reason| because(Vec::new(), reason);
        let taken_along = |why: Reason| Reason::TakenAlong {
            with: address("network.back"),
            why: Some(Box::new(why)),
        };
        let forced = Reason::Forced {
            field: "mode".into(),
            why: "it cannot be changed".into(),
        };
        assert_eq!(plainly(None), "it is replaced");
        assert_eq!(plainly(Some(Reason::Requested)), "--replace asks for it");
        assert_eq!(
            plainly(Some(forced.clone())),
            "mode changes, and it cannot be changed"
        );
        assert_eq!(plainly(Some(Reason::Gone)), Reason::Gone.to_string());
        assert_eq!(
            plainly(Some(taken_along(taken_along(forced)))),
            "mode changes, and it cannot be changed"
        );
        let alone = Reason::TakenAlong {
            with: address("network.back"),
            why: None,
        };
        assert_eq!(plainly(Some(alone.clone())), alone.to_string());
        // Down to what it uses: the new half says which fields.
        let field = |path: &str| Change {
            path: path.into(),
            before: crate::value::Value::Known(serde_json::json!(1)),
            after: crate::value::Value::Known(serde_json::json!(2)),
            forces_replacement: None,
            cost: None,
        };
        let back = address("network.back");
        for reason in [
            Reason::ReplacedWith(back.clone()),
            Reason::UsesOld(back.clone()),
            Reason::OldFirst(OldFirst::Uses(back.clone())),
            taken_along(Reason::UsesOld(back)),
        ] {
            let with = |fields: &[&str]| {
                let mut old = step("network.back", Operation::Delete);
                old.changes = vec![field("old")];
                let mut other = step("network.other", Operation::Create);
                other.changes = vec![field("other")];
                let mut new = step("network.back", Operation::Create);
                new.changes = fields.iter().map(|path| field(path)).collect();
                because(vec![old, other, new], Some(reason.clone()))
            };
            assert_eq!(with(&[]), "network.back is replaced");
            assert_eq!(
                with(&["encrypted"]),
                "network.back is replaced, because its encrypted changes"
            );
            assert_eq!(
                with(&["a", "b"]),
                "network.back is replaced, because its a and b changes"
            );
            assert_eq!(plainly(Some(reason)), "network.back is replaced");
        }
    }

    #[test]
    fn a_service_that_has_nothing_to_lose_is_not_down() {
        let bigger = |text: &str| {
            text.replace(
                "count = 2\ninstance_type = \"t3.micro\"",
                "count = 2\ninstance_type = \"t3.small\"",
            )
        };
        let before = manifest(SERVICES);
        let none = before.replace("name = \"db\"\n", "name = \"db\"\nreplicas = 0\n");
        assert_eq!(changed(&none, &bigger(&none)), [""; 0], "it has no tasks");
        let unknown = before.replace("name = \"db\"\n", "name = \"cache\"\n");
        assert_eq!(
            changed(&unknown, &bigger(&before)),
            [""; 0],
            "it is yet to be made"
        );
        let two = before.replace("subako.name == node-0", "subako.name != node-0");
        assert_eq!(changed(&two, &bigger(&two)), [""; 0], "it can run on two nodes");
        let other = before.replace("subako.name == node-0", "subako.name == manager-0");
        assert_eq!(
            changed(&other, &bigger(&other)),
            [""; 0],
            "its node does not restart"
        );
        let several = before.replace(
            "name = \"web\"\n",
            "name = \"web\"\nconstraints = [\"node.labels.subako.name == node-0\"]\n",
        );
        assert_eq!(
            changed(&several, &bigger(&several)),
            ["db, web are down while node-0 restarts: they can run nowhere else"]
        );
    }
}
