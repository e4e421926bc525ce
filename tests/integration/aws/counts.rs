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
        // A busy moto may lose an answer, which is asked for again with the same token.
        assert!((count..=count + 4).contains(&apply["RunInstances"]), "{apply:?}");
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
        third.assert_nothing("after the destroy");
    }
    let totals: Vec<u32> = refreshes.iter().map(|refresh| refresh.values().sum()).collect();
    let (least, most) = (totals.iter().min(), totals.iter().max());
    // Forty times as many instances, and at most a retry between them.
    assert!(
        most.zip(least).is_some_and(|(most, least)| most - least <= 2),
        "{refreshes:?}"
    );
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
