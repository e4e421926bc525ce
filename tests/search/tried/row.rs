//! One input and what has to come of it.

use std::collections::BTreeMap;
use std::time::Duration;

use subako_engine::check::Severity;
use subako_engine::manifest::Manifest;
use subako_engine::plan::{Plan, Selection};

use super::demo::{Demo, edited};
use crate::drift::Drift;
use crate::driver::{Driver, Exit};
use crate::family::Families;
use crate::generate;
use crate::plans::{accepted, applied, as_said, gone, nothing_to_do};
use crate::verdict::Verdict;

/// What has to come of a row.
#[derive(Debug, Clone)]
enum Ends {
    /// The plan is accepted and keeps every promise.
    Applies,
    /// The plan is accepted, and says that what it could not read is left for the next one.
    Partial,
    /// There is nothing to do.
    Unchanged,
    /// A finding of this id refuses it, and no rehearsal was needed to see it.
    Refused(&'static str),
    /// Its rehearsal alone refuses it, saying this.
    Foreseen(&'static str),
    /// The manifest is refused, saying this.
    Mistake(&'static str),
}

/// One input.
#[derive(Debug, Clone)]
pub struct Row {
    what: &'static str,
    before: Option<String>,
    after: String,
    drift: Vec<Drift>,
    selection: Selection,
    ends: Ends,
    /// Whether every task is one that runs on.
    runs_on: bool,
    says: Vec<(&'static str, Severity)>,
    way: Option<Way>,
}

/// What a refused plan's remedy says, as somebody does it.
#[derive(Debug, Clone)]
enum Way {
    /// Another manifest is applied as a whole, and then what was refused.
    First(String),
    /// Another manifest is applied as a whole instead.
    Instead(String),
    /// Everything is destroyed, and the manifest applied.
    AfterDestroy,
    /// A machine is stopped by hand, and the manifest applied.
    AfterStop(&'static str),
}

/// A cluster that is applied for the first time.
pub fn first(what: &'static str, demo: &Demo) -> Row {
    Row {
        what,
        before: None,
        after: demo.text(),
        drift: vec![],
        selection: Selection::default(),
        ends: Ends::Applies,
        runs_on: true,
        says: vec![],
        way: None,
    }
}

/// A cluster that is there, and is then another.
pub fn then(what: &'static str, before: &Demo, after: &Demo) -> Row {
    Row {
        before: Some(before.text()),
        ..first(what, after)
    }
}

/// A cluster that is there, and the same with other words.
#[track_caller]
pub fn edit(what: &'static str, demo: &Demo, edits: &[(&str, &str)]) -> Row {
    Row {
        after: edited(&demo.text(), edits),
        ..then(what, demo, demo)
    }
}

fn owned(patterns: &[&str]) -> Vec<String> {
    patterns.iter().map(|pattern| (*pattern).to_owned()).collect()
}

impl Row {
    pub fn target(mut self, patterns: &[&str]) -> Self {
        self.selection.target = owned(patterns);
        self
    }

    pub fn exclude(mut self, patterns: &[&str]) -> Self {
        self.selection.exclude = owned(patterns);
        self
    }

    pub fn replace(mut self, patterns: &[&str]) -> Self {
        self.selection.replace = owned(patterns);
        self
    }

    pub fn destroy(mut self) -> Self {
        self.selection.destroy = true;
        self
    }

    /// What happens outside before the change.
    pub fn drift(mut self, drift: impl IntoIterator<Item = Drift>) -> Self {
        self.drift.extend(drift);
        self
    }

    /// A finding of this id refuses it; `unfit`: what it names does not exist, or does not fit.
    pub fn refused(mut self, id: &'static str) -> Self {
        self.ends = Ends::Refused(id);
        self
    }

    /// Its remedy: the manifest of before is applied as a whole first, and then what was refused works.
    pub fn after_a_whole_apply(mut self) -> Self {
        self.way = self.before.clone().map(Way::First);
        self
    }

    /// Its remedy: this is applied as a whole first, and then what was refused works.
    pub fn after(mut self, demo: &Demo) -> Self {
        self.way = Some(Way::First(demo.text()));
        self
    }

    /// Its remedy: the manifest is applied as a whole instead.
    pub fn whole_instead(mut self) -> Self {
        self.way = Some(Way::Instead(self.after.clone()));
        self
    }

    /// Its remedy: this is applied as a whole instead.
    pub fn instead(mut self, demo: &Demo) -> Self {
        self.way = Some(Way::Instead(demo.text()));
        self
    }

    /// Its remedy: the manifest with other words is applied as a whole instead.
    #[track_caller]
    pub fn instead_with(mut self, edits: &[(&str, &str)]) -> Self {
        self.way = Some(Way::Instead(edited(&self.after, edits)));
        self
    }

    /// Its remedy: everything is destroyed and applied again.
    pub fn after_a_destroy(mut self) -> Self {
        self.way = Some(Way::AfterDestroy);
        self
    }

    /// Its remedy: a machine that hangs is stopped by hand, and the same is applied.
    pub fn after_a_stop(mut self, instance: &'static str) -> Self {
        self.way = Some(Way::AfterStop(instance));
        self
    }

    /// Only its rehearsal shows that it fails, and says this.
    pub fn foreseen(mut self, said: &'static str) -> Self {
        self.ends = Ends::Foreseen(said);
        self
    }

    pub fn mistake(mut self, said: &'static str) -> Self {
        self.ends = Ends::Mistake(said);
        self
    }

    /// What could not be read is left for the next apply, and the plan says so.
    pub fn partial(mut self) -> Self {
        self.ends = Ends::Partial;
        self.warns("refresh")
    }

    pub fn unchanged(mut self) -> Self {
        self.ends = Ends::Unchanged;
        self
    }

    /// Tasks end by themselves, now or at first, so that they are not counted one by one.
    pub fn ends_by_itself(mut self) -> Self {
        self.runs_on = false;
        self
    }

    /// The plan has a finding of this id.
    pub fn warns(mut self, id: &'static str) -> Self {
        self.says.push((id, Severity::Warning));
        self
    }

    pub fn notes(mut self, id: &'static str) -> Self {
        self.says.push((id, Severity::Note));
        self
    }

    async fn tried(&self) -> Result<(), String> {
        let driver = Driver::rehearsing(7);
        let env = environment();
        if let Some(before) = &self.before {
            let before = driver.parse_text(before, env.clone())?;
            kept(accepted(
                "first apply",
                &driver.apply(&before, &Selection::default()).await,
            ))?;
        }
        let after = match (driver.parse_text(&self.after, env), &self.ends) {
            (Err(said), Ends::Mistake(wanted)) if said.contains(wanted) => return Ok(()),
            (Err(said), _) => return Err(said),
            (Ok(_), Ends::Mistake(_)) => return Err("the manifest is accepted".to_owned()),
            (Ok(after), _) => after,
        };
        self.happen(&driver);
        driver.pass(Duration::from_secs(120)).await;
        if let Ends::Foreseen(said) = self.ends {
            let findings = driver.plan(&after).await?.findings;
            let mut errors = findings.iter().filter(|one| one.severity == Severity::Error);
            return match errors.any(|one| one.id == "rehearsal" && one.message.contains(said)) {
                true => Ok(()),
                false => Err(format!("no rehearsal says {said:?}: {findings:#?}")),
            };
        }
        if matches!(self.ends, Ends::Unchanged) {
            kept(nothing_to_do("nothing changes", "edit", &driver, &after).await)?;
        }
        let ended = driver.apply(&after, &self.selection).await;
        if let Some(plan) = &ended.plan {
            self.has_said(plan)?;
        }
        match (&ended.exit, &self.ends) {
            (Exit::Refused(why), Ends::Refused(id)) => {
                let mut ids = why.split("; ").filter_map(|why| why.split_once(": "));
                return match ids.any(|(said, _)| said == *id) {
                    true => self.follow(&driver, &after).await,
                    false => Err(format!("refused, but not by {id}: {why}")),
                };
            }
            (Exit::Unfit(_) | Exit::Early(_), Ends::Refused("unfit")) => {
                return self.follow(&driver, &after).await;
            }
            (other, Ends::Refused(id)) => return Err(format!("not refused by {id}: {other:?}")),
            _ => kept(accepted("change", &ended))?,
        }
        if self.selection != Selection::default() || matches!(self.ends, Ends::Partial) {
            let rest = driver.apply(&after, &Selection::default()).await;
            // What a part's destroy left on the hosts (engines installed, images pulled) is nothing
            // that a survey shows, so how long this takes is not foreseen.
            match self.selection.destroy {
                true => kept(applied("apply after a selection", &rest))?,
                false => kept(accepted("apply after a selection", &rest))?,
            }
        }
        match self.runs_on {
            true => kept(as_said("change", &driver, &after).await)?,
            false => kept(nothing_to_do("the next plan is empty", "change", &driver, &after).await)?,
        }
        kept(gone(&driver, &after).await)
    }

    /// Does what the remedy of a refused plan says, which has to work.
    async fn follow(&self, driver: &Driver, after: &Manifest) -> Result<(), String> {
        let what = |step: Result<(), String>| step.map_err(|why| format!("its remedy, followed: {why}"));
        let whole = Selection::default();
        match &self.way {
            None => return Ok(()),
            Some(Way::First(text)) => {
                let first = driver.parse_text(text, environment())?;
                what(kept(applied("way", &driver.apply(&first, &whole).await)))?;
                what(kept(accepted("way", &driver.apply(after, &self.selection).await)))?;
                if self.selection == whole {
                    what(kept(as_said("way", driver, after).await))?;
                }
            }
            Some(Way::Instead(text)) => {
                let instead = driver.parse_text(text, environment())?;
                what(kept(accepted("way", &driver.apply(&instead, &whole).await)))?;
                what(kept(as_said("way", driver, &instead).await))?;
            }
            Some(Way::AfterStop(instance)) => {
                driver
                    .sim
                    .stop_instance(instance)
                    .map_err(|error| error.to_string())?;
                what(kept(accepted("way", &driver.apply(after, &whole).await)))?;
                what(kept(as_said("way", driver, after).await))?;
            }
            Some(Way::AfterDestroy) => {
                what(kept(gone(driver, after).await))?;
                what(kept(accepted("way", &driver.apply(after, &whole).await)))?;
                what(kept(as_said("way", driver, after).await))?;
            }
        }
        what(kept(gone(driver, after).await))
    }

    fn happen(&self, driver: &Driver) {
        // Only the group's name is asked of it.
        let mut cluster = generate::cluster(&mut fastrand::Rng::with_seed(1), &Families::all());
        cluster.group = Some("group".to_owned());
        for drift in &self.drift {
            match drift {
                Drift::LostState => driver.lose_state(),
                other => other.happen(&driver.sim, &cluster),
            }
        }
    }

    fn has_said(&self, plan: &Plan) -> Result<(), String> {
        for (id, severity) in &self.says {
            let said = plan
                .findings
                .iter()
                .any(|finding| finding.id == *id && finding.severity == *severity);
            if !said {
                return Err(format!("no {severity:?} of {id}: {:#?}", plan.findings));
            }
        }
        Ok(())
    }
}

fn environment() -> BTreeMap<String, String> {
    BTreeMap::from([("SECRET".to_owned(), "hidden".to_owned())])
}

fn kept(step: Result<(), Verdict>) -> Result<(), String> {
    step.map_err(|verdict| format!("{verdict:?}"))
}

/// Tries all of them, and fails with those that end otherwise.
pub fn all(rows: &[Row]) {
    let mut failed = Vec::new();
    for row in rows {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        if let Err(why) = runtime.block_on(row.tried()) {
            failed.push(format!("{}: {why}", row.what));
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {}:\n{}",
        failed.len(),
        rows.len(),
        failed.join("\n")
    );
}

pub fn stop(instance: &str) -> Drift {
    Drift::Stop {
        instance: instance.into(),
    }
}

pub fn terminate(instance: &str) -> Drift {
    Drift::Terminate {
        instance: instance.into(),
    }
}

pub fn hang(instance: &str) -> Drift {
    Drift::Kill {
        instance: instance.into(),
    }
}
