//! How long an apply takes at 80 ms a call: its calls one after another where each needs the
//! answer of the one before, and no others.

use std::time::{Duration, Instant};

use super::bench::Bench;
use super::proxy::Span;
use crate::support::replace;

const LATENCY: Duration = Duration::from_millis(80);
/// What an apply may take in terms of its calls. Without optimisation the SDK alone needs more
/// than a millisecond to write and sign a request.
const LIMIT: f64 = if cfg!(debug_assertions) { 1.3 } else { 1.1 };

/// The longest of the calls of some actions.
fn longest(spans: &[Span], dry_run: bool, actions: &[&str]) -> Duration {
    spans
        .iter()
        .filter(|span| span.dry_run == dry_run && actions.contains(&span.action.as_str()))
        .map(Span::took)
        .max()
        .unwrap_or_else(|| panic!("no {actions:?} among {} calls", spans.len()))
}

/// The calls that need each other's answers, each as long as it took, moto's own work included:
/// who asks, what is looked up (twice in a row), what exists by tag and then by name, what is
/// permitted, the group, its rules, the instances, a look whether they run; and, because there is
/// one look at a time for all instances, what was left of the look before it.
fn critical_path(spans: &[Span]) -> Duration {
    let created = spans
        .iter()
        .filter(|span| span.action == "RunInstances" && !span.dry_run)
        .map(|span| span.went)
        .max()
        .expect("instances");
    let looks = || spans.iter().filter(|span| span.action == "DescribeInstances");
    let looked = looks()
        .filter(|span| span.came >= created)
        .map(Span::took)
        .min()
        .expect("a look after the last instance");
    let waited = looks()
        .filter(|span| span.came < created)
        .map(|span| span.went.saturating_duration_since(created))
        .max()
        .unwrap_or_default();
    let reads = [
        "DescribeVpcs",
        "DescribeInstanceTypeOfferings",
        "DescribeInstanceTypes",
    ];
    let further = ["DescribeSubnets", "DescribeRouteTables", "DescribeImages"];
    let permits = ["ImportKeyPair", "CreateSecurityGroup", "RunInstances"];
    let survey = ["DescribeVolumes", "DescribeInstances"];
    let planned = spans.iter().position(|span| span.dry_run).expect("a preflight");
    // A group is looked for by tag with the rest, and by name after it.
    let named = spans[..planned]
        .iter()
        .rfind(|span| span.action == "DescribeSecurityGroups");
    longest(spans, false, &["GetCallerIdentity"])
        + longest(spans, false, &reads)
        + longest(spans, false, &further)
        + longest(&spans[..planned], false, &survey)
        + named.expect("a look for the group").took()
        + longest(spans, true, &permits)
        + longest(spans, false, &["CreateSecurityGroup"])
        + longest(spans, false, &["AuthorizeSecurityGroupIngress"])
        + longest(spans, false, &["RunInstances"])
        + waited
        + looked
}

#[test]
fn an_apply_takes_as_long_as_the_calls_that_need_each_other() {
    for count in [5_u32, 50, 200] {
        let mut ratios = Vec::new();
        // What else the machine does only adds: the best of five is nearest to the truth.
        for _ in 0..5 {
            let bench = Bench::with(|text| replace(&text, "count = 2", &format!("count = {}", count - 3)));
            let Some(bench) = bench else { return };
            bench.keep_region();
            bench.proxy.latency(LATENCY);
            let began = Instant::now();
            let args = ["apply", "--target", "instance.*", "--yes", "--parallelism", "256"];
            bench.run(&args).expect(0);
            let makespan = began.elapsed();
            let spans = bench.proxy.spans();
            let path = critical_path(&spans);
            let ratio = makespan.as_secs_f64() / path.as_secs_f64();
            #[expect(clippy::print_stderr, reason = "the figures go into tests/README.md")]
            {
                eprintln!(
                    "{count} instances: {} calls, {makespan:.2?} of which {path:.2?} are calls in a row: {ratio:.3}",
                    spans.len()
                );
            }
            ratios.push(ratio);
            if ratio <= LIMIT {
                break;
            }
        }
        assert!(
            ratios.iter().any(|ratio| *ratio <= LIMIT),
            "{count} instances: {ratios:?}"
        );
    }
}
