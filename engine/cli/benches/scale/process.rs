//! One run of the binary, and what it used.
//!
//! The system counts what a process's children used, all of them together. So every run gets a
//! parent of its own: this program again, which starts it, waits, and tells.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde::{Deserialize, Serialize};

/// The first argument of the parent of a run.
pub const MEASURED: &str = "--measured";

/// What a run used.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Used {
    /// User and system time.
    pub cpu_ms: f64,
    /// From its start to its end.
    pub elapsed_ms: f64,
    /// The most memory it had at once.
    pub peak_mib: f64,
}

/// Why the benchmark cannot go on: fits "failed to {…}".
#[derive(Debug)]
pub struct Failed(String);

impl Failed {
    /// From what was tried and why it failed.
    pub fn to(doing: &str, why: impl fmt::Display) -> Self {
        Self(format!("{doing}: {why}"))
    }

    /// For `map_err`.
    pub fn of<E: fmt::Display>(doing: &str) -> impl FnOnce(E) -> Self {
        move |why| Self::to(doing, why)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Runs the binary, its standard output into a file or nowhere. Anything but success is an error.
pub fn subako(out: Option<&Path>, arguments: &[&str]) -> Result<Used, Failed> {
    let doing = format!("run subako {}", arguments.join(" "));
    let this = std::env::current_exe().map_err(Failed::of("find this program"))?;
    let parent = Command::new(this)
        .arg(MEASURED)
        .arg(out.unwrap_or(Path::new("/dev/null")))
        .arg(env!("CARGO_BIN_EXE_subako"))
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .map_err(Failed::of(&doing))?;
    if !parent.status.success() {
        return Err(Failed::to(
            &doing,
            String::from_utf8_lossy(&parent.stderr).trim_end(),
        ));
    }
    serde_json::from_slice(&parent.stdout).map_err(Failed::of(&doing))
}

/// As the parent of a run: starts it, waits, and writes what it used to standard output.
pub fn measure_and_tell(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match measure(arguments) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(failed) => {
            eprintln!("failed to {failed}");
            ExitCode::FAILURE
        }
    }
}

fn measure(mut arguments: impl Iterator<Item = OsString>) -> Result<String, Failed> {
    let (Some(out), Some(program)) = (arguments.next(), arguments.next()) else {
        return Err(Failed::to("measure", "a file and a program are expected"));
    };
    let out = File::create(out).map_err(Failed::of("write the output"))?;
    let began = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdout(out)
        .status()
        .map_err(Failed::of("start the program"))?;
    let elapsed_ms = began.elapsed().as_secs_f64() * 1e3;
    if !status.success() {
        return Err(Failed::to("succeed", status));
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(Failed::of("read what it used"))?;
    let used = Used {
        cpu_ms: (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e3,
        elapsed_ms,
        peak_mib: usage.max_rss() as f64 / UNITS_PER_MIB,
    };
    serde_json::to_string(&used).map_err(Failed::of("tell what it used"))
}

/// The resident set is counted in KiB, by macOS in bytes (getrusage(2)).
const UNITS_PER_MIB: f64 = if cfg!(target_os = "macos") {
    1_048_576.0
} else {
    1_024.0
};
