//! Hosts over a real sshd on this machine, with a scripted Docker Engine behind its socket.
#![cfg(all(feature = "ssh", unix))]
// A test that skips itself says so.
#![allow(clippy::print_stderr)]

mod confided;
mod crashing;
mod docker;
mod engine;
mod every_key;
mod login;
mod loss;
mod proxy;
#[path = "../shared/service_keys.rs"]
mod service_keys;
mod sshd;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use subako_engine::world::{Failure, Host, HostTarget, Hosts, Progress, ScaledClock};
use subako_providers::ssh::{SshHosts, SshOptions};

use docker::{Answer, Asked, error, ok};
use sshd::Sshd;

/// Options that lead to `sshd` by `port` (its own or a relay's), with `key`.
fn options(sshd: &Sshd, port: u16, key: &str) -> SshOptions {
    SshOptions {
        user: sshd::user(),
        port,
        private_key: Some(sshd.file(key)),
        private: true,
        jump: None,
        known_hosts: None,
        boot_timeout: Duration::from_secs(20),
        command_timeout: Duration::from_secs(30),
        docker_config: None,
        docker_socket: sshd.file("docker.sock").display().to_string(),
    }
}

fn hosts(options: SshOptions) -> SshHosts {
    SshHosts::new(options, Arc::new(ScaledClock::new(1))).unwrap()
}

fn target() -> HostTarget {
    HostTarget {
        name: "manager-0".into(),
        instance_id: "i-0".into(),
        private_ip: "127.0.0.1".into(),
        public_ip: None,
        host_key: None,
        is_new: false,
    }
}

async fn connect(options: SshOptions) -> Arc<dyn Host> {
    hosts(options)
        .connect(&target(), &Progress::silent())
        .await
        .unwrap()
}

/// The failure of something that should not work.
fn failure<T>(result: Result<T, Failure>) -> Failure {
    match result {
        Ok(_) => panic!("it worked"),
        Err(failure) => failure,
    }
}

/// Progress notes, kept.
fn notes() -> (Progress, Arc<Mutex<Vec<String>>>) {
    let notes: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = Arc::clone(&notes);
    (Progress::new(move |note| sink.lock().unwrap().push(note)), notes)
}

/// An engine in no swarm.
fn info(state: &str) -> Value {
    json!({ "ServerVersion": "25.0.8", "Swarm": { "NodeID": if state == "active" { "n1" } else { "" },
        "LocalNodeState": state, "ControlAvailable": false, "Error": "", "RemoteManagers": null } })
}

/// Answers `/info` and nothing else.
fn only_info(asked: &Asked, _: usize) -> Answer {
    match asked.path.as_str() {
        "/info" => ok(info("inactive")),
        _ => error(404, "page not found"),
    }
}
