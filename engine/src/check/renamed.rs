//! Pools and services that look as if they had been given another name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use subako_state::{Address, Json};

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::plan::{Action, Step};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "renamed",
        category: Category::Availability,
        documentation: "A name in the manifest is an identity: another one is another machine or service, unless a [[moved]] block says that it is the same.",
    },
    look,
};

/// What of a machine's spec follows from its name, or from where there was room for it: no two
/// machines of one pool need be alike in these.
const OWN: [&str; 8] = [
    "image_id",
    "key_name",
    "name",
    "private_ip",
    "security_group",
    "subnet_id",
    "tags",
    "zone",
];

/// What leaves and what comes, alike but for the name.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    if checked.plan.selection.destroy {
        return Vec::new();
    }
    let mut findings = pools(checked);
    findings.extend(services(checked));
    findings
}

/// A spec without the fields that may differ between two names of the same thing.
fn bare(spec: &Json, own: &[&str]) -> Value {
    let mut value = spec.value();
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|field, _| !own.contains(&field.as_str()));
    }
    value
}

/// A pool by what its instances are and do in the swarm: their number, which has to start at
/// zero, and the specs that all of them share.
#[derive(Debug, Default)]
struct Machines {
    indices: BTreeSet<u32>,
    specs: BTreeSet<String>,
}

/// The pools of some steps on instances and members.
fn grouped<'a>(
    steps: impl Iterator<Item = &'a Step>,
    spec: impl Fn(&'a Step) -> Option<&'a Json>,
) -> BTreeMap<&'a str, Machines> {
    let mut pools: BTreeMap<&str, Machines> = BTreeMap::new();
    for step in steps {
        let own: &[&str] = match step.address.kind() {
            "instance" => &OWN,
            "member" => &["instance"],
            _ => continue,
        };
        let parts = step.address.name().rsplit_once('-');
        let Some((pool, index)) = parts.and_then(|(pool, index)| Some((pool, index.parse().ok()?))) else {
            continue;
        };
        let Some(spec) = spec(step) else { continue };
        let machines = pools.entry(pool).or_default();
        if step.address.kind() == "instance" {
            machines.indices.insert(index);
        }
        machines
            .specs
            .insert(format!("{} {}", step.address.kind(), bare(spec, own)));
    }
    pools.retain(|_, machines| !machines.indices.is_empty());
    pools
}

fn pools(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    let wanted: BTreeSet<&str> = manifest.pools.iter().map(|pool| pool.name.as_str()).collect();
    let steps = || checked.plan.steps.iter().filter(|step| !step.replaces());
    let going = grouped(
        steps().filter(|step| matches!(step.action(), Action::Delete | Action::Forget)),
        |step| step.before.as_ref().map(|record| &record.spec),
    );
    let mut former: Vec<(&str, &Machines)> = going
        .iter()
        .filter(|(name, _)| !wanted.contains(**name))
        .map(|(name, machines)| (*name, machines))
        .collect();
    // Most plans remove no pool, and need not be read further.
    if former.is_empty() {
        return Vec::new();
    }
    let coming = grouped(
        steps().filter(|step| step.action() == Action::Create),
        Step::spec_after,
    );
    let mut findings = Vec::new();
    for (new, machines) in &coming {
        let alike =
            |(_, old): &(&str, &Machines)| old.indices == machines.indices && old.specs == machines.specs;
        let Some(place) = former.iter().position(alike) else {
            continue;
        };
        let (old, _) = former.remove(place);
        findings.push(
            Finding::new(
                Severity::Note,
                &CHECK.about,
                format!("pool `{new}` looks like the former `{old}`, whose machines this plan replaces"),
            )
            .with_remedy("to keep the machines, add this to the manifest")
            .with_paste(block("pool", old, new))
            .at("pool", new, "name"),
        );
    }
    findings
}

/// What keeps what was renamed.
fn block(kind: &str, old: &str, new: &str) -> [String; 3] {
    [
        "[[moved]]".to_owned(),
        format!("from = \"{kind}.{old}\""),
        format!("to = \"{kind}.{new}\""),
    ]
}

fn services(checked: &Checked<'_>) -> Vec<Finding> {
    let of = |action: Action| {
        let steps = checked.plan.steps.iter();
        steps.filter(move |step| {
            step.action() == action && step.address.kind() == "service" && !step.replaces()
        })
    };
    let mut former: Vec<(&Address, Value)> = of(Action::Delete)
        .filter_map(|step| Some((&step.address, bare(&step.before.as_ref()?.spec, &["name"]))))
        .collect();
    if former.is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for step in of(Action::Create) {
        let Some(spec) = step.spec_after().map(|spec| bare(spec, &["name"])) else {
            continue;
        };
        let Some(place) = former.iter().position(|(_, old)| *old == spec) else {
            continue;
        };
        let (old, _) = former.remove(place);
        let (new, old) = (step.address.name(), old.name());
        findings.push(
            Finding::new(
                Severity::Note,
                &CHECK.about,
                format!(
                    "service `{new}` looks like the former `{old}`: Swarm cannot rename a service, so this plan deletes that one and creates this"
                ),
            )
            .about(step.address.clone())
            .with_remedy(format!(
                "to keep its tasks, call it `{old}` in the manifest; another name that clients find it by is an alias of its network"
            )),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use crate::check::Finding;
    use crate::check::testing::{Case, manifest, only};
    use crate::lower::testing::applied;
    use crate::lower::{lower, needs};

    const SERVICE: &str = "[[service]]\nname = \"web\"\nimage = \"nginx\"\n";

    /// What is said of a manifest after another has been applied.
    fn found(after: &str) -> Vec<Finding> {
        let before = Case::of(&manifest(SERVICE));
        let desired = lower(&before.manifest, &before.snapshot, &[], &before.answer).expect("lowered");
        let mut case = Case::of(after);
        case.snapshot = applied(&desired);
        let lookup = needs(&case.manifest, &case.snapshot, &[]);
        case.answer.used = crate::lower::testing::answer(&lookup).used;
        case.findings("renamed")
    }

    #[test]
    fn a_renamed_pool_is_recognised_with_the_way_to_keep_it() {
        let text = manifest(SERVICE);
        assert_eq!(found(&text), []);
        let said = found(&text.replace("\"node\"", "\"worker\""));
        assert_eq!(
            only(&said),
            "Note 15 pool worker name: pool `worker` looks like the former `node`, whose machines this plan replaces"
        );
        assert_eq!(
            said[0].remedy.as_deref(),
            Some("to keep the machines, add this to the manifest")
        );
        let block = ["[[moved]]", "from = \"pool.node\"", "to = \"pool.worker\""];
        assert_eq!(said[0].paste, block);
    }

    #[test]
    fn another_pool_is_no_renamed_one() {
        let text = manifest(SERVICE).replace("\"node\"", "\"worker\"");
        assert_eq!(found(&text.replace("count = 2", "count = 3")), []);
        assert_eq!(
            found(&text.replace(
                "role = \"worker\"",
                "role = \"manager\"\navailability = \"drain\""
            )),
            []
        );
        let both = format!(
            "{}\n[[pool]]\nname = \"more\"\nrole = \"worker\"\ncount = 2\ninstance_type = \"t3.micro\"\n",
            manifest(SERVICE)
        );
        assert_eq!(found(&both), [], "the first is still there");
    }

    #[test]
    fn a_renamed_service_is_recognised() {
        let text = manifest(SERVICE);
        assert_eq!(
            only(&found(&text.replace("\"web\"", "\"site\""))),
            "Note 19 service site: service `site` looks like the former `web`: Swarm cannot rename a service, so this plan deletes that one and creates this"
        );
        let another = text.replace("\"web\"", "\"site\"").replace("nginx", "redis");
        assert_eq!(found(&another), []);
    }

    #[test]
    fn a_pool_is_recognised_by_all_of_its_machines_and_once() {
        let text = manifest(SERVICE);
        let renamed = text.replace("\"node\"", "\"worker\"");
        // Other labels, another type, another role: not the same machines.
        for other in [
            renamed.replace(
                "count = 2\ninstance_type = \"t3.micro\"",
                "count = 2\ninstance_type = \"t3.small\"",
            ),
            renamed.replace("count = 2", "count = 2\nlabels = { disk = \"ssd\" }"),
            renamed.replace("count = 2", "count = 1"),
        ] {
            assert_eq!(found(&other), [], "{other}");
        }
        // Of two that look like it the first by name is it, and the other one is new.
        let two = format!(
            "{renamed}\n[[pool]]\nname = \"more\"\nrole = \"worker\"\ncount = 2\ninstance_type = \"t3.micro\"\n"
        );
        assert!(only(&found(&two)).contains("pool `more` looks like the former `node`"));
        // A pool that only shrinks is still there.
        let fewer = format!(
            "{}\n[[pool]]\nname = \"more\"\nrole = \"worker\"\ncount = 1\ninstance_type = \"t3.micro\"\n",
            text.replace("count = 2", "count = 1")
        );
        assert_eq!(found(&fewer), []);
    }

    #[test]
    fn a_destroy_renames_nothing() {
        let before = Case::of(&manifest(SERVICE));
        let mut case = Case::of(&manifest(SERVICE).replace("\"web\"", "\"site\""));
        case.snapshot = before.applied();
        case.selection.destroy = true;
        assert_eq!(case.findings("renamed"), []);
    }

    #[test]
    fn a_service_that_is_replaced_under_its_name_is_not_renamed() {
        let text = manifest(SERVICE);
        let global = text.replace("image = \"nginx\"", "image = \"nginx\"\nmode = \"global\"");
        assert_eq!(found(&global), []);
        // Beside one that is replaced another comes, alike but for the name.
        let beside = format!("{global}[[service]]\nname = \"site\"\nimage = \"nginx\"\n");
        assert_eq!(found(&beside), []);
    }
}
