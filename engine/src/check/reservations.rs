//! Reservations that no instance type can give.

use subako_state::Address;

use super::built_in::BuiltIn;
use super::nodes::{fitting_both, of_pool, takes_tasks, within};
use super::placement::renews;
use super::{About, Category, Checked, Finding, Severity};
use crate::manifest::Manifest;
use crate::world::{Mode, Resources, ServiceSpec, TypeFacts, UpdateOrder};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "reservations",
        category: Category::Capacity,
        documentation: "A task runs only where the processors and the memory that it reserves are free (Docker: \"Reserve memory or CPUs for a service\").",
    },
    look,
};

/// A reservation that is beyond every node, replicas that are beyond all nodes together, or
/// services that are. Where a type is not known, nothing is said.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    let specs: Vec<&ServiceSpec> = manifest.services.iter().map(|service| &service.spec).collect();
    let reserving: Vec<&ServiceSpec> = specs
        .into_iter()
        .filter(|spec| spec.resources.as_ref().is_some_and(reserves))
        .collect();
    let alone: Vec<Finding> = reserving
        .iter()
        .filter_map(|spec| of_one(checked, manifest, spec, &reserving))
        .collect();
    match alone.is_empty() {
        true => together(checked, manifest, &reserving).into_iter().collect(),
        false => alone,
    }
}

/// What one service asks for, beside the global ones that have a task on every node first.
fn of_one(
    checked: &Checked<'_>,
    manifest: &Manifest,
    spec: &ServiceSpec,
    reserving: &[&ServiceSpec],
) -> Option<Finding> {
    let wanted = spec.resources.as_ref()?;
    let (mut room, mut nodes, mut least, mut types) = (0u64, 0u64, u64::MAX, Vec::new());
    for pool in manifest.pools.iter().filter(|pool| takes_tasks(pool)) {
        let fitting = u64::from(of_pool(pool, &spec.constraints));
        if fitting == 0 {
            continue;
        }
        let facts = checked.types.get(&pool.instance_type)?;
        let global = reserving.iter().filter(|other| {
            other.mode == Mode::Global
                && other.name != spec.name
                && of_pool(pool, &other.constraints) == pool.count
        });
        let left = global.fold((facts.nano_cpus, facts.memory), |left, other| {
            let taken = other.resources.as_ref().map_or((0, 0), reserved);
            (left.0.saturating_sub(taken.0), left.1.saturating_sub(taken.1))
        });
        let each = tasks(wanted, left);
        nodes += fitting;
        least = least.min(each);
        room = room.saturating_add(fitting.saturating_mul(each));
        types.push(format!("{} ({})", pool.instance_type, shown(facts)));
    }
    let address = Address::new("service", &spec.name);
    // With start-first new tasks run beside those that they replace.
    let update = spec.update_config.as_ref();
    let beside = update.is_some_and(|update| update.order == Some(UpdateOrder::StartFirst))
        && renews(checked, &address);
    let at_once = update.and_then(|update| update.parallelism).unwrap_or(1);
    let (needed, room) = match spec.mode {
        Mode::Replicated(replicas) if beside && at_once == 0 => (2 * replicas, room),
        Mode::Replicated(replicas) if beside => (replicas + at_once.min(replicas), room),
        Mode::Replicated(replicas) => (replicas, room),
        // Each node has to have room for its own.
        Mode::Global => (1 + u64::from(beside), least),
    };
    if nodes == 0 || needed <= room {
        return None;
    }
    types.sort();
    types.dedup();
    let types = types.join(", ");
    let each = words(wanted);
    let message = match room {
        0 => format!("no node has what each task reserves ({each}): {types}"),
        _ if beside => format!(
            "an update with order = \"start-first\" needs room for {needed} tasks that reserve {each} each, and the \
             nodes have room for {room}: {types}"
        ),
        _ => format!("{needed} replicas reserve {each} each, and the nodes have room for {room}: {types}"),
    };
    let remedy = match beside && room > 0 {
        true => "use order = \"stop-first\", reserve less, or choose a larger instance_type",
        false => "reserve less, use fewer replicas, or choose a larger instance_type",
    };
    Some(
        Finding::new(checked.refusing(Some(&address)), &CHECK.about, message)
            .about(address)
            .with_remedy(remedy)
            .at("service", &spec.name, "resources"),
    )
}

/// Services that have to share nodes: what they reserve together is beyond what these have. Those
/// that may run on some nodes and nowhere else have to share them.
fn together(checked: &Checked<'_>, manifest: &Manifest, reserving: &[&ServiceSpec]) -> Option<Finding> {
    let everywhere = Vec::new();
    let mut places: Vec<&Vec<String>> = reserving.iter().map(|spec| &spec.constraints).collect();
    places.push(&everywhere);
    places.dedup();
    places
        .into_iter()
        .find_map(|place| crowded(checked, manifest, reserving, place))
}

fn crowded(
    checked: &Checked<'_>,
    manifest: &Manifest,
    reserving: &[&ServiceSpec],
    place: &[String],
) -> Option<Finding> {
    let mut has = (0u64, 0u64);
    let mut all = 0;
    for pool in manifest.pools.iter().filter(|pool| takes_tasks(pool)) {
        let nodes = u64::from(of_pool(pool, place));
        if nodes > 0 {
            let facts = checked.types.get(&pool.instance_type)?;
            all += nodes;
            has.0 = has.0.saturating_add(nodes.saturating_mul(facts.nano_cpus));
            has.1 = has.1.saturating_add(nodes.saturating_mul(facts.memory));
        }
    }
    // Where no node qualifies, another check says so.
    if all == 0 {
        return None;
    }
    let mut wanted = (0u64, 0u64);
    let mut there: Vec<&ServiceSpec> = Vec::new();
    for spec in reserving {
        let tasks = match spec.mode {
            Mode::Global => fitting_both(manifest, &spec.constraints, place),
            Mode::Replicated(replicas) if within(manifest, &spec.constraints, place) => replicas,
            Mode::Replicated(_) => 0,
        };
        let each = spec.resources.as_ref().map_or((0, 0), reserved);
        wanted.0 = wanted.0.saturating_add(tasks.saturating_mul(each.0));
        wanted.1 = wanted.1.saturating_add(tasks.saturating_mul(each.1));
        there.extend((tasks > 0).then_some(*spec));
    }
    let (last, what) = match (wanted.0 > has.0, wanted.1 > has.1) {
        (true, _) => (
            there.last()?,
            format!(
                "{} together, and their nodes have {}",
                cpus(wanted.0),
                cpus(has.0)
            ),
        ),
        (_, true) => (
            there.last()?,
            format!(
                "{} together, and their nodes have {}",
                memory(wanted.1),
                memory(has.1)
            ),
        ),
        (false, false) => return None,
    };
    let names: Vec<&str> = there.iter().map(|spec| spec.name.as_str()).collect();
    let address = Address::new("service", &last.name);
    // Whichever of them changes may be the one that finds no room.
    let severity = there
        .iter()
        .map(|spec| checked.refusing(Some(&Address::new("service", &spec.name))))
        .max_by_key(|severity| *severity == Severity::Error)?;
    let message = format!("services {} reserve {what}", names.join(", "));
    Some(
        Finding::new(severity, &CHECK.about, message)
            .about(address)
            .with_remedy("reserve less, use fewer replicas, or add nodes")
            .at("service", &last.name, "resources"),
    )
}

/// What each task reserves: billionths of a processor, and bytes.
fn reserved(wanted: &Resources) -> (u64, u64) {
    (
        wanted.reserve_cpus.unwrap_or(0),
        wanted.reserve_memory.unwrap_or(0),
    )
}

fn reserves(wanted: &Resources) -> bool {
    wanted.reserve_cpus.unwrap_or(0) > 0 || wanted.reserve_memory.unwrap_or(0) > 0
}

/// How many tasks a node has room for that has so many billionths of processors, and bytes.
fn tasks(wanted: &Resources, left: (u64, u64)) -> u64 {
    let fit = |reserved: Option<u64>, has: u64| match reserved {
        Some(reserved) if reserved > 0 => has / reserved,
        _ => u64::MAX,
    };
    fit(wanted.reserve_cpus, left.0).min(fit(wanted.reserve_memory, left.1))
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

    /// What is said of two services, `web` and `api`.
    fn of_two(web: &str, api: &str) -> Vec<crate::check::Finding> {
        found(&format!(
            "{web}\n[[service]]\nname = \"api\"\nimage = \"nginx\"\n{api}"
        ))
    }

    #[test]
    fn services_that_share_nodes_share_what_these_have() {
        let reserve =
            |what: &str, more: &str| format!("{more}\nresources = {{ reservations = {{ {what} }} }}");
        let half = reserve("memory = \"480M\"", "replicas = 3");
        assert_eq!(of_two(&half, &half), []);
        let more = reserve("memory = \"480M\"", "replicas = 4");
        assert_eq!(
            only(&of_two(&half, &more)),
            "Error 28 service api resources: services web, api reserve 3360 MiB together, and their nodes have 2880 MiB"
        );
        let worker = "constraints = [\"node.role == worker\"]\nreplicas = 2";
        let cpus = reserve("cpus = 1.5", worker);
        assert!(only(&of_two(&cpus, &cpus)).contains("reserve 6 CPUs together, and their nodes have 4 CPUs"));
        // A global one has its task on each node first.
        let global = reserve("memory = \"700M\"", "mode = \"global\"");
        assert!(only(&of_two(&global, &reserve("memory = \"400M\"", ""))).contains("no node has"));
        assert_eq!(of_two(&global, &reserve("memory = \"200M\"", "replicas = 3")), []);
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
            assert_eq!(
                tasks(&wanted, (facts.nano_cpus, facts.memory)),
                expected,
                "{cpus:?} {memory:?}"
            );
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
