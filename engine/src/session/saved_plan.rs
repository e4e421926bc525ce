//! A plan in a file, between `plan --out` and `apply FILE`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use subako_state::{Address, Digest, Snapshot, StateError, read_file, write_atomically};

use crate::manifest::Variables;
use crate::plan::{Plan, Selection, Step, WRITTEN_BY};

/// The version of the file.
const FORMAT: u32 = 3;

/// What every format says of itself.
#[derive(Deserialize)]
struct Head {
    format_version: u32,
    #[serde(default)]
    plan: Writer,
}

#[derive(Default, Deserialize)]
struct Writer {
    written_by: Option<String>,
}

/// More than any plan has, bytes.
const LONGEST: u64 = 1 << 32;

/// What the file holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    format_version: u32,
    digest: Digest,
    /// SHA-256 over the whole plan, what its digest leaves out included.
    content: Digest,
    selection: Selection,
    /// Whether the world was read for it.
    pub refresh: bool,
    /// The values of the variables that the manifest refers to, so that who applies it need not
    /// have them. No content of a secret is among them.
    pub variables: Variables,
    /// The plan.
    pub plan: Plan,
}

/// Why a plan is not the one that was reviewed, or cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum SavedPlanError {
    /// The file cannot be read.
    #[error("failed to read {path}: {source}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] StateError),
    /// The plan cannot be written down.
    #[error("failed to write the plan down: {0}")]
    Render(#[from] serde_json::Error),
    /// The file is not what was saved.
    #[error("{path} is refused: {why}", path = .path.display())]
    Edited {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Planned again, it came out otherwise.
    #[error("the saved plan is stale: re-planning gives digest {now}, not {saved}")]
    Stale {
        /// The digest that was saved, short.
        saved: String,
        /// The digest now, short.
        now: String,
        /// What moved; never empty.
        moved: Vec<Moved>,
    },
}

/// Something that moved since a plan was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// It is a plan for another cluster: which one, and which was planned now.
    Cluster {
        /// Name and provider in the saved plan.
        saved: (String, String),
        /// Name and provider now.
        now: (String, String),
    },
    /// Account or region.
    Account,
    /// The state: its digest then and now, short, and its serial now.
    State {
        /// Then.
        saved: Option<String>,
        /// Now.
        now: Option<String>,
        /// The serial now.
        serial: u64,
    },
    /// What the manifest wants.
    Manifest,
    /// What the world is, for these resources.
    World(Vec<Address>),
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |digest: &Option<String>| digest.clone().unwrap_or_else(|| "none".to_owned());
        match self {
            Self::Cluster { saved, now } => write!(
                f,
                "it is a plan for {} on {}, not for {} on {}",
                saved.0, saved.1, now.0, now.1
            ),
            Self::Account => f.write_str("the account or region differs"),
            Self::State { saved, now, serial } => write!(
                f,
                "the state moved: it was {}, and is {} now (serial {serial})",
                name(saved),
                name(now)
            ),
            Self::Manifest => f.write_str(
                "the manifest was edited, or a variable or something that it looks up (an image, a subnet) has changed",
            ),
            Self::World(addresses) if addresses.is_empty() => f.write_str("the world moved"),
            Self::World(addresses) => write!(f, "the world moved: {}", super::error::list(addresses)),
        }
    }
}

impl SavedPlan {
    /// The file's content for a plan.
    pub fn new(plan: &Plan, refresh: bool, variables: Variables) -> Result<Self, SavedPlanError> {
        Ok(Self {
            format_version: FORMAT,
            digest: plan.digest.clone(),
            content: plan.content()?,
            selection: plan.selection.clone(),
            refresh,
            variables,
            plan: plan.clone(),
        })
    }

    /// Writes the file, for the owner alone.
    pub fn write(&self, path: &Path) -> Result<(), SavedPlanError> {
        Ok(write_atomically(path, &self.render()?)?)
    }

    fn render(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads the file, refusing anything but what [`Self::write`] wrote, byte for byte.
    pub fn read(path: &Path) -> Result<Self, SavedPlanError> {
        let bytes = read_file(path, LONGEST).map_err(|source| SavedPlanError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&bytes).map_err(|why| SavedPlanError::Edited {
            path: path.to_owned(),
            why,
        })
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let not_a_plan = |error: serde_json::Error| {
            format!("it is not a plan saved by `subako plan --out`, or it was edited ({error})")
        };
        let head: Head = serde_json::from_slice(bytes).map_err(not_a_plan)?;
        if head.format_version != FORMAT {
            let by = head.plan.written_by;
            return Err(format!(
                "it has format {}{}, and this program ({WRITTEN_BY}) knows format {FORMAT} only",
                head.format_version,
                by.map_or_else(String::new, |by| format!(", written by subako {by}")),
            ));
        }
        let saved: Self = serde_json::from_slice(bytes).map_err(not_a_plan)?;
        let sealed = saved.plan.sealed().map_err(|error| error.to_string())?;
        let content = saved.plan.content().map_err(|error| error.to_string())?;
        if saved.content != content {
            return Err("it was edited: its content is not what was saved".to_owned());
        }
        if saved.digest != sealed || saved.plan.digest != sealed || saved.selection != saved.plan.selection {
            return Err(format!(
                "it was edited: it says digest {}, but its content has {}",
                saved.digest.short(),
                sealed.short()
            ));
        }
        let rendered = saved.render().map_err(|error| error.to_string())?;
        if rendered != bytes {
            return Err("it was edited: it is not byte for byte what was saved".to_owned());
        }
        Ok(saved)
    }

    /// Refuses a plan that came out otherwise when it was planned again, naming what moved.
    pub fn compare(&self, again: &Plan, now: &Snapshot) -> Result<(), SavedPlanError> {
        if again.digest == self.digest {
            return Ok(());
        }
        Err(SavedPlanError::Stale {
            saved: self.digest.short().to_owned(),
            now: again.digest.short().to_owned(),
            moved: self.moved(again, now),
        })
    }

    /// What moved since the plan was saved; never empty.
    fn moved(&self, again: &Plan, now: &Snapshot) -> Vec<Moved> {
        let saved = &self.plan;
        let whose = |plan: &Plan| (plan.cluster.clone(), plan.provider.clone());
        let short = |digest: &Option<Digest>| digest.as_ref().map(|digest| digest.short().to_owned());
        let mut moved = Vec::new();
        if whose(saved) != whose(again) {
            moved.push(Moved::Cluster {
                saved: whose(saved),
                now: whose(again),
            });
        }
        if saved.account != again.account {
            moved.push(Moved::Account);
        }
        if saved.components.state != again.components.state {
            moved.push(Moved::State {
                saved: short(&saved.components.state),
                now: short(&again.components.state),
                serial: now.serial,
            });
        }
        if saved.components.manifest != again.components.manifest {
            moved.push(Moved::Manifest);
        }
        if moved.is_empty() {
            moved.push(Moved::World(differing(saved, again)));
        }
        moved
    }
}

/// The resources for which two plans differ, sorted.
fn differing(saved: &Plan, again: &Plan) -> Vec<Address> {
    /// What a plan says of a resource, but for the order of its steps.
    fn parts(plan: &Plan) -> BTreeMap<Address, Vec<String>> {
        let steps = plan.steps.iter().map(|step| {
            let step = Step {
                after_nodes: Vec::new(),
                ..step.clone()
            };
            (step.address.clone(), serde_json::to_string(&step))
        });
        let drift = plan
            .drift
            .iter()
            .map(|drift| (drift.address.clone(), serde_json::to_string(drift)));
        let refreshed = plan
            .refreshed
            .iter()
            .map(|new| (new.address.clone(), serde_json::to_string(&new.outputs)));
        let mut parts: BTreeMap<Address, Vec<String>> = BTreeMap::new();
        for (address, text) in steps.chain(drift).chain(refreshed) {
            parts.entry(address).or_default().push(text.unwrap_or_default());
        }
        parts
    }
    let (saved, again) = (parts(saved), parts(again));
    let addresses: BTreeSet<&Address> = saved.keys().chain(again.keys()).collect();
    addresses
        .into_iter()
        .filter(|address| saved.get(address) != again.get(address))
        .cloned()
        .collect()
}

#[cfg(test)]
#[path = "saved_plan_tests.rs"]
mod tests;
