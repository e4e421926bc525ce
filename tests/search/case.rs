//! A case: everything that is tried, in one value that a seed gives and a file can hold.

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use subako_engine::plan::Selection;

use super::choose_edits::edits;
use super::cluster::Cluster;
use super::drift::{Drift, drift};
use super::edits::Edit;
use super::family::Families;
use super::generate;
use super::selections::{self, selection};
use super::trouble::{Attempt, Verb, attempts};

/// What a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Plans keep their word on a world without faults.
    Plans,
    /// Runs that fail and are killed can be gone on with.
    Runs,
}

/// A case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    pub mode: Mode,
    /// The simulator's seed.
    pub seed: u64,
    pub before: Cluster,
    pub edits: Vec<Edit>,
    pub drift: Vec<Drift>,
    /// What passes after the drift, seconds.
    pub passes: u64,
    pub selection: Selection,
    pub attempts: Vec<Attempt>,
}

impl Case {
    /// The case of a seed.
    pub fn of(mode: Mode, seed: u64, families: &Families) -> Self {
        let mut rng = Rng::with_seed(seed);
        let before = generate::cluster(&mut rng, families);
        let edits = edits(&mut rng, families, &before);
        let mut case = Self {
            mode,
            seed: seed % 16,
            before,
            edits,
            drift: Vec::new(),
            passes: *generate::pick(&mut rng, &[60, 60, 660]),
            selection: Selection::default(),
            attempts: Vec::new(),
        };
        match mode {
            Mode::Plans => {
                case.drift = drift(&mut rng, families, &case.before);
                let after = case.after();
                case.selection = selection(&mut rng, families, &after);
            }
            Mode::Runs => case.attempts = attempts(&mut rng, families, &case.before),
        }
        case
    }

    /// The manifest with the edits made.
    pub fn after(&self) -> Cluster {
        let mut after = self.before.clone();
        self.edits.iter().for_each(|edit| edit.make(&mut after));
        after
    }

    /// The families of what it tries, sorted.
    pub fn families(&self) -> Vec<&'static str> {
        let mut families: Vec<&'static str> = self.edits.iter().map(Edit::family).collect();
        families.extend(self.drift.iter().map(Drift::family));
        families.extend(selections::families(&self.selection));
        for attempt in &self.attempts {
            families.extend((!attempt.faults.is_empty()).then_some("faults"));
            families.extend(attempt.kill.map(|_| "kills"));
            families.extend((!attempt.lost.is_empty()).then_some("losses"));
            families.extend((attempt.verb == Verb::Park).then_some("parking"));
        }
        families.sort_unstable();
        families.dedup();
        families
    }

    /// The case as somebody would read it.
    pub fn words(&self) -> String {
        let mut out = format!("# before\n{}", self.before.toml(self.seed));
        let section = |out: &mut String, title: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                out.push_str(&format!("\n# {title}\n"));
                lines
                    .iter()
                    .for_each(|line| out.push_str(&format!("#   {line}\n")));
            }
        };
        section(
            &mut out,
            "edits",
            self.edits.iter().map(|edit| format!("{edit:?}")).collect(),
        );
        let mut drift: Vec<String> = self.drift.iter().map(|drift| format!("{drift:?}")).collect();
        if !drift.is_empty() {
            drift.push(format!("{} s pass", self.passes));
        }
        section(&mut out, "drift", drift);
        if self.selection != Selection::default() {
            section(&mut out, "selection", vec![format!("{:?}", self.selection)]);
        }
        let attempts = self
            .attempts
            .iter()
            .map(|attempt| format!("{attempt:?}"))
            .collect();
        section(&mut out, "runs", attempts);
        out
    }
}
