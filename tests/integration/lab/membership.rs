//! Members that come and go under a running service, and one that is recreated.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use super::bench::{Hosts, Lab};
use super::load::Load;

/// Asks for the managers again and again: alive, in all.
pub struct Quorum {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<(u64, u64)>>>,
}

impl Quorum {
    pub fn watch(lab: &Lab) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let mut command = lab.command(&["status", "--format", "json"]);
        let ended = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let mut seen = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                let output = command.output().expect("the binary runs");
                let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
                let count = |index: usize| status["managers"][index].as_u64().unwrap_or(0);
                seen.push((count(0), count(1)));
                std::thread::sleep(Duration::from_millis(500));
            }
            seen
        });
        Self {
            over,
            thread: Some(thread),
        }
    }

    /// It was never lost; what was seen, without repetitions.
    #[track_caller]
    pub fn never_lost(self) -> Vec<(u64, u64)> {
        self.never_lost_for(1)
    }

    /// The same where leaders stop: one that has just been elected knows nothing of the others until
    /// they have answered it, so that it is lost only if so many looks in a row say so.
    #[track_caller]
    pub fn never_lost_for(mut self, looks: usize) -> Vec<(u64, u64)> {
        self.over.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it ends once");
        let mut seen = thread.join().expect("it asked");
        assert!(!seen.is_empty());
        let lost = |looks: &[(u64, u64)]| looks.iter().all(|(alive, all)| alive * 2 <= *all);
        assert!(!seen.windows(looks).any(lost), "lost: {seen:?}");
        seen.dedup();
        eprintln!("         managers alive and in all: {seen:?}");
        seen
    }
}

impl Drop for Quorum {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Applies under load; no request may fail, no quorum be lost, nothing be left to change.
#[track_caller]
fn change(lab: &Lab, what: &str, stay: &[&str]) -> Vec<(u64, u64)> {
    let addresses: Vec<String> = stay.iter().map(|name| lab.host(name)).collect();
    let load = Load::on(&addresses);
    let quorum = Quorum::watch(lab);
    let applied = lab.apply();
    let served = load.stop(what);
    applied.expect(0);
    let seen = quorum.never_lost();
    served.none_failed();
    lab.run(&["plan", "--detailed-exitcode"]).expect(0);
    seen
}

#[test]
#[ignore = "takes two minutes; managers that come and go are tested always"]
fn workers_come_and_go_and_no_request_fails() {
    let Some(lab) = Lab::turn("workers come and go") else {
        return;
    };
    lab.apply().expect(0);
    let stay = ["manager-0", "manager-1", "manager-2", "node-0"];
    lab.edit("count = 2", "count = 4");
    change(&lab, "workers 2 → 4", &stay);
    assert_eq!(lab.names().len(), 7);
    lab.edit("count = 4", "count = 1");
    change(&lab, "workers 4 → 1", &stay);
    assert_eq!(lab.names(), stay);
    lab.run(&["destroy", "--yes"]).expect(0);
    lab.assert_empty("after destroy");
}

#[test]
fn managers_come_and_go_and_one_is_recreated_and_no_request_fails() {
    let Some(lab) = Lab::turn("managers come and go") else {
        return;
    };
    // The third manager is a pool of its own, so that its image alone can change.
    let Hosts {
        ami,
        older_ami: older,
        ..
    } = lab.hosts();
    lab.edit("count = 2", "count = 1");
    lab.edit("count = 3", "count = 2");
    lab.write(&format!(
        "{}\n[[pool]]\nname = \"other\"\nrole = \"manager\"\ncount = 1\ninstance_type = \"t2.micro\"\n\
         ami = \"{ami}\" # the other's\ndisk_gib = 8\n",
        lab.manifest()
    ));
    lab.apply().expect(0);
    let stay = ["manager-0", "manager-1", "node-0"];
    lab.edit("count = 2", "count = 4");
    let seen = change(&lab, "managers 3 → 5", &stay);
    assert_eq!(seen.last(), Some(&(5, 5)));
    lab.edit("count = 4", "count = 2");
    let seen = change(&lab, "managers 5 → 3", &stay);
    assert_eq!(seen.last(), Some(&(3, 3)));
    lab.edit(
        &format!("\"{ami}\" # the other's"),
        &format!("\"{older}\" # the other's"),
    );
    let seen = change(&lab, "another AMI for a manager", &stay);
    assert_eq!(seen.last(), Some(&(3, 3)));
    lab.run(&["destroy", "--yes"]).expect(0);
    lab.assert_empty("after destroy");
}

/// Every engine restarts; each node steps aside before its turn.
#[test]
#[ignore = "takes two minutes; the same on the simulator is tested always"]
fn the_engines_configuration_changes_node_by_node_and_a_request_that_tries_twice_is_answered() {
    let Some(lab) = Lab::turn("the engines' configuration changes") else {
        return;
    };
    lab.edit("count = 2", "count = 1");
    lab.apply().expect(0);
    let addresses = lab.addresses();
    lab.write(&format!("{}\n[docker]\nlog_max_size = \"5M\"\n", lab.manifest()));
    let load = Load::balanced(&addresses);
    let quorum = Quorum::watch(&lab);
    let applied = lab.apply();
    let served = load.stop("another configuration of four engines");
    applied.expect(0);
    let seen = quorum.never_lost();
    served.none_failed();
    assert!(seen.iter().all(|(alive, of)| *of == 3 && *alive >= 2), "{seen:?}");
    for name in lab.names() {
        let said = lab.on(&name, "cat /etc/docker/daemon.json; docker node inspect self --format '{{.Spec.Availability}}' 2>/dev/null || true");
        assert!(
            said.contains("\"5m\"") && !said.contains("drain"),
            "{name}: {said}"
        );
    }
    lab.run(&["plan", "--detailed-exitcode"]).expect(0);
    lab.run(&["destroy", "--yes"]).expect(0);
    lab.assert_empty("after destroy");
}
