//! Reservations that no instance type can give.

use subako_state::Address;

use super::built_in::BuiltIn;
use super::nodes::of_pool;
use super::nodes::takes_tasks;
use super::{About, Category, Checked, Finding};
use crate::world::{Mode, Resources, TypeFacts};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "reservations",
        category: Category::Capacity,
        documentation: "A task runs only where the processors and the memory that it reserves are free (Docker: \"Reserve memory or CPUs for a service\").",
    },
    look,
};

/// A reservation that is beyond every node, or replicas that are beyond all nodes together.
/// Where a type is not known, nothing is said.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    'services: for service in &manifest.services {
        let spec = &service.spec;
        let Some(wanted) = spec.resources.as_ref().filter(|wanted| reserves(wanted)) else {
            continue;
        };
        let (mut room, mut nodes, mut types) = (0u64, 0u64, Vec::new());
        for pool in manifest.pools.iter().filter(|pool| takes_tasks(pool)) {
            let fitting = u64::from(of_pool(pool, &spec.constraints));
            if fitting == 0 {
                continue;
            }
            let Some(facts) = checked.types.get(&pool.instance_type) else {
                continue 'services;
            };
            nodes += fitting;
            room = room.saturating_add(fitting.saturating_mul(tasks(wanted, facts)));
            types.push(format!("{} ({})", pool.instance_type, shown(facts)));
        }
        let needed = match spec.mode {
            Mode::Replicated(replicas) => replicas,
            Mode::Global => nodes.min(1),
        };
        if nodes == 0 || needed <= room {
            continue;
        }
        types.sort();
        types.dedup();
        let types = types.join(", ");
        let message = match room {
            0 => format!("no node has what each task reserves ({}): {types}", words(wanted)),
            _ => format!(
                "{needed} replicas reserve {} each, and the nodes have room for {room}: {types}",
                words(wanted)
            ),
        };
        let address = Address::new("service", &spec.name);
        findings.push(
            Finding::new(checked.refusing(Some(&address)), &CHECK.about, message)
                .about(address)
                .with_remedy("reserve less, use fewer replicas, or choose a larger instance_type")
                .at("service", &spec.name, "resources"),
        );
    }
    findings
}

fn reserves(wanted: &Resources) -> bool {
    wanted.reserve_cpus.unwrap_or(0) > 0 || wanted.reserve_memory.unwrap_or(0) > 0
}

/// How many tasks one node has room for.
fn tasks(wanted: &Resources, facts: &TypeFacts) -> u64 {
    let fit = |reserved: Option<u64>, has: u64| match reserved {
        Some(reserved) if reserved > 0 => has / reserved,
        _ => u64::MAX,
    };
    fit(wanted.reserve_cpus, facts.nano_cpus).min(fit(wanted.reserve_memory, facts.memory))
}

fn words(wanted: &Resources) -> String {
    let cpus = wanted.reserve_cpus.filter(|n| *n > 0).map(cpus);
    let memory = wanted.reserve_memory.filter(|n| *n > 0).map(memory);
    let both: Vec<String> = cpus.into_iter().chain(memory).collect();
    both.join(" and ")
}

fn shown(facts: &TypeFacts) -> String {
    format!("{}, {}", cpus(facts.nano_cpus), memory(facts.memory))
}

fn cpus(nano: u64) -> String {
    let whole = nano as f64 / 1e9;
    format!("{whole} CPUs")
}

fn memory(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};
    use crate::world::TypeFacts;

    fn found(more: &str) -> Vec<crate::check::Finding> {
        let service = format!("[[service]]\nname = \"web\"\nimage = \"nginx\"\n{more}\n");
        let mut case = Case::of(&manifest(&service));
        let micro = TypeFacts {
            nano_cpus: 2_000_000_000,
            memory: 960 << 20,
            zones: Vec::new(),
        };
        case.types.insert("t3.micro".into(), micro);
        case.findings("reservations")
    }

    #[test]
    fn what_the_nodes_have_is_fine() {
        for fine in [
            "",
            "replicas = 6\nresources = { reservations = { cpus = 1 } }",
            "replicas = 3\nresources = { reservations = { memory = \"900M\" } }",
            "resources = { limits = { memory = \"64G\" } }",
            "mode = \"global\"\nresources = { reservations = { cpus = 2 } }",
        ] {
            assert_eq!(found(fine), [], "{fine}");
        }
    }

    #[test]
    fn a_reservation_beyond_every_node_or_all_together_is_said_once() {
        assert_eq!(
            only(&found("resources = { reservations = { memory = \"64G\" } }")),
            "Error 22 service web resources: no node has what each task reserves (65536 MiB): t3.micro (2 CPUs, 960 MiB)"
        );
        assert_eq!(
            only(&found(
                "resources = { reservations = { cpus = 1.5 } }\nreplicas = 4"
            )),
            "Error 22 service web resources: 4 replicas reserve 1.5 CPUs each, and the nodes have room for 3: t3.micro (2 CPUs, 960 MiB)"
        );
        assert!(
            only(&found(
                "mode = \"global\"\nresources = { reservations = { cpus = 3 } }"
            ))
            .contains("no node has")
        );
    }

    #[test]
    fn of_a_type_that_is_not_known_nothing_is_said() {
        let text = manifest(
            "[[service]]\nname = \"web\"\nimage = \"nginx\"\nresources = { reservations = { memory = \"64G\" } }\n",
        );
        assert_eq!(Case::of(&text).findings("reservations"), []);
    }
}
