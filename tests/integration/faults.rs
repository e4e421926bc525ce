//! Every call of a plan made to fail, in every way: all or nothing, or the remainder by name.

use crate::support::{Cluster, Ran, settled};

const WAYS: [&str; 3] = [
    "error = \"InternalError\"",
    "timeout = \"before-effect\"",
    "timeout = \"after-effect\"",
];

/// Makes the nth changing call fail in each way until there is no nth call any more.
fn every_call(cluster_at_start: impl Fn() -> Cluster, change: impl Fn(&Cluster), least: u32) {
    let mut failed = 0;
    for way in WAYS {
        for nth in 1.. {
            let cluster = cluster_at_start();
            change(&cluster);
            let (world, resources) = (settled(cluster.world()), cluster.resources());
            cluster.faults(&format!("{{ call = \"*\", nth = {nth}, {way} }}"));
            let ran = cluster.apply();
            let place = format!("call {nth}, {way}: {}", ran.said());
            cluster.faults("");
            match ran.code {
                Some(3) => {
                    assert_eq!(settled(cluster.world()), world, "the world after {place}");
                    assert_eq!(cluster.resources(), resources, "the state after {place}");
                    ran.says("everything it did was undone");
                }
                Some(4) => finish(&cluster, &ran, &place),
                // The last call has been passed, or a lost answer was found again.
                Some(0) => {}
                _ => panic!("{place}"),
            }
            let hit = ran.code != Some(0);
            failed += u32::from(hit);
            // Whatever happened: the next apply ends where an undisturbed one does.
            cluster.apply().expect(0);
            cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
            no_orphan(&cluster, &place);
            if !hit && nth > least {
                break;
            }
        }
    }
    assert!(failed >= 2 * least, "only {failed} calls failed");
}

/// What remains is named, and `recover` finishes it.
fn finish(cluster: &Cluster, ran: &Ran, place: &str) {
    ran.says("recover");
    let recovered = cluster.run(&["recover", "--forward", "--yes"]);
    assert_eq!(
        recovered.code,
        Some(0),
        "recover after {place}\n{}",
        recovered.said()
    );
}

/// Everything that carries the cluster's tags is in the state, once.
pub fn no_orphan(cluster: &Cluster, place: &str) {
    let world = cluster.world();
    let mut tagged: Vec<String> = Vec::new();
    for kind in ["key_pairs", "security_groups", "instances"] {
        for object in world[kind].as_object().expect("objects").values() {
            tagged.push(
                object["tags"]["subako:address"]
                    .as_str()
                    .expect("an address")
                    .to_owned(),
            );
        }
    }
    tagged.sort();
    let mut recorded: Vec<String> = cluster
        .resources()
        .iter()
        .map(|resource| resource["address"].as_str().expect("an address").to_owned())
        .filter(|address| {
            ["key_pair.", "security_group.", "instance."]
                .iter()
                .any(|kind| address.starts_with(kind))
        })
        .collect();
    recorded.sort();
    assert_eq!(tagged, recorded, "orphans or duplicates after {place}");
    let swarms = world["swarms"].as_object().expect("swarms");
    assert!(swarms.len() <= 1, "{} swarms after {place}", swarms.len());
    for swarm in swarms.values() {
        let nodes = swarm["nodes"].as_object().expect("nodes").len();
        let members = cluster
            .resources()
            .iter()
            .filter(|r| r["address"].as_str().is_some_and(|a| a.starts_with("member.")))
            .count();
        assert_eq!(nodes, members, "nodes and members after {place}");
    }
}

#[test]
fn every_call_of_the_first_apply_may_fail() {
    every_call(Cluster::sandbox, |_| {}, 22);
}

#[test]
fn every_call_of_a_change_may_fail() {
    // One of each: an update, a replacement, a deletion, a creation.
    let template = Cluster::sandbox();
    template.apply().expect(0);
    every_call(
        || copy_of(&template),
        |cluster| {
            cluster.edit("replicas = 8", "replicas = 10");
            cluster.edit(
                "ssh_from = [\"198.51.100.7/32\"]",
                "ssh_from = [\"192.0.2.0/24\"]",
            );
            cluster.edit(
                "count = 2\ninstance_type = \"t2.micro\"\nami = \"amazon-linux-2023\"",
                "count = 1\ninstance_type = \"t2.micro\"\nami = \"amazon-linux-2\"",
            );
            cluster.edit("name = \"helloworld\"", "name = \"hello\"");
        },
        8,
    );
}

#[test]
fn what_is_kept_on_request_is_said_and_finished_later() {
    let cluster = Cluster::sandbox();
    cluster.faults("{ call = \"create_network\", nth = 1, error = \"InternalError\" }");
    cluster
        .run(&["apply", "--yes", "--on-failure", "keep"])
        .expect(4)
        .says("network.my-overlay");
    assert_eq!(cluster.status()["nodes"].as_array().expect("nodes").len(), 5);
    cluster.faults("");
    cluster.run(&["recover", "--back", "--yes"]).expect(0);
    assert!(cluster.resources().is_empty());
    assert!(
        cluster.world()["instances"]
            .as_object()
            .expect("instances")
            .is_empty()
    );
}

#[test]
fn a_failure_names_what_failed_why_and_what_to_do() {
    let cluster = Cluster::sandbox();
    cluster.faults("{ call = \"run_instance:node-0\", nth = 1, error = \"InsufficientInstanceCapacity\" }");
    let ran = cluster.apply().expect(3);
    for said in [
        "instance.node-0",
        "InsufficientInstanceCapacity",
        "t2.micro",
        "ap-northeast-1a",
    ] {
        ran.says(said);
    }
    assert!(
        cluster.world()["instances"]
            .as_object()
            .expect("instances")
            .is_empty()
    );
}

#[test]
fn a_service_that_never_runs_fails_with_its_own_error() {
    for (image, said) in [("does-not-exist", "No such image"), ("crash", "non-zero exit")] {
        let cluster =
            Cluster::with(|text| text.replace("image = \"alpine\"", &format!("image = \"{image}\"")));
        cluster
            .apply_unrehearsed()
            .expect(3)
            .says(said)
            .says("service.helloworld");
        assert!(cluster.resources().is_empty());
    }
}

/// An undo takes the service away, and its tasks with it: what the last of them has written is kept before.
#[test]
fn what_a_failing_task_wrote_last_is_in_the_report_and_in_the_journal() {
    let cluster = Cluster::with(|text| {
        let command = "command = [\"sh\", \"-c\", \"echo last \\u001b[31mwords; exit 3\"]";
        text.replace("command = \"ping docker.com\"", command)
    });
    let ran = cluster.apply_unrehearsed().expect(3);
    ran.says("wrote last:").says("| last ");
    assert!(!ran.said().contains('\u{1b}'), "nothing of it acts on a terminal");
    let kept: Vec<String> = crate::support::texts(&cluster.state_dir())
        .map(|(_, text)| text)
        .filter(|text| text.contains("wrote last:"))
        .collect();
    assert!(!kept.is_empty(), "no journal has it");
}

#[test]
fn a_changed_service_that_fails_is_what_it_was_before() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let (world, resources) = (settled(cluster.world()), cluster.resources());
    cluster.edit("image = \"alpine\"", "image = \"crash\"");
    cluster.apply_unrehearsed().expect(3).says("non-zero exit");
    assert_eq!(cluster.resources(), resources);
    assert_eq!(settled(cluster.world()), world);
}

/// A copy of a cluster's whole folder.
pub fn copy_of(template: &Cluster) -> Cluster {
    let dir = tempfile::tempdir().expect("a folder");
    for path in crate::support::files(template.dir.path()) {
        let to = dir
            .path()
            .join(path.strip_prefix(template.dir.path()).expect("below"));
        std::fs::create_dir_all(to.parent().expect("a parent")).expect("a folder");
        std::fs::copy(&path, &to).expect("copied");
    }
    Cluster { dir }
}
