//! Families of what is tried, each of which can be switched on and off.

use std::collections::BTreeSet;

/// Every family: shapes of manifests, edits, drift, selections.
pub const ALL: [&str; 49] = [
    // shapes
    "pinned",
    "ranged",
    "host-ports",
    // edits
    "counts",
    "types",
    "images",
    "disks",
    "labels",
    "drain",
    "roles",
    "public-ip",
    "elastic",
    "tags",
    "pools",
    "rename-pool",
    "addresses",
    "services",
    "rename-service",
    "replicas",
    "service-image",
    "service-fields",
    "constraints",
    "modes",
    "ports",
    "move-ports",
    "networks",
    "rename-network",
    "ranges",
    "network-flags",
    "contents",
    "rename-content",
    "zones",
    "rules",
    "group",
    "key",
    "respellings",
    // drift
    "power",
    "by-hand",
    "doors",
    "retag",
    "old-state",
    // selections
    "target",
    "exclude",
    "replace",
    "destroy",
    // what befalls runs
    "faults",
    "kills",
    "losses",
    "parking",
];

/// The families that hold today: the ordinary tests try these.
pub const HOLDING: [&str; 42] = [
    "addresses",
    "constraints",
    "contents",
    "counts",
    "disks",
    "doors",
    "drain",
    "elastic",
    "faults",
    "group",
    "host-ports",
    "images",
    "key",
    "kills",
    "labels",
    "modes",
    "move-ports",
    "network-flags",
    "networks",
    "parking",
    "pinned",
    "pools",
    "ports",
    "power",
    "public-ip",
    "ranged",
    "ranges",
    "rename-content",
    "rename-network",
    "rename-pool",
    "rename-service",
    "replicas",
    "respellings",
    "retag",
    "roles",
    "rules",
    "service-fields",
    "service-image",
    "services",
    "tags",
    "types",
    "zones",
];

/// Which families are tried.
#[derive(Debug, Clone)]
pub struct Families(BTreeSet<&'static str>);

impl Families {
    /// All of them.
    pub fn all() -> Self {
        Self(ALL.into())
    }

    /// Those of a list `a,b`, or `holding`; with a minus sign (`-a,-b`) all but those. Fails at an unknown one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut chosen = BTreeSet::new();
        let mut without = BTreeSet::new();
        if text == "holding" {
            return Ok(Self::holding());
        }
        for word in text.split(',').filter(|word| !word.is_empty()) {
            let (into, name) = match word.strip_prefix('-') {
                Some(name) => (&mut without, name),
                None => (&mut chosen, word),
            };
            let known = ALL.iter().find(|known| **known == name);
            into.insert(
                *known.ok_or_else(|| format!("there is no family `{name}`; there are {}", ALL.join(", ")))?,
            );
        }
        if chosen.is_empty() {
            chosen = ALL.into();
        }
        Ok(Self(chosen.difference(&without).copied().collect()))
    }

    /// Those that hold today.
    pub fn holding() -> Self {
        Self(HOLDING.into())
    }

    /// Whether one is tried.
    pub fn has(&self, family: &str) -> bool {
        self.0.contains(family)
    }
}
