//! The process killed with SIGKILL at moments that nobody chose, on real hosts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::bench::Lab;

/// How often each is killed.
const KILLS: u32 = 20;
/// The same moments again: the seed that a run printed.
const SEED: &str = "SUBAKO_LAB_SEED";

/// Moments drawn from a seed (SplitMix64).
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let now = || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
            u64::from(now.subsec_nanos())
        };
        let seed = std::env::var(SEED).map_or_else(|_| now(), |text| text.parse().expect("a number"));
        eprintln!("         {SEED}={seed} draws these moments again");
        Self(seed)
    }

    /// Below a limit.
    fn next(&mut self, limit: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        limit.mul_f64((z >> 11) as f64 / (1u64 << 53) as f64)
    }
}

/// Kills an apply at a moment; says whether it was still running then. One that was not has done
/// all of it.
fn kill_at(lab: &Lab, moment: Duration) -> bool {
    let applying = lab.start(&["apply", "--yes"]);
    std::thread::sleep(moment);
    match applying.kill() {
        None => {
            eprintln!("{:6.1} s  killed", moment.as_secs_f64());
            true
        }
        Some(ran) => {
            ran.expect(0);
            false
        }
    }
}

/// One swarm as the manifest has it: its members, nobody twice, nothing to change.
fn assert_whole(lab: &Lab, members: &[&str]) {
    lab.run(&["plan", "--detailed-exitcode"]).expect(0);
    let status = lab.status();
    assert_eq!(lab.names(), members, "{status:#}");
    assert_eq!(status["managers"], serde_json::json!([3, 3]), "{status:#}");
    let live = lab
        .ec2("DescribeInstances")
        .matches("<name>running</name>")
        .count();
    assert_eq!(live, members.len(), "no instance twice");
    // Nodes that are down, and a second swarm, would show on the managers themselves.
    let seen: Vec<String> = ["manager-0", "manager-1", "manager-2"]
        .iter()
        .map(|name| {
            lab.on(
                name,
                "docker info -f '{{.Swarm.Cluster.ID}} {{.Swarm.Nodes}} {{.Swarm.Managers}}'",
            )
        })
        .collect();
    let wanted = format!(" {} 3", members.len());
    assert!(
        seen.iter().all(|line| line.trim().ends_with(&wanted)) && seen.windows(2).all(|two| two[0] == two[1]),
        "{seen:#?}"
    );
}

const FIVE: [&str; 5] = ["manager-0", "manager-1", "manager-2", "node-0", "node-1"];
const SIX: [&str; 6] = [
    "manager-0",
    "manager-1",
    "manager-2",
    "node-0",
    "node-1",
    "node-2",
];

#[test]
#[ignore = "20 kills on real hosts take five to ten minutes"]
fn the_next_apply_converges_to_one_swarm_wherever_the_first_was_killed() {
    let Some(lab) = Lab::turn("SIGKILL during apply") else {
        return;
    };
    let mut moments = Moments::new();
    let mut kills = 0;
    // Lineages: each apply takes up what the killed one before it left, and is killed as well.
    while kills < KILLS {
        if kill_at(&lab, moments.next(Duration::from_secs(20))) {
            kills += 1;
        } else {
            assert_whole(&lab, &FIVE);
            lab.run(&["destroy", "--yes"]).expect(0);
            lab.assert_empty("after destroy");
        }
    }
    lab.apply().expect(0);
    assert_whole(&lab, &FIVE);
    lab.run(&["destroy", "--yes"]).expect(0);
    lab.assert_empty("after destroy");
}

#[test]
#[ignore = "20 kills on real hosts take five to ten minutes"]
fn a_change_killed_anywhere_is_made_whole_by_the_next_apply() {
    let Some(lab) = Lab::turn("SIGKILL during a change") else {
        return;
    };
    lab.apply().expect(0);
    let before = lab.manifest();
    // A worker more or less, other replicas, another image.
    lab.edit("count = 2", "count = 3");
    lab.edit("replicas = 8", "replicas = 10");
    lab.edit(
        "image = \"mingsiro71/replyhost\"\nreplicas = 5",
        "image = \"mingsiro71/replyhost:v2\"\nreplicas = 5",
    );
    let after = lab.manifest();
    let mut moments = Moments::new();
    let (mut kills, mut grown) = (0, true);
    while kills < KILLS {
        if kill_at(&lab, moments.next(Duration::from_secs(20))) {
            kills += 1;
        } else {
            assert_whole(&lab, if grown { &SIX[..] } else { &FIVE[..] });
            grown = !grown;
            lab.write(if grown { &after } else { &before });
        }
    }
    lab.apply().expect(0);
    assert_whole(&lab, if grown { &SIX[..] } else { &FIVE[..] });
    lab.run(&["destroy", "--yes"]).expect(0);
    lab.assert_empty("after destroy");
}
