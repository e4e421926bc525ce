//! How many calls things take: the table in tests/README.md.

use super::bench::{Bench, PLAN};
use crate::support::replace;

fn calls(bench: &Bench) -> u32 {
    bench.proxy.counts().values().sum()
}

#[test]
fn a_refresh_takes_the_same_calls_however_many_instances_there_are() {
    let moto = super::bench::moto();
    let mut refreshes = Vec::new();
    for count in [5_u32, 50, 200] {
        let bench = Bench::with(|text| replace(&text, "count = 2", &format!("count = {}", count - 3)));
        let (Some(bench), Some(moto)) = (bench, &moto) else {
            return;
        };
        bench.keep_region();
        let applied = bench.run(&["apply", "--target", "instance.*", "--yes", "--parallelism", "16"]);
        let applied = applied.expect(0);
        let apply = bench.proxy.counts();
        // One more asks (DryRun) whether instances may be run.
        assert_eq!(apply["RunInstances"], count + 1, "{apply:?}");
        let total = calls(&bench);
        // The last line counts the same calls as the proxy does.
        applied.says(&format!("{total} calls"));
        let looks = apply["DescribeInstances"];
        assert!(looks <= 40 + count / 4, "{looks} looks for {count} instances");
        let second = bench.behind_another_proxy(moto);
        let planned = second.run(&PLAN).expect(0);
        let refresh = second.proxy.counts();
        planned.says(&format!("{} calls", calls(&second)));
        #[expect(clippy::print_stderr, reason = "the figures go into tests/README.md")]
        {
            eprintln!("{count} instances: apply {total} calls ({apply:?}), refresh {refresh:?}");
        }
        refreshes.push(refresh);
        let third = bench.behind_another_proxy(moto);
        third.run(&["destroy", "--yes"]).expect(0);
        #[expect(clippy::print_stderr, reason = "the figures go into tests/README.md")]
        {
            eprintln!(
                "{count} instances: destroy {} calls ({:?})",
                calls(&third),
                third.proxy.counts()
            );
        }
        let destroy = third.proxy.counts();
        // Few calls: in batches, and one look a tick for all.
        assert!(
            destroy["TerminateInstances"] <= 2 + count.div_ceil(16),
            "{destroy:?}"
        );
        assert!(calls(&third) <= 40 + count / 4, "{destroy:?}");
        third.assert_nothing("after the destroy");
    }
    // Forty times as many instances.
    assert_eq!(refreshes[0], refreshes[2]);
    assert_eq!(refreshes[1], refreshes[2]);
}

#[test]
fn verbose_prints_every_call() {
    let Some(bench) = Bench::small() else { return };
    let applied = bench
        .run(&["apply", "--target", "instance.*", "--yes", "-v"])
        .expect(0);
    for (action, count) in bench.proxy.counts() {
        let mark = format!("aws: {action} ");
        let printed = applied
            .stderr
            .lines()
            .filter(|line| line.starts_with(&mark))
            .count();
        assert_eq!(printed, count as usize, "{action}: {}", applied.said());
    }
}
