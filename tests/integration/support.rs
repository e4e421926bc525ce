//! A cluster in an empty folder, and the built binary on it.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use subako_providers::sim::{Pace, SimOptions, Simulator};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the repository")
}

/// The binary, with an environment that no developer's machine leaks into.
pub fn subako() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_subako"));
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null());
    command
}

/// What a run of the binary gave.
#[derive(Debug, Clone)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(command: &mut Command) -> Self {
        Self::from(command.output().expect("the binary runs"))
    }

    /// Everything that was said, for messages.
    pub fn said(&self) -> String {
        format!(
            "exit {:?}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }

    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "expected exit {code}: {}", self.said());
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.said()))
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        let found = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(found, "expected to hear `{text}`: {}", self.said());
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let ran = Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        };
        assert_no_secret("standard output", &ran.stdout);
        assert_no_secret("standard error", &ran.stderr);
        ran
    }
}

/// Contents of secrets, which nothing else in the world contains.
pub const PASSWORD: &str = "correct-horse-battery-staple";
pub const CHANGED: &str = "tr0ub4dor-and-3";

/// What must never be seen anywhere: join tokens and private keys.
#[track_caller]
pub fn assert_no_secret(place: &str, text: &str) {
    assert!(!text.contains("SWMTKN-"), "{place} contains a join token");
    // A key's header may be named in a message; what follows it may not be its base64.
    for after in text.split("PRIVATE KEY-----").skip(1) {
        let body =
            after.trim_start_matches(|c: char| c.is_whitespace() || "│·|0123456789".contains(c) || c == '\\');
        let leaks = body
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || b"+/".contains(b))
            .count()
            >= 16;
        assert!(!leaks, "{place} contains a private key");
    }
}

/// A cluster in an empty folder.
pub struct Cluster {
    pub dir: tempfile::TempDir,
}

impl Cluster {
    /// The example cluster on instant time.
    pub fn sandbox() -> Self {
        Self::with(|text| text)
    }

    /// With more sections, of which [secret.password] may be kept in `password.txt`: before [sim], which
    /// comes last because its faults are appended to the end of the text.
    pub fn with_sections(sections: &str) -> Self {
        let cluster = Self::with(|text| {
            let (before, sim) = text.split_once("[sim]").expect("a [sim]");
            format!("{before}{sections}\n[sim]{sim}")
        });
        cluster.password(PASSWORD);
        cluster
    }

    /// Puts another content into `password.txt`.
    pub fn password(&self, text: &str) {
        fs::write(self.dir.path().join("password.txt"), text).expect("written");
    }

    /// The example cluster on instant time, its text edited.
    pub fn with(edit: impl FnOnce(String) -> String) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        fs::copy(
            root().join("examples/sandbox.pub"),
            dir.path().join("sandbox.pub"),
        )
        .expect("the key");
        let cluster = Self { dir };
        let text = fs::read_to_string(root().join("examples/sandbox.toml")).expect("the example");
        cluster.write(&edit(replace(&text, "time = \"fast\"", "time = \"instant\"")));
        cluster
    }

    pub fn manifest(&self) -> PathBuf {
        self.dir.path().join("cluster.toml")
    }

    pub fn write(&self, text: &str) {
        fs::write(self.manifest(), text).expect("the manifest is written");
    }

    pub fn text(&self) -> String {
        fs::read_to_string(self.manifest()).expect("the manifest")
    }

    /// Replaces a text that must be there, once.
    pub fn edit(&self, from: &str, to: &str) {
        self.write(&replace(&self.text(), from, to));
    }

    /// Sets the simulator's fault table.
    pub fn faults(&self, table: &str) {
        let text = self.text();
        let kept: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with("faults = "))
            .collect();
        let faults = if table.is_empty() {
            String::new()
        } else {
            format!("faults = [{table}]\n")
        };
        self.write(&format!("{}\n{faults}", kept.join("\n")));
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = subako();
        command.current_dir(self.dir.path()).args(args).arg("--sim");
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// Starts the binary, listening to signals even where the tests run in the background of a
    /// script, which ignores them. It is in a group of its own: where one process of an orphaned group
    /// is stopped, the kernel hangs up on all of that group.
    pub fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        if cfg!(target_os = "linux") {
            let mut listening = Command::new("env");
            listening
                .arg("--default-signal=INT,TERM,HUP")
                .arg(command.get_program())
                .args(command.get_args());
            for (name, value) in command.get_envs() {
                match value {
                    Some(value) => listening.env(name, value),
                    None => listening.env_remove(name),
                };
            }
            if let Some(folder) = command.get_current_dir() {
                listening.current_dir(folder);
            }
            command = listening;
        }
        command
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts")
    }

    pub fn apply(&self) -> Ran {
        self.run(&["apply", "--yes"])
    }

    /// The directory of the state.
    /// Applies what a rehearsal would refuse.
    pub fn apply_unrehearsed(&self) -> Ran {
        self.run(&["apply", "--yes", "--rehearse=false"])
    }

    pub fn state_dir(&self) -> PathBuf {
        self.dir.path().join(".subako/sandbox.sim")
    }

    pub fn state_file(&self) -> PathBuf {
        self.state_dir().join("state.json")
    }

    /// The resources in the state; none if there is no state.
    pub fn resources(&self) -> Vec<Value> {
        let Ok(text) = fs::read_to_string(self.state_file()) else {
            return Vec::new();
        };
        let state: Value = serde_json::from_str(&text).expect("the state is JSON");
        state["resources"].as_array().expect("resources").clone()
    }

    /// The simulated world, comparable.
    pub fn world(&self) -> Value {
        let options = SimOptions {
            seed: 20_221_003,
            time: Pace::Real,
            world_file: Some(self.state_dir().join("world.json")),
            ..SimOptions::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        runtime.block_on(async { Simulator::open(options).expect("the world opens").dump() })
    }

    pub fn status(&self) -> Value {
        self.run(&["status", "--format", "json"]).expect(0).json()
    }

    /// Nothing in the folder holds a secret.
    #[track_caller]
    pub fn assert_no_secret(&self) {
        for (place, text) in texts(self.dir.path()) {
            assert_no_secret(&place, &text);
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.assert_no_secret();
        }
    }
}

#[track_caller]
pub fn replace(text: &str, from: &str, to: &str) -> String {
    assert_eq!(
        text.matches(from).count(),
        1,
        "`{from}` must stand once in:\n{text}"
    );
    text.replacen(from, to, 1)
}

/// Every file below a folder, sorted.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path)
            } else {
                found.push(path)
            }
        }
    }
    found.sort();
    found
}

/// Every file below a folder, sorted: its path and what stands in it.
pub fn texts(dir: &Path) -> impl Iterator<Item = (String, String)> {
    files(dir).into_iter().map(|path| {
        let bytes = fs::read(&path).expect("readable");
        (
            path.display().to_string(),
            String::from_utf8_lossy(&bytes).into_owned(),
        )
    })
}

/// The world without what differs between two ways to the same place: the ids of services and
/// networks are not in it, tokens are taken out.
pub fn settled(mut world: Value) -> Value {
    fn scrub(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("subako:token");
                fields.remove("token");
                fields.remove("public_ip");
                fields.values_mut().for_each(scrub);
            }
            Value::Array(items) => items.iter_mut().for_each(scrub),
            _ => {}
        }
    }
    scrub(&mut world);
    world
}

/// Steps of a plan as `action address`, sorted.
pub fn steps(plan: &Value) -> Vec<String> {
    let mut steps: Vec<String> = plan["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| {
            format!(
                "{} {}",
                step["action"].as_str().expect("an action"),
                step["address"].as_str().expect("an address")
            )
        })
        .collect();
    steps.sort();
    steps
}

/// Sends a signal by the shell's own tool: the tests must not need a crate for it.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
}
