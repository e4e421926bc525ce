//! Counts of what came of cases, by promise and by cause.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::case::Case;
use super::verdict::{Verdict, Violation, plain};

/// What came of many cases.
#[derive(Debug, Default)]
pub struct Report {
    pub cases: u64,
    pub kept: u64,
    pub invalid: u64,
    refused: BTreeMap<String, u64>,
    broken: BTreeMap<(&'static str, String), Tally>,
}

#[derive(Debug)]
struct Tally {
    count: u64,
    families: BTreeMap<&'static str, u64>,
    /// The simplest case: how much is in it, its seed, and what happened.
    simplest: (usize, u64, String),
}

impl Report {
    /// Counts a case.
    pub fn add(&mut self, seed: u64, case: &Case, verdict: &Verdict) {
        self.cases += 1;
        match verdict {
            Verdict::Kept => self.kept += 1,
            Verdict::Invalid => self.invalid += 1,
            Verdict::Refused(why) => *self.refused.entry(plain(why)).or_default() += 1,
            Verdict::Broken(violation) => self.breach(seed, case, violation),
        }
    }

    fn breach(&mut self, seed: u64, case: &Case, violation: &Violation) {
        let families = case.families();
        let size = families.len() * 100 + case.before.toml(0).lines().count();
        let entry = (size, seed, violation.detail.clone());
        let tally = self
            .broken
            .entry((violation.property, violation.cause.clone()))
            .or_insert_with(|| Tally {
                count: 0,
                families: BTreeMap::new(),
                simplest: entry.clone(),
            });
        tally.count += 1;
        for family in families {
            *tally.families.entry(family).or_default() += 1;
        }
        if entry < tally.simplest {
            tally.simplest = entry;
        }
    }

    /// How many promises were broken.
    pub fn violations(&self) -> u64 {
        self.broken.values().map(|tally| tally.count).sum()
    }

    /// The seeds of the simplest cases, the most frequent causes first.
    pub fn seeds(&self) -> Vec<u64> {
        self.ranked()
            .into_iter()
            .map(|(_, tally)| tally.simplest.1)
            .collect()
    }

    fn ranked(&self) -> Vec<(&(&'static str, String), &Tally)> {
        let mut ranked: Vec<_> = self.broken.iter().collect();
        ranked.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.count));
        ranked
    }

    /// Everything, for people.
    pub fn words(&self, took: Duration) -> String {
        let refused: u64 = self.refused.values().sum();
        let mut out = format!(
            "{} cases in {:.1} s ({:.0} a second): {} kept, {} violations, {refused} refused, {} no manifest\n",
            self.cases,
            took.as_secs_f64(),
            self.cases as f64 / took.as_secs_f64().max(0.001),
            self.kept,
            self.violations(),
            self.invalid,
        );
        for ((property, cause), tally) in self.ranked() {
            let mut families: Vec<_> = tally.families.iter().collect();
            families.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let families: Vec<String> = families
                .iter()
                .take(5)
                .map(|(family, count)| format!("{family} {count}"))
                .collect();
            let _ = writeln!(
                out,
                "{:6}  {property}: {cause}\n        seed {}; {}\n        {}",
                tally.count,
                tally.simplest.1,
                families.join(", "),
                tally.simplest.2,
            );
        }
        let mut refused: Vec<_> = self.refused.iter().collect();
        refused.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (why, count) in refused {
            let _ = writeln!(out, "{count:6}  refused: {why}");
        }
        out
    }
}
