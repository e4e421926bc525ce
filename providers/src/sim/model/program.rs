//! What becomes of a service's tasks: what the model makes of an image's name, of a command, and of
//! what a task needs of its host.
//!
//! | image's name contains | its tasks |
//! |---|---|
//! | `does-not-exist` | are rejected: no node can pull it |
//! | `crash-until-NAME` | end with an error until a task of the service NAME runs |
//! | `crash` | end with an error soon after their start |
//! | `unhealthy` | never pass their health check |
//! | `one-shot` | end without an error soon after their start |
//! | `slow-pull` | start only after a minute or more: the image is large |
//!
//! A command that a shell would end by itself ends: `true`, `false`, `sleep N`, and `sh -c` with
//! these, `exit N` and `echo …`, one after the other. Every other program runs for ever.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use subako_world::{HealthCheck, MountKind, Network, ServiceSpec};

use super::catalog::Range;
use crate::sim::names::Ms;

/// How long a node needs to pull an image, and a large one.
const PULL: (Ms, Ms) = (2_000, 8_000);
const SLOW_PULL: (Ms, Ms) = (60_000, 90_000);
/// How long a program runs that crashes.
const CRASHED_AFTER: Ms = 1_500;
/// How long a program runs that does one thing and ends.
const DONE_AFTER: Ms = 2_000;
/// How long a container is probed before it counts as unhealthy, where the spec does not say.
const UNHEALTHY_AFTER: Ms = 10_000;

/// Between two probes of a health check, and between those of its start period (Docker Engine 25, API
/// 1.44; before that they are an interval apart), where the spec does not say.
const PROBE_INTERVAL: Ms = 30_000;
const START_INTERVAL: Ms = 5_000;

/// Directories and files that a host of every image has before anybody has used it (Filesystem
/// Hierarchy Standard 3.0), with what the Docker Engine adds.
const PATHS: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/etc/group",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/localtime",
    "/etc/machine-id",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/resolv.conf",
    "/etc/ssh",
    "/etc/ssl",
    "/etc/ssl/certs",
    "/home",
    "/lib",
    "/lib/modules",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/run/docker.sock",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/share",
    "/usr/share/zoneinfo",
    "/usr/src",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/lib/docker",
    "/var/lib/docker/containers",
    "/var/lib/docker/volumes",
    "/var/log",
    "/var/run",
    "/var/run/docker.sock",
    "/var/spool",
    "/var/tmp",
];
/// Below these the kernel makes what there is.
const KERNEL: [&str; 3] = ["/proc/", "/sys/", "/dev/"];

/// Whether an image's name tells what its program does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Images {
    /// It does: the image is one of the simulated world.
    #[default]
    Telling,
    /// It does not: the image is a real one, and nothing is known of it or of the host's files.
    Unknown,
}

/// What the tasks of a service find in their swarm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    /// Its networks, by name.
    pub networks: &'a BTreeMap<String, Network>,
    /// The ranges of its nodes' own bridges.
    pub bridges: &'a [Range],
    /// What is known of the programs in images.
    pub images: Images,
}

/// What becomes of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fate {
    /// It runs.
    Runs,
    /// Its node refuses it, saying why.
    Rejected { why: String },
    /// Its program ends with an error `after` so long.
    Crashes { after: Ms },
    /// Likewise, until a task of a service runs.
    CrashesUntil { service: String },
    /// Its program ends without an error `after` so long.
    Completes { after: Ms },
    /// Its health check never passes, `after` so long.
    Unhealthy { after: Ms },
}

impl Fate {
    /// Of the tasks of a service.
    pub fn of(spec: &ServiceSpec, ground: &Ground<'_>) -> Self {
        let image = match ground.images {
            Images::Telling => spec.image.as_str(),
            Images::Unknown => "",
        };
        if image.contains("does-not-exist") {
            return Self::Rejected {
                why: format!("No such image: {image}"),
            };
        }
        if let Some(why) = refused(spec, ground) {
            return Self::Rejected { why };
        }
        if let Some((_, rest)) = image.split_once("crash-until-") {
            let name = rest.split([':', '/', '@']).next().unwrap_or_default();
            return Self::CrashesUntil {
                service: name.to_owned(),
            };
        }
        if image.contains("crash") {
            return Self::Crashes { after: CRASHED_AFTER };
        }
        if image.contains("unhealthy") {
            return Self::Unhealthy {
                after: probed_for(spec).unwrap_or(UNHEALTHY_AFTER),
            };
        }
        if image.contains("one-shot") {
            return Self::Completes { after: DONE_AFTER };
        }
        let program: Vec<&str> = spec
            .entrypoint
            .iter()
            .chain(&spec.command)
            .map(String::as_str)
            .collect();
        match ends(&program) {
            None => Self::Runs,
            Some(End { after, failed: false }) => Self::Completes { after },
            Some(End { after, failed: true }) => Self::Crashes { after },
        }
    }

    /// How long its program is up in one attempt; `None` for one that stays.
    pub fn runs_for(&self) -> Option<Ms> {
        match self {
            Self::Runs | Self::Rejected { .. } => None,
            Self::CrashesUntil { .. } => Some(CRASHED_AFTER),
            Self::Crashes { after } | Self::Completes { after } | Self::Unhealthy { after } => Some(*after),
        }
    }
}

/// The shortest and the longest that a node needs to pull an image.
pub(super) fn pull(image: &str) -> (Ms, Ms) {
    if image.contains("slow-pull") {
        SLOW_PULL
    } else {
        PULL
    }
}

/// The health check that a spec asks for, unless it switches that of its image off.
fn check(spec: &ServiceSpec) -> Option<&HealthCheck> {
    let check = spec.healthcheck.as_ref()?;
    let is_off = check.test.first().is_some_and(|word| word == "NONE");
    (!is_off && !check.test.is_empty()).then_some(check)
}

/// A time of the Engine API; 0 means that it is not set.
fn milliseconds(nanoseconds: Option<u64>, unset: Ms) -> Ms {
    match nanoseconds {
        None | Some(0) => unset,
        Some(ns) => ns / 1_000_000,
    }
}

/// How long a container that is healthy has started before it counts as running: until its first
/// probe, which comes after an interval, or earlier within the start period (moby, `daemon/health.go`;
/// swarmkit's `Start` waits for it).
pub(super) fn probed_after(spec: &ServiceSpec) -> Ms {
    let Some(check) = check(spec) else {
        return 0;
    };
    let interval = milliseconds(check.interval, PROBE_INTERVAL);
    match milliseconds(check.start_period, 0) {
        0 => interval,
        _ => interval.min(START_INTERVAL),
    }
}

/// Until a health check that never passes has failed for good.
fn probed_for(spec: &ServiceSpec) -> Option<Ms> {
    let check = check(spec)?;
    let probes =
        milliseconds(check.interval, PROBE_INTERVAL) * check.retries.filter(|most| *most > 0).unwrap_or(3);
    Some(probes + milliseconds(check.start_period, 0))
}

/// Why every node refuses a task of a service.
fn refused(spec: &ServiceSpec, ground: &Ground<'_>) -> Option<String> {
    let missing = |path: &str| {
        if ground.images == Images::Unknown {
            return false;
        }
        let path = if path == "/" {
            path
        } else {
            path.trim_end_matches('/')
        };
        !PATHS.contains(&path) && !KERNEL.iter().any(|root| path.starts_with(root))
    };
    let bound = spec.mounts.iter().filter(|mount| mount.kind == MountKind::Bind);
    if let Some(path) = bound
        .filter_map(|mount| mount.source.as_deref())
        .find(|path| missing(path))
    {
        return Some(format!(
            "invalid mount config for type \"bind\": bind source path does not exist: {path}"
        ));
    }
    // A manager takes a network in the range of a bridge, the nodes do not (moby#50011).
    let ranges = spec
        .networks
        .iter()
        .filter_map(|on| ground.networks.get(&on.name)?.spec.subnet.as_deref());
    let taken = ranges
        .filter_map(Range::parse)
        .any(|range| ground.bridges.iter().any(|bridge| bridge.overlaps(range)));
    taken.then(|| "invalid pool request: Pool overlaps with other one on this address space".to_owned())
}

/// How a program ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End {
    after: Ms,
    failed: bool,
}

/// How a program ends; `None` for one that runs on, as far as the model knows.
fn ends(program: &[&str]) -> Option<End> {
    match program {
        [shell, flag, script] if is_shell(shell) && flag.starts_with('-') && flag.ends_with('c') => {
            run(script)
        }
        [one, rest @ ..] => simple(one, rest),
        [] => None,
    }
}

fn is_shell(program: &str) -> bool {
    matches!(program.rsplit('/').next(), Some("sh" | "bash" | "ash" | "dash"))
}

/// A script of simple commands one after the other.
fn run(script: &str) -> Option<End> {
    let mut end = End {
        after: 0,
        failed: false,
    };
    let script = script.replace("&&", "\u{1}").replace(['\n', ';'], "\u{2}");
    let mut rest = script.as_str();
    while !rest.is_empty() {
        let at = rest.find(['\u{1}', '\u{2}']).unwrap_or(rest.len());
        let (command, after) = rest.split_at(at);
        let only_if = after.starts_with('\u{1}');
        let words: Vec<&str> = command.split_whitespace().collect();
        rest = after.get(1..).unwrap_or_default();
        let [name, arguments @ ..] = words.as_slice() else {
            continue;
        };
        if *name == "exit" {
            let code: u8 = arguments
                .first()
                .map_or(Some(u8::from(end.failed)), |code| code.parse().ok())?;
            return Some(End {
                failed: code != 0,
                ..end
            });
        }
        let one = simple(name, arguments)?;
        end = End {
            after: end.after + one.after,
            failed: one.failed,
        };
        if end.failed && only_if {
            return Some(end);
        }
    }
    Some(end)
}

fn simple(name: &str, arguments: &[&str]) -> Option<End> {
    let at_once = |failed| Some(End { after: 0, failed });
    match name.rsplit('/').next().unwrap_or(name) {
        "true" => at_once(false),
        "false" => at_once(true),
        "echo" => at_once(false),
        "sleep" => {
            let [length] = arguments else {
                return None;
            };
            let seconds: f64 = length.strip_suffix('s').unwrap_or(length).parse().ok()?;
            let length = Duration::try_from_secs_f64(seconds).ok()?;
            Some(End {
                after: u64::try_from(length.as_millis()).ok()?,
                failed: false,
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(words: &[&str]) -> Option<(Ms, bool)> {
        ends(words).map(|end| (end.after, end.failed))
    }

    #[test]
    fn commands_end_as_a_shell_would_end_them() {
        assert_eq!(ending(&["true"]), Some((0, false)));
        assert_eq!(ending(&["/bin/false"]), Some((0, true)));
        assert_eq!(ending(&["sleep", "2"]), Some((2_000, false)));
        assert_eq!(ending(&["sleep", "0.5s"]), Some((500, false)));
        assert_eq!(
            ending(&["sh", "-c", "echo migrating; sleep 2 && exit 0"]),
            Some((2_000, false))
        );
        assert_eq!(ending(&["sh", "-ec", "false && sleep 9"]), Some((0, true)));
        assert_eq!(
            ending(&["/bin/bash", "-c", "sleep 1; exit 3"]),
            Some((1_000, true))
        );
    }

    #[test]
    fn what_the_model_does_not_know_runs_on() {
        for program in [
            &["sleep", "infinity"][..],
            &["ping", "docker.com"],
            &["sh", "-c", "while true; do sleep 1; done"],
            &["sh", "-c", "serve"],
            &[],
        ] {
            assert_eq!(ending(program), None, "{program:?}");
        }
    }
}
