//! A plan in a file, between `plan --out` and `apply FILE`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use subako_engine::plan::{Plan, Selection, Step};
use subako_state::{Address, Digest, Snapshot, write_atomically};

use crate::error::{CliError, Result};
use crate::render::report;

/// The version of the file.
const FORMAT: u32 = 1;

/// What the file holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    format_version: u32,
    digest: Digest,
    selection: Selection,
    /// Whether the world was read for it.
    pub refresh: bool,
    /// The plan.
    pub plan: Plan,
}

impl SavedPlan {
    /// The file's content for a plan.
    pub fn new(plan: &Plan, refresh: bool) -> Self {
        Self {
            format_version: FORMAT,
            digest: plan.digest.clone(),
            selection: plan.selection.clone(),
            refresh,
            plan: plan.clone(),
        }
    }

    /// Writes the file, for the owner alone.
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(write_atomically(path, &self.render()?)?)
    }

    fn render(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec(self)
            .map_err(|error| CliError::new(format!("failed to write the plan down: {error}")))?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads the file, refusing anything but what [`Self::write`] wrote, byte for byte.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| CliError::io("read", path.display(), &error))?;
        Self::parse(&bytes).map_err(|why| {
            CliError::refused(format!("{} is refused: {why}", path.display()))
                .help("nothing was changed; make a new plan with `subako plan --out FILE`")
        })
    }

    fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        let saved: Self = serde_json::from_slice(bytes).map_err(|error| {
            format!("it is not a plan saved by `subako plan --out`, or it was edited ({error})")
        })?;
        if saved.format_version != FORMAT {
            return Err(format!(
                "it has format {}, and this program knows format {FORMAT} only",
                saved.format_version
            ));
        }
        let sealed = saved.plan.sealed().map_err(|error| error.to_string())?;
        if saved.digest != sealed || saved.plan.digest != sealed || saved.selection != saved.plan.selection {
            return Err(format!(
                "it was edited: it says digest {}, but its content has {}",
                saved.digest.short(),
                sealed.short()
            ));
        }
        let rendered = saved.render().map_err(|error| error.message)?;
        if rendered != bytes {
            return Err("it was edited: it is not byte for byte what was saved".to_owned());
        }
        Ok(saved)
    }

    /// Refuses a plan that was made again and came out otherwise, naming what moved.
    pub fn compare(&self, again: &Plan, now: &Snapshot) -> Result<()> {
        if again.digest == self.digest {
            return Ok(());
        }
        let mut error = CliError::refused(format!(
            "the saved plan is stale: made again, it has digest {}, not {}",
            again.digest.short(),
            self.digest.short()
        ));
        for moved in self.moved(again, now) {
            error.message.push_str("\n  ");
            error.message.push_str(&moved);
        }
        Err(error.help("nothing was changed; look at the new plan with `subako plan`"))
    }

    /// What moved since the plan was saved; never empty.
    fn moved(&self, again: &Plan, now: &Snapshot) -> Vec<String> {
        let saved = &self.plan;
        let mut moved = Vec::new();
        if (&saved.cluster, &saved.provider) != (&again.cluster, &again.provider) {
            moved.push(format!(
                "it is a plan for {} on {}, not for {} on {}",
                saved.cluster, saved.provider, again.cluster, again.provider
            ));
        }
        if saved.account != again.account {
            moved.push("the account or region is another one".to_owned());
        }
        if saved.base != again.base {
            let name = |digest: &Option<Digest>| {
                digest
                    .as_ref()
                    .map_or_else(|| "none".to_owned(), |digest| digest.short().to_owned())
            };
            moved.push(format!(
                "the state moved: it was {}, and is {} now (serial {})",
                name(&saved.base),
                name(&again.base),
                now.serial
            ));
        }
        if saved.desired != again.desired {
            moved.push(
                "the manifest was edited, or a variable or something that it looks up (an image, a subnet) has changed"
                    .to_owned(),
            );
        }
        if moved.is_empty() {
            let differing = differing(saved, again);
            moved.push(if differing.is_empty() {
                "the world moved".to_owned()
            } else {
                format!("the world moved: {}", report::list(&differing))
            });
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

/// Refuses a plan that does not have the digest asked for.
pub fn expect(plan: &Plan, expected: &str) -> Result<()> {
    if plan.digest.is_named_by(expected) {
        return Ok(());
    }
    let digits = expected.strip_prefix("sha256:").unwrap_or(expected);
    let error = if digits.len() < 12 {
        CliError::refused(format!(
            "--expect {expected}: at least the first twelve digits are needed"
        ))
    } else {
        CliError::refused(format!(
            "the plan has digest {}, not {expected}: the manifest, the state or the world is not what was reviewed",
            plan.digest
        ))
    };
    Err(error.help("nothing was changed; look at the plan with `subako plan`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::render::samples;

    fn sealed() -> Plan {
        let mut plan = samples::plan(vec![samples::create("instance.a", &[])]);
        plan.digest = plan.sealed().expect("sealed");
        plan
    }

    #[test]
    fn a_saved_plan_is_read_again_and_no_byte_of_it_may_change() {
        let bytes = SavedPlan::new(&sealed(), true).render().expect("rendered");
        assert_eq!(SavedPlan::parse(&bytes).expect("whole").plan, sealed());
        for index in 0..bytes.len() {
            for mask in [1u8, 2, 4, 8, 16, 32, 64, 128] {
                let mut changed = bytes.clone();
                changed[index] ^= mask;
                assert!(
                    SavedPlan::parse(&changed).is_err(),
                    "byte {index} with {mask} flipped"
                );
            }
            assert!(SavedPlan::parse(&bytes[..index]).is_err(), "cut at {index}");
        }
    }

    #[test]
    fn a_stale_plan_names_what_moved() {
        let saved = SavedPlan::new(&sealed(), true);
        let now = Snapshot::empty("l".into(), "sandbox".into(), "sim".into());
        assert!(saved.compare(&sealed(), &now).is_ok());
        let message = |change: fn(&mut Plan)| {
            let mut again = sealed();
            change(&mut again);
            again.digest = again.sealed().expect("sealed");
            let error = saved.compare(&again, &now).expect_err("it moved");
            assert_eq!(error.exit, Exit::Refused);
            error.message
        };
        let state = message(|plan| plan.base = Some(Digest::of("x")));
        assert!(state.contains("the state moved: it was none"), "{state}");
        let manifest = message(|plan| plan.desired = Digest::of("x"));
        assert!(manifest.contains("the manifest was edited"), "{manifest}");
        let world = message(|plan| plan.steps[0].reason = Some("gone".into()));
        assert!(world.contains("the world moved: instance.a"), "{world}");
    }

    #[test]
    fn another_digest_than_expected_is_refused() {
        let plan = sealed();
        assert!(expect(&plan, plan.digest.as_str()).is_ok());
        assert!(expect(&plan, plan.digest.short()).is_ok());
        for wrong in ["", "abc", "000000000000", &plan.digest.hex()[1..]] {
            assert_eq!(
                expect(&plan, wrong).expect_err("refused").exit,
                Exit::Refused,
                "{wrong}"
            );
        }
    }
}
