//! The commands of the program that a message can name as what to do next.
//!
//! A message carries the command, not its text: only the renderer knows which options the user
//! typed, and what has to be quoted.

use serde::{Deserialize, Serialize};

/// A command to run next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextCommand {
    /// The command that was typed, as it was typed.
    Again,
    /// The command that was typed, with `--yes`.
    AgainWithYes,
    /// `apply`.
    Apply,
    /// `apply FILE`: a saved plan.
    ApplySaved(String),
    /// `apply --expect DIGEST`, with what else was chosen: a saved plan, a selection.
    ApplyExpecting {
        /// The whole digest.
        digest: String,
        /// More words of the command.
        more: Vec<String>,
    },
    /// `destroy`.
    Destroy,
    /// `graph`.
    Graph,
    /// `lock show`.
    LockShow,
    /// `new DIR`.
    New(Option<String>),
    /// `output`.
    Output,
    /// `park`.
    Park,
    /// `plan`.
    Plan,
    /// `plan --drift`.
    PlanDrift,
    /// `plan --full --out FILE`, with what else was chosen: all that there is to see of a plan.
    PlanFull {
        /// The file.
        file: String,
        /// More words of the command.
        more: Vec<String>,
    },
    /// `plan --out FILE`.
    PlanOut(String),
    /// `policy`.
    Policy,
    /// `policy --kms`.
    PolicyWithKms,
    /// `rebalance`.
    Rebalance,
    /// `recover --back`.
    RecoverBack,
    /// `recover --forward`.
    RecoverForward,
    /// `recover --quorum`.
    RecoverQuorum,
    /// `resume`.
    Resume,
    /// `schema`.
    Schema,
    /// `state history`.
    StateHistory,
    /// `state list`.
    StateList,
    /// `state mv FROM TO`.
    StateMv(String, String),
    /// `state rebuild`.
    StateRebuild,
    /// `state restore SERIAL`.
    StateRestore(u64),
    /// `state rm ADDRESS`.
    StateRm(String),
    /// `state unpin`.
    StateUnpin,
    /// `status`.
    Status,
    /// `validate`.
    Validate,
}

/// A path that cannot be taken for an option.
pub fn no_option(path: &str) -> String {
    match path.starts_with('-') {
        true => format!("./{path}"),
        false => path.to_owned(),
    }
}

impl NextCommand {
    /// The words after the program's name, without the options of every command; `None` for a
    /// command that only whoever typed it knows.
    pub fn words(&self) -> Option<Vec<String>> {
        let words: &[&str] = match self {
            Self::Again | Self::AgainWithYes => return None,
            Self::Apply => &["apply"],
            Self::ApplySaved(file) => return Some(vec!["apply".into(), no_option(file)]),
            Self::ApplyExpecting { digest, more } => {
                let words = ["apply", "--expect", digest].map(str::to_owned);
                return Some(words.into_iter().chain(more.iter().cloned()).collect());
            }
            Self::Destroy => &["destroy"],
            Self::Graph => &["graph"],
            Self::LockShow => &["lock", "show"],
            Self::New(None) => &["new"],
            Self::New(Some(directory)) => return Some(vec!["new".into(), no_option(directory)]),
            Self::Output => &["output"],
            Self::Park => &["park"],
            Self::Plan => &["plan"],
            Self::PlanDrift => &["plan", "--drift"],
            Self::PlanFull { file, more } => {
                let words = ["plan".into(), "--full".into(), "--out".into(), no_option(file)];
                return Some(words.into_iter().chain(more.iter().cloned()).collect());
            }
            Self::PlanOut(file) => return Some(vec!["plan".into(), "--out".into(), no_option(file)]),
            Self::Policy => &["policy"],
            Self::PolicyWithKms => &["policy", "--kms"],
            Self::Rebalance => &["rebalance"],
            Self::RecoverBack => &["recover", "--back"],
            Self::RecoverForward => &["recover", "--forward"],
            Self::RecoverQuorum => &["recover", "--quorum"],
            Self::Resume => &["resume"],
            Self::Schema => &["schema"],
            Self::StateHistory => &["state", "history"],
            Self::StateList => &["state", "list"],
            Self::StateMv(from, to) => &["state", "mv", from, to],
            Self::StateRebuild => &["state", "rebuild"],
            Self::StateRestore(serial) => {
                return Some(vec!["state".into(), "restore".into(), serial.to_string()]);
            }
            Self::StateRm(address) => &["state", "rm", address],
            Self::StateUnpin => &["state", "unpin"],
            Self::Status => &["status"],
            Self::Validate => &["validate"],
        };
        Some(words.iter().map(|word| (*word).to_owned()).collect())
    }

    /// Whether it works on a cluster of which there is no manifest at hand: it only looks, or repairs.
    pub fn needs_no_manifest(&self) -> bool {
        matches!(
            self,
            Self::Destroy
                | Self::LockShow
                | Self::Output
                | Self::PlanDrift
                | Self::RecoverBack
                | Self::RecoverForward
                | Self::RecoverQuorum
                | Self::StateHistory
                | Self::StateList
                | Self::StateRestore(_)
                | Self::StateRm(_)
                | Self::StateUnpin
                | Self::Status
        )
    }

    /// Whether it works on a cluster, so that it needs to be told which.
    pub fn needs_a_cluster(&self) -> bool {
        !matches!(
            self,
            Self::New(_) | Self::Policy | Self::PolicyWithKms | Self::Schema
        )
    }
}
