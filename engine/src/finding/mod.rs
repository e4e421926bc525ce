//! What the planner and the checks say of a plan.

pub mod planner;

use serde::{Deserialize, Serialize};
use subako_state::Address;

use crate::world::NextCommand;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The plan is refused.
    Error,
    /// The plan can be applied, but somebody should think about this.
    Warning,
    /// Good to know.
    Note,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// What keeps running when something fails.
    Availability,
    /// Whether there is room: addresses, memory, processors, quotas.
    Capacity,
    /// Names, ranges and ports that collide or do not exist.
    Network,
    /// Which node a task can run on.
    Placement,
    /// Who can reach what.
    Security,
    /// State and world against the manifest.
    #[default]
    State,
}

/// A check, as findings name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// A word that no other check has, for example `quorum`.
    pub id: &'static str,
    /// What it is about.
    pub category: Category,
    /// The rule that it holds plans to, and where that comes from, on one line.
    pub documentation: &'static str,
}

/// A place in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The section, the block and the key, as far as known: `service web constraints`.
    pub path: String,
}

/// What a check says of the place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wanted {
    pub section: &'static str,
    pub name: String,
    pub key: &'static str,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What was checked, for example `quorum`.
    #[serde(alias = "check")]
    pub id: String,
    /// The resource, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// What was found.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "help")]
    pub remedy: Option<String>,
    /// What to run for it, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<NextCommand>,
    /// What to write into the manifest for it, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paste: Vec<String>,
    /// What it is about.
    #[serde(default)]
    pub category: Category,
    /// Where the manifest says what it is about; `None` if it does not, or is not at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The rule behind it, on one line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub documentation: String,
    /// Where a check looks for the place.
    #[serde(skip)]
    pub(crate) wanted: Option<Wanted>,
}

impl Finding {
    /// A finding without address and remedy.
    pub fn new(severity: Severity, about: &About, message: impl Into<String>) -> Self {
        Self {
            severity,
            id: about.id.to_owned(),
            address: None,
            message: message.into(),
            remedy: None,
            next: Vec::new(),
            paste: Vec::new(),
            category: about.category,
            place: None,
            documentation: about.documentation.to_owned(),
            wanted: None,
        }
    }

    /// Makes it matter as somebody wants, and says why. What refuses a plan goes on doing so.
    pub(crate) fn matter(&mut self, severity: Severity, why: &str) {
        if self.severity != Severity::Error {
            self.severity = severity;
            self.message.push_str(&format!(" ({why})"));
        }
    }

    /// Says which resource it is about.
    #[must_use]
    pub fn about(mut self, address: Address) -> Self {
        self.address = Some(address);
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Says what to run for it, after the remedy's words.
    #[must_use]
    pub fn with_next(mut self, commands: impl IntoIterator<Item = NextCommand>) -> Self {
        self.next.extend(commands);
        self
    }

    /// Says what to write into the manifest for it, after the remedy's words.
    #[must_use]
    pub fn with_paste<T: Into<String>>(mut self, lines: impl IntoIterator<Item = T>) -> Self {
        self.paste.extend(lines.into_iter().map(Into::into));
        self
    }

    /// Says which key of the manifest it is about: `section` is as written (`ssh`, `pool`), and
    /// `name` tells blocks of the same section apart (empty where there is only one).
    #[must_use]
    pub fn at(mut self, section: &'static str, name: &str, key: &'static str) -> Self {
        self.wanted = Some(Wanted {
            section,
            name: name.to_owned(),
            key,
        });
        self
    }
}
