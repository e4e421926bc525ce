//! A state in a bucket, by the built binary: moto keeps the bucket, the simulator the world. Two
//! folders stand for two machines. They share the simulated world, and nothing else.
//!
//! `SUBAKO_MOTO` is moto's URL. Without it these tests skip, and fail where CI is set.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::aws::bench::moto;
use crate::support::{Cluster, Ran, files, signal};

/// Two machines and a bucket.
struct Team {
    moto: String,
    bucket: String,
    world: tempfile::TempDir,
    machines: [Cluster; 2],
}

/// Asks moto for something without a client of ours; the body of its answer.
fn http(moto: &str, verb: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(moto).expect("moto answers");
    let request =
        format!("{verb} {path} HTTP/1.1\r\nHost: {moto}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answered");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200"), "{verb} {path}: {answer}");
    answer
}

impl Team {
    /// `None` skips the test.
    fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let moto = moto()?;
        let bucket = format!(
            "team-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::SeqCst)
        );
        http(&moto, "PUT", &format!("/{bucket}"));
        let state = format!(
            "[state]\nbackend = \"s3\"\nbucket = \"{bucket}\"\nprefix = \"clusters\"\nregion = \"us-east-1\"\nendpoint = \"http://{moto}\"\nlease = \"5s\"\n"
        );
        let machine = || {
            let cluster = Cluster::sandbox();
            cluster.edit("provider = \"aws\"", "provider = \"sim\"");
            cluster.write(&format!("{}\n{state}", cluster.text()));
            cluster
        };
        Some(Self {
            machines: [machine(), machine()],
            world: tempfile::tempdir().expect("a folder"),
            moto,
            bucket,
        })
    }

    fn command(&self, machine: usize, args: &[&str]) -> Command {
        let mut command = self.machines[machine].command(args);
        command
            .arg("--state-dir")
            .arg(self.world.path())
            .env("AWS_ACCESS_KEY_ID", "nobody")
            .env("AWS_SECRET_ACCESS_KEY", "none");
        command
    }

    fn run(&self, machine: usize, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(machine, args))
    }

    /// Runs a command and kills it after its nth durable journal entry.
    fn killed(&self, machine: usize, args: &[&str], entry: u32) {
        let mut command = self.command(machine, args);
        command.env("SUBAKO_CRASH_AFTER_ENTRY", entry.to_string());
        let status = command.output().expect("the binary runs").status;
        assert_eq!(status.signal(), Some(9), "killed after entry {entry}");
    }

    /// The keys in the bucket.
    fn keys(&self) -> Vec<String> {
        let list = http(&self.moto, "GET", &format!("/{}?list-type=2", self.bucket));
        let keys = list.split("<Key>").skip(1);
        keys.filter_map(|after| Some(after.split_once("</Key>")?.0.to_owned()))
            .collect()
    }

    /// What is kept on the machines themselves: the world alone.
    fn local(&self) -> Vec<PathBuf> {
        let of = |dir: &std::path::Path| files(dir).into_iter();
        let machines = self.machines.iter().flat_map(|machine| of(machine.dir.path()));
        let kept = machines.filter(|path| !path.ends_with("cluster.toml") && !path.ends_with("sandbox.pub"));
        let world = of(self.world.path()).filter(|path| {
            !path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("world."))
        });
        kept.chain(world).collect()
    }
}

fn nodes(status: &Value) -> usize {
    status["nodes"].as_array().map_or(0, Vec::len)
}

#[test]
fn what_one_machine_applies_another_one_knows() {
    let Some(team) = Team::new() else { return };
    team.run(0, &["plan", "--detailed-exitcode"]).expect(2);
    // Who only looks writes nothing.
    assert_eq!(team.keys(), [""; 0]);
    team.run(0, &["apply", "--yes"]).expect(0).says("22 created");
    team.run(1, &["plan", "--detailed-exitcode"])
        .expect(0)
        .says("No changes");
    assert_eq!(
        nodes(&team.run(1, &["status", "--format", "json"]).expect(0).json()),
        5
    );
    team.machines[1].edit("replicas = 8", "replicas = 9");
    team.run(1, &["apply", "--yes"]).expect(0);
    // The first machine still wants eight: it sees that there are nine.
    team.run(0, &["plan", "--detailed-exitcode"])
        .expect(2)
        .says("replicas");
    team.run(0, &["state", "history"]).expect(0);
    team.run(0, &["lock", "show"])
        .expect(0)
        .says("Nobody holds the lock.");
    team.run(0, &["destroy", "--yes"]).expect(0);
    team.run(1, &["state", "list"]).expect(0);
    assert_eq!(team.local(), Vec::<PathBuf>::new(), "kept on the machines");
    let keys = team.keys();
    assert!(
        keys.iter().all(|key| key.starts_with("clusters/sandbox.sim/")),
        "{keys:?}"
    );
    // The journals are in the history: of the chain only its end is left.
    let chain = keys.iter().filter(|key| key.contains("/journal/")).count();
    assert!(chain <= 2, "{keys:?}");
}

#[test]
fn a_run_killed_on_one_machine_is_recovered_on_another() {
    for (way, wanted) in [("--forward", 0), ("--back", 2)] {
        let Some(team) = Team::new() else { return };
        team.killed(0, &["apply", "--yes"], 21);
        let seen = team.run(1, &["plan"]).expect(0);
        seen.says("apply");
        // Its lock is not had before it has not been heard of for as long as its lease.
        team.run(1, &["recover", way, "--yes"])
            .expect(5)
            .says("locked by");
        let recovered = team.run(1, &["recover", way, "--yes", "--lock-timeout", "60s"]);
        recovered.expect(0).says("took over the lock");
        team.run(1, &["plan", "--detailed-exitcode"]).expect(wanted);
        team.run(0, &["plan", "--detailed-exitcode"]).expect(wanted);
        team.run(0, &["apply", "--yes"]).expect(0);
        team.run(1, &["plan", "--detailed-exitcode"]).expect(0);
        assert_eq!(team.local(), Vec::<PathBuf>::new(), "kept on the machines");
    }
}

#[test]
fn a_dead_lock_is_released_and_a_living_one_is_not() {
    let Some(team) = Team::new() else { return };
    team.killed(0, &["apply", "--yes"], 3);
    team.run(1, &["lock", "release"]).expect(5).says("is alive");
    // moto's clock says how long nobody has been heard of.
    let started = std::time::Instant::now();
    loop {
        let released = team.run(1, &["lock", "release"]);
        if released.code == Some(0) {
            released.says("Released the lock of");
            break;
        }
        assert!(started.elapsed().as_secs() < 60, "{}", released.said());
    }
    team.run(1, &["recover", "--back", "--yes"]).expect(0);
}

#[test]
fn a_state_moves_into_the_bucket_and_back() {
    let Some(team) = Team::new() else { return };
    let in_bucket = team.machines[0].text();
    let (local, _) = in_bucket.split_once("[state]").expect("a [state]");
    team.machines[0].write(local);
    team.run(0, &["apply", "--yes"]).expect(0);
    team.machines[0].write(&in_bucket);
    let world = team.world.path().display().to_string();
    team.run(0, &["state", "migrate", "--from", &world, "--yes"])
        .expect(0)
        .says("Moved the state");
    team.run(1, &["plan", "--detailed-exitcode"]).expect(0);
    team.run(1, &["state", "verify"]).expect(0);
    team.machines[0].write(local);
    team.run(0, &["plan"]).expect(5).says("was moved to");
    let from = format!(
        "s3://{}/clusters?region=us-east-1&endpoint=http://{}&lease=5s",
        team.bucket, team.moto
    );
    team.run(0, &["state", "migrate", "--from", &from, "--yes"])
        .expect(0);
    team.run(0, &["plan", "--detailed-exitcode"]).expect(0);
    team.run(1, &["plan"]).expect(5).says("was moved to");
}

/// Stopped for longer than its lease, and continued once somebody else has gone on.
#[test]
fn a_stopped_process_writes_nothing_after_it_lost_the_lock() {
    let Some(team) = Team::new() else { return };
    team.run(0, &["apply", "--yes"]).expect(0);
    team.machines[0].edit("replicas = 8", "replicas = 9");
    team.machines[0].edit("time = \"instant\"", "time = \"fast\"");
    let mut stopped = team.command(0, &["apply", "--yes", "--format", "json"]);
    // In a group of its own: a stopped process in an orphaned group has all of that hung up on.
    let stopped = stopped.stdout(Stdio::piped()).process_group(0);
    let mut stopped = stopped.spawn().expect("it runs");
    let mut lines = BufReader::new(stopped.stdout.take().expect("piped")).lines();
    let began = lines
        .by_ref()
        .any(|line| line.is_ok_and(|line| line.contains("step_progress")));
    assert!(began, "it is in the middle of a step");
    signal(&stopped, "STOP");
    let settled = team.run(1, &["apply", "--yes", "--lock-timeout", "120s"]);
    settled.expect(0).says("took over the lock");
    let history = team.run(1, &["state", "history"]).expect(0).stdout;
    signal(&stopped, "CONT");
    lines.for_each(drop);
    let code = stopped.wait().expect("ends").code();
    assert_eq!(code, Some(4), "it has lost the lock in the midst of its run");
    assert_eq!(team.run(1, &["state", "history"]).expect(0).stdout, history);
    team.run(1, &["state", "verify"]).expect(0);
    team.run(1, &["lock", "show"])
        .expect(0)
        .says("Nobody holds the lock.");
}

#[test]
fn without_a_manifest_the_state_in_a_bucket_is_named() {
    let Some(team) = Team::new() else { return };
    team.run(0, &["apply", "--yes"]).expect(0);
    let bucket = format!(
        "s3://{}/clusters?region=us-east-1&endpoint=http://{}&lease=5s",
        team.bucket, team.moto
    );
    let elsewhere = tempfile::tempdir().expect("a folder");
    let named = |args: &[&str], name: &str| {
        let mut command = team.command(0, args);
        command.current_dir(elsewhere.path());
        command.args(["--cluster", name, "--state", &bucket]);
        Ran::of(&mut command)
    };
    let listed = team.run(0, &["state", "list"]).expect(0).stdout;
    assert_eq!(named(&["state", "list"], "sandbox").expect(0).stdout, listed);
    assert_eq!(
        nodes(&named(&["status", "--format", "json"], "sandbox").expect(0).json()),
        5
    );
    named(&["state", "list"], "nobody")
        .expect(1)
        .says("there is no state of nobody in s3://");
    named(&["destroy", "--yes"], "sandbox").expect(0);
}

#[test]
fn what_a_bucket_needs_is_checked_and_shown() {
    let Some(team) = Team::new() else { return };
    team.run(0, &["state", "init"])
        .expect(0)
        .says("exactly one succeeds")
        .says("s3:ListBucket")
        .says("versioning");
    // What the lock leaves is there, and no state.
    let is_below = |key: &String| key.starts_with("clusters/sandbox.sim/");
    assert!(team.keys().iter().all(is_below), "{:?}", team.keys());
    team.run(0, &["state", "list"]).expect(1);
    team.run(0, &["apply", "--yes"]).expect(0);
    team.run(0, &["state", "init"]).expect(0);
    team.machines[0].edit(&format!("bucket = \"{}\"", team.bucket), "bucket = \"nowhere\"");
    team.run(0, &["state", "init"]).expect(1).says("NoSuchBucket");
}

#[test]
fn a_bucket_that_is_not_there_is_said() {
    let Some(team) = Team::new() else { return };
    let bucket = format!("bucket = \"{}\"", team.bucket);
    team.machines[0].edit(&bucket, "bucket = \"nowhere\"");
    let ran = team.run(0, &["apply", "--yes"]).expect(1);
    ran.says("NoSuchBucket").says("correct `bucket` under [state]");
}

#[test]
fn with_sim_alone_the_state_of_a_real_cluster_is_local() {
    let Some(team) = Team::new() else { return };
    team.machines[0].edit("provider = \"sim\"", "provider = \"aws\"");
    team.run(0, &["apply", "--yes"]).expect(0);
    assert_eq!(team.keys(), [""; 0]);
}
