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
    use super::*;
    use crate::check::testing::{Case, manifest, only};

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

    fn resources(cpus: Option<u64>, memory: Option<u64>) -> Resources {
        Resources {
            limit_cpus: None,
            limit_memory: None,
            reserve_cpus: cpus,
            reserve_memory: memory,
        }
    }

    #[test]
    fn a_node_has_room_for_as_many_tasks_as_both_reservations_allow() {
        let facts = TypeFacts {
            nano_cpus: 4_000_000_000,
            memory: 8 << 30,
            zones: Vec::new(),
        };
        let (cpu, gib) = (1_000_000_000, 1 << 30);
        for (cpus, memory, expected, said) in [
            (None, None, u64::MAX, ""),
            (Some(0), Some(0), u64::MAX, ""),
            (Some(cpu), None, 4, "1 CPUs"),
            (Some(cpu), Some(0), 4, "1 CPUs"),
            (None, Some(gib), 8, "1024 MiB"),
            (Some(0), Some(3 * gib), 2, "3072 MiB"),
            (Some(cpu), Some(4 * gib), 2, "1 CPUs and 4096 MiB"),
            (Some(3 * cpu / 2), Some(gib), 2, "1.5 CPUs and 1024 MiB"),
            (Some(4 * cpu), Some(8 * gib), 1, "4 CPUs and 8192 MiB"),
            (Some(5 * cpu), Some(gib), 0, "5 CPUs and 1024 MiB"),
        ] {
            let wanted = resources(cpus, memory);
            assert_eq!(tasks(&wanted, &facts), expected, "{cpus:?} {memory:?}");
            assert_eq!(words(&wanted), said, "{cpus:?} {memory:?}");
            assert_eq!(reserves(&wanted), !said.is_empty(), "{cpus:?} {memory:?}");
        }
    }

    #[test]
    fn pools_that_a_task_cannot_run_on_do_not_count() {
        let text =
            |constraint: &str, reserved: &str| {
                manifest(&format!(
                "[[service]]\nname = \"web\"\nimage = \"nginx\"\nreplicas = 3\nconstraints = [{constraint}]\n\
                 resources = {{ reservations = {{ {reserved} }} }}\n"
            ))
            .replace("count = 2\ninstance_type = \"t3.micro\"", "count = 2\ninstance_type = \"t3.small\"")
            };
        let said = |text: &str, known: &[&str]| {
            let mut case = Case::of(text);
            for (size, name) in (1..).zip(known) {
                let facts = TypeFacts {
                    nano_cpus: 2_000_000_000,
                    memory: size << 30,
                    zones: Vec::new(),
                };
                case.types.insert((*name).to_owned(), facts);
            }
            case.findings("reservations")
        };
        let both = ["t3.micro", "t3.small"];
        let all = text("", "memory = \"2G\"");
        assert!(
            only(&said(&all, &both)).ends_with(
                "3 replicas reserve 2048 MiB each, and the nodes have room for 2: t3.micro (2 CPUs, 1024 MiB), t3.small \
                 (2 CPUs, 2048 MiB)"
            ),
            "{:?}",
            said(&all, &both)
        );
        assert_eq!(said(&text("", "memory = \"1G\""), &both), []);
        assert_eq!(said(&all, &both[..1]), [], "of one nothing is known");
        let managers = text("\"node.role == manager\"", "memory = \"1G\"");
        assert!(only(&said(&managers, &both[..1])).ends_with("have room for 1: t3.micro (2 CPUs, 1024 MiB)"));
        let nowhere = text("\"node.labels.no == x\"", "memory = \"1G\"");
        assert_eq!(said(&nowhere, &both), [], "another check says so");
    }
}
