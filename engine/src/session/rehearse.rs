//! Plans are rehearsed before they are shown.

use std::sync::Arc;

use subako_state::Resource;

use super::Session;
use crate::check::locate;
use crate::finding::Severity;
use crate::plan::{Because, Plan, Rehearsal};
use crate::rehearsal::{Playing, Setting, play, refusal, scene};
use crate::world::Rehearse;

/// Whether plans are rehearsed, and where.
#[derive(Clone, Default)]
pub enum Rehearsing {
    /// They are not, and say nothing of it.
    #[default]
    Silent,
    /// They are not, because nobody wants it; what says so, one clause.
    Off(String),
    /// They are, in a model.
    On {
        /// Makes the model.
        model: Arc<dyn Rehearse>,
        /// Plans of more steps are not; `None` for no limit.
        most: Option<usize>,
        /// How many steps may be in flight at once.
        parallelism: usize,
    },
}

impl<W> Session<W> {
    /// Says whether its plans are rehearsed.
    #[must_use]
    pub fn with_rehearsal(mut self, rehearsing: Rehearsing) -> Self {
        self.rehearsing = rehearsing;
        self
    }
}

impl Session {
    /// The plan with what its rehearsal gave, if it does anything; `setting` is `None` where the
    /// world was not read. One that fails there is refused.
    pub(super) fn rehearse(
        &self,
        mut plan: Plan,
        resources: &[Resource],
        setting: Option<Setting<'_>>,
        destroys: bool,
    ) -> Plan {
        if plan.steps.is_empty() {
            return plan;
        }
        let Some(rehearsal) = self.rehearsal_of(&plan, resources, setting) else {
            return plan;
        };
        if let Some(mut finding) = refusal(&rehearsal) {
            if !destroys {
                locate(&mut finding, &self.manifest);
            }
            plan.findings.push(finding);
            plan.findings.sort();
        }
        plan.rehearsal = Some(rehearsal);
        plan
    }

    fn rehearsal_of(
        &self,
        plan: &Plan,
        resources: &[Resource],
        setting: Option<Setting<'_>>,
    ) -> Option<Rehearsal> {
        let (model, most, parallelism) = match &self.rehearsing {
            Rehearsing::Silent => return None,
            Rehearsing::Off(why) => return Some(Rehearsal::not(Because::NotWanted, why.clone())),
            Rehearsing::On {
                model,
                most,
                parallelism,
            } => (model, *most, *parallelism),
        };
        let not = |because, reason: &str| Some(Rehearsal::not(because, reason));
        if plan
            .findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
        {
            return not(Because::Refused, "the plan is refused as it is");
        }
        let Some(setting) = setting else {
            return not(Because::NotRead, "the world was not read");
        };
        if let Some(most) = most.filter(|most| plan.steps.len() > *most) {
            let reason =
                format!("a plan of more than {most} steps is rehearsed only when asked to (--rehearse)");
            return not(Because::TooLarge, &reason);
        }
        let scene = match scene(setting, plan) {
            Ok(scene) => scene,
            Err(why) => return not(Because::SwarmUnreadable, &why),
        };
        let playing = Playing {
            registry: &self.registry,
            plan,
            resources,
            scene: &scene,
            parallelism,
        };
        Some(play(&playing, model.as_ref()))
    }
}
