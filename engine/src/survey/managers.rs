//! The managers as a survey found them: who votes, and who of them lives.

use std::collections::BTreeMap;

/// How a manager was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It takes part.
    Alive,
    /// Nobody could tell.
    Unknown,
    /// Its machine is booting.
    Starting,
    /// Its machine runs and does not answer.
    Hung,
    /// Its machine is stopped.
    Stopped,
    /// Its machine is gone, or in no swarm any more.
    Gone,
}

impl Standing {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Unknown => "unknown",
            Self::Starting => "is starting",
            Self::Hung => "does not answer",
            Self::Stopped => "stopped",
            Self::Gone => "gone",
        }
    }
}

/// The voters of a swarm, by their manifest names; of two with one name, one has its node's id beside
/// it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Managers {
    /// How each was found.
    pub voters: BTreeMap<String, Standing>,
    /// Their node ids, where the swarm lists them.
    pub nodes: BTreeMap<String, String>,
    /// Whether the swarm answered through one of them.
    pub answered: bool,
}

impl Managers {
    /// How many have to be alive; 0 of none.
    pub fn quorum(&self) -> usize {
        match self.voters.len() {
            0 => 0,
            voters => voters / 2 + 1,
        }
    }

    /// How many are alive.
    pub fn alive(&self) -> usize {
        let alive = |standing: &&Standing| **standing == Standing::Alive;
        self.voters.values().filter(alive).count()
    }

    /// How many are not gone: at best so many are alive again.
    pub fn left(&self) -> usize {
        let left = |standing: &&Standing| **standing != Standing::Gone;
        self.voters.values().filter(left).count()
    }

    /// Those whose machines are there and do not answer, and how each was found.
    pub fn resting(&self) -> impl Iterator<Item = (&str, Standing)> {
        let rests = |standing: Standing| matches!(standing, Standing::Hung | Standing::Stopped);
        let voters = self.voters.iter();
        let voters = voters.map(|(name, standing)| (name.as_str(), *standing));
        voters.filter(move |(_, standing)| rests(*standing))
    }

    /// Whether too few are left to agree on anything: known to be dead, not only unseen.
    pub fn quorum_is_lost(&self) -> bool {
        let may_live = |standing: &&Standing| matches!(standing, Standing::Alive | Standing::Unknown);
        let most = self.voters.values().filter(may_live).count();
        !self.answered && most < self.quorum()
    }

    /// Whether it votes and is known to be dead.
    pub fn is_dead(&self, name: &str) -> bool {
        self.voters
            .get(name)
            .is_some_and(|standing| !matches!(standing, Standing::Alive | Standing::Unknown))
    }

    /// The dead ones, each with what became of it: `manager-0 (stopped)`.
    pub fn dead(&self) -> Vec<String> {
        let dead = self.voters.iter().filter(|(name, _)| self.is_dead(name));
        dead.map(|(name, standing)| format!("{name} ({})", standing.word()))
            .collect()
    }
}
