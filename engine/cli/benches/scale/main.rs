//! Speed and size of the built binary, measured from outside as whole processes.
//!
//! ```text
//! cargo bench -p subako --no-default-features                 # 304 to 90,004 resources
//! cargo bench -p subako --no-default-features -- --quick      # the two small sizes
//! ```
//!
//! It prints numbers and judges none of them: machines differ. What has to hold on every machine
//! is the growth, the CPU time per resource against that of the row above.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints what it measures"
)]

mod makespan;
mod process;
mod table;
mod workload;

use std::process::ExitCode;

use process::{Failed, Used};
use table::{Cell, Table};
use workload::Workload;

/// Nodes of the clusters measured: three resources each, and four more.
const NODES: [u32; 4] = [100, 1_000, 10_000, 30_000];
/// How many of them `--quick` measures.
const QUICK: usize = 2;
/// The smallest cluster whose rehearsal is measured: about the example's.
const SMALL: u32 = 6;
/// Rehearsals are measured of clusters of so many nodes at most: of larger ones none is made unless
/// it is asked for.
const MOST_REHEARSED: u32 = 10_000;
/// Plans are measured so often; the least counts, because whatever else runs only adds to it.
const RUNS: usize = 5;
/// The most steps that the program takes at once.
const MOST_AT_ONCE: u32 = 1_024;
/// Leaves the rehearsal out of what else is measured.
const UNREHEARSED: &str = "--rehearse=false";
/// Starts of the program are so short that they are measured more often.
const STARTS: usize = 20;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == process::MEASURED) {
        return process::measure_and_tell(arguments);
    }
    let quick = std::env::args().any(|argument| argument == "--quick");
    match benchmark(if quick { &NODES[..QUICK] } else { &NODES }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("failed to {failed}");
            ExitCode::FAILURE
        }
    }
}

fn benchmark(sizes: &[u32]) -> Result<(), Failed> {
    println!("subako as a whole process, on the simulator, instant time; CPU is user and system together\n");
    start()?;
    scale(sizes)?;
    rehearsals(sizes)?;
    makespans(&sizes[..sizes.len().min(QUICK)])
}

/// How long the program takes to say its version.
fn start() -> Result<(), Failed> {
    let used = least(STARTS, || process::subako(None, &["--version"]))?;
    println!(
        "subako --version: {:.1} ms CPU, {:.1} ms elapsed, {:.1} MiB (least of {STARTS})\n",
        used.cpu_ms, used.elapsed_ms, used.peak_mib
    );
    Ok(())
}

/// Create plan, apply and no-op plan of growing clusters.
fn scale(sizes: &[u32]) -> Result<(), Failed> {
    let mut table = Table::new(&[
        "resources",
        "create plan",
        "growth",
        "peak",
        "apply",
        "a step",
        "growth",
        "peak",
        "no-op plan",
        "growth",
        "peak",
    ]);
    let mut above: Option<[f64; 3]> = None;
    for nodes in sizes {
        let workload = Workload::new(*nodes)?;
        let create = least(RUNS, || workload.run(["plan", UNREHEARSED]))?;
        let apply = workload.run(["apply", "--yes", UNREHEARSED])?;
        let noop = least(RUNS, || workload.run(["plan", "--detailed-exitcode"]))?;
        let resources = workload.resources();
        let each = [create, apply, noop].map(|used| used.cpu_ms / f64::from(resources));
        let growth = |of: usize| Cell::growth(each[of], above.map(|above| above[of]));
        table.row([
            Cell::count(resources),
            Cell::ms(create.cpu_ms),
            growth(0),
            Cell::mib(create.peak_mib),
            Cell::ms(apply.cpu_ms),
            Cell::micros(each[1] * 1e3),
            growth(1),
            Cell::mib(apply.peak_mib),
            Cell::ms(noop.cpu_ms),
            growth(2),
            Cell::mib(noop.peak_mib),
        ]);
        above = Some(each);
    }
    println!("{table}");
    println!(
        "plans: the least of {RUNS} runs. growth: CPU time per resource, over that of the row above\n\
         (1.00 is linear). The no-op plan comes after the apply, and reads the whole simulated world.\n"
    );
    Ok(())
}

/// What a rehearsal adds to a plan: of a cluster that is created, and of a service that changes on
/// every node of one that is there.
fn rehearsals(sizes: &[u32]) -> Result<(), Failed> {
    let mut table = Table::new(&[
        "resources",
        "create plan",
        "rehearsal",
        "a step",
        "growth",
        "change plan",
        "rehearsal",
        "a node",
        "growth",
    ]);
    let mut above: Option<[f64; 2]> = None;
    for nodes in [SMALL]
        .iter()
        .chain(sizes)
        .filter(|nodes| **nodes <= MOST_REHEARSED)
    {
        let workload = Workload::new(*nodes)?;
        let plans = || -> Result<(Used, f64), Failed> {
            let without = least(RUNS, || workload.run(["plan", UNREHEARSED]))?;
            let with = least(RUNS, || workload.run(["plan", "--rehearse"]))?;
            let added = (with.cpu_ms - without.cpu_ms).max(0.0);
            Ok((without, added))
        };
        let (create, created) = plans()?;
        workload.run(["apply", "--yes", UNREHEARSED])?;
        workload.change()?;
        let (change, changed) = plans()?;
        let each = [
            created / f64::from(workload.resources()),
            changed / f64::from(*nodes),
        ];
        let growth = |of: usize| Cell::growth(each[of], above.map(|above| above[of]));
        table.row([
            Cell::count(workload.resources()),
            Cell::ms(create.cpu_ms),
            Cell::ms(created),
            Cell::micros(each[0] * 1e3),
            growth(0),
            Cell::ms(change.cpu_ms),
            Cell::ms(changed),
            Cell::micros(each[1] * 1e3),
            growth(1),
        ]);
        above = Some(each);
    }
    println!("{table}");
    println!(
        "rehearsal: CPU time of a plan with it, over that of one without. The change is another image of\n\
         a service with two tasks a node, fifty at a time.\n"
    );
    Ok(())
}

/// How close an apply comes to the critical path of its plan.
fn makespans(sizes: &[u32]) -> Result<(), Failed> {
    let mut table = Table::new(&["resources", "parallelism", "makespan", "critical path", "ratio"]);
    for nodes in sizes {
        let steps = Workload::new(*nodes)?.resources();
        // One step a node is in flight at most, a few apart: the first does not bind.
        for parallelism in [MOST_AT_ONCE, 16] {
            let found = makespan::measure(&Workload::new(*nodes)?, parallelism)?;
            table.row([
                Cell::count(steps),
                Cell::count(parallelism),
                Cell::seconds(found.makespan_ms),
                Cell::seconds(found.critical_ms),
                Cell::ratio(found.makespan_ms, found.critical_ms),
            ]);
        }
    }
    println!("{table}");
    println!("makespan and critical path in simulated time: steps as long as they took in that run");
    Ok(())
}

/// The run that used the least CPU time.
fn least(runs: usize, mut run: impl FnMut() -> Result<Used, Failed>) -> Result<Used, Failed> {
    let mut best = run()?;
    for _ in 1..runs {
        let used = run()?;
        best = Used {
            cpu_ms: best.cpu_ms.min(used.cpu_ms),
            elapsed_ms: best.elapsed_ms.min(used.elapsed_ms),
            peak_mib: best.peak_mib.max(used.peak_mib),
        };
    }
    Ok(best)
}
