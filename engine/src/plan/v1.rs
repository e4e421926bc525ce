//! Plans of format 1: two records in one flat step, gates and order told from texts.
//!
//! A run that such a plan began is recovered by this program. Numbers of steps and gates stay as
//! they are, because the journal names steps by them and tokens are made from them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use subako_state::{AccountId, Address, Digest, Json};

use super::change::Change;
use super::gate::{self, GateKind};
use super::purpose::Purpose;
use super::reason::Reason;
use super::step::{self, Action, Operation, Record, Replacement};
use super::types::{self, Components, Drift, PLAN_FORMAT, Refreshed, Selection, Summary};
use crate::finding::Finding;

#[derive(Deserialize)]
pub(super) struct Plan {
    digest: Digest,
    cluster: String,
    provider: String,
    account: Option<AccountId>,
    desired: Digest,
    base: Option<Digest>,
    selection: Selection,
    summary: Summary,
    steps: Vec<Step>,
    gates: Vec<Gate>,
    drift: Vec<Drift>,
    #[serde(default)]
    refreshed: Vec<Refreshed>,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Gate {
    name: String,
    after_nodes: Vec<u32>,
}

#[derive(Deserialize)]
struct Step {
    address: Address,
    action: Action,
    #[serde(default)]
    replaces: bool,
    generation: u32,
    before: Option<Json>,
    after: Option<Json>,
    outputs: Option<Json>,
    recorded: Option<Json>,
    depended_on: Option<Vec<Address>>,
    #[serde(default)]
    made_with: BTreeMap<Address, u32>,
    was_made_with: Option<BTreeMap<Address, u32>>,
    was_protected: Option<bool>,
    #[serde(default)]
    depends_on: Vec<Address>,
    #[serde(default)]
    protect: bool,
    #[serde(default)]
    deposed: bool,
    #[serde(default)]
    changes: Vec<Change>,
    reason: Option<String>,
    gone_with: Option<Address>,
    #[serde(default)]
    past_the_line: bool,
    #[serde(default)]
    after_nodes: Vec<u32>,
}

/// How the reason of an old half that goes first began in this format.
const OLD_FIRST: &str = "the old one goes first";

impl Plan {
    pub(super) fn into_current(self) -> Result<types::Plan, serde_json::Error> {
        let old_first: BTreeSet<Address> = self
            .steps
            .iter()
            .filter(|step| step.replaces && step.says_old_first())
            .map(|step| step.address.clone())
            .collect();
        let gates = self.gates.into_iter().map(Gate::into_current);
        let mut plan = types::Plan {
            format_version: PLAN_FORMAT,
            written_by: types::WRITTEN_BY.to_owned(),
            digest: self.digest,
            components: Components {
                manifest: self.desired,
                state: self.base,
                world: Digest::of(""),
                format: super::digest::of_format(),
            },
            cluster: self.cluster,
            provider: self.provider,
            account: self.account,
            purpose: Purpose::Change,
            selection: self.selection,
            summary: self.summary,
            steps: self
                .steps
                .into_iter()
                .map(|step| step.into_current(&old_first))
                .collect(),
            gates: gates.collect::<Result<_, _>>()?,
            drift: self.drift,
            refreshed: self.refreshed,
            findings: self.findings,
            cost: None,
            rehearsal: None,
            moved: Vec::new(),
        };
        plan.components.world = plan.of_world()?;
        Ok(plan)
    }
}

impl Gate {
    fn into_current(self) -> Result<gate::Gate, serde_json::Error> {
        let name = self.name.as_str();
        let kind = |kind: &str| kind.to_owned();
        let of_old = name
            .strip_prefix("every old ")
            .and_then(|rest| rest.strip_suffix(" is gone"));
        let kind = if name == "the line of no return" {
            GateKind::Line
        } else if let Some(old) = of_old {
            GateKind::EveryOldGone(kind(old))
        } else if let Some(old) = name.strip_prefix("nothing new needs an old ") {
            GateKind::NoNewNeeds(kind(old))
        } else if let Some(old) = name.strip_prefix("nothing old needs a ") {
            GateKind::NoOldNeeds(kind(old))
        } else if let Some(wanted) = name.strip_prefix("every ") {
            GateKind::Every(kind(wanted))
        } else {
            return Err(serde::de::Error::custom(format!("format 1 has no gate `{name}`")));
        };
        Ok(gate::Gate {
            kind,
            after_nodes: self.after_nodes,
        })
    }
}

impl Step {
    fn says_old_first(&self) -> bool {
        self.reason
            .as_ref()
            .is_some_and(|reason| reason.starts_with(OLD_FIRST))
    }

    fn into_current(self, old_first: &BTreeSet<Address>) -> step::Step {
        let record = |spec: Option<&Json>, outputs: Option<&Json>| {
            spec.map(|spec| Record {
                spec: spec.clone(),
                outputs: outputs.cloned(),
                depends_on: self.depends_on.clone(),
                made_with: self.made_with.clone(),
                protect: self.protect,
                deposed: self.deposed,
            })
        };
        let outputs = self.outputs.as_ref();
        let mut before = match self.action {
            Action::Create | Action::Adopt => None,
            _ => record(self.recorded.as_ref().or(self.before.as_ref()), outputs),
        };
        if let Some(record) = &mut before {
            if let Some(depended_on) = &self.depended_on {
                record.depends_on.clone_from(depended_on);
            }
            if let Some(made_with) = &self.was_made_with {
                record.made_with.clone_from(made_with);
            }
            record.protect = self.was_protected.unwrap_or(record.protect);
        }
        let found = outputs.filter(|_| self.action == Action::Adopt);
        let replacement = self.replaces.then(|| {
            if old_first.contains(&self.address) {
                Replacement::OldFirst
            } else {
                Replacement::NewFirst
            }
        });
        step::Step {
            operation: match (self.action, &self.gone_with) {
                (Action::Create, _) => Operation::Create,
                (Action::Update, _) => Operation::Update,
                (Action::Delete, _) => Operation::Delete,
                (Action::Adopt, _) => Operation::Adopt,
                (Action::Forget, None) => Operation::Forget,
                (Action::Forget, Some(host)) => Operation::Vanish { host: host.clone() },
            },
            after: record(self.after.as_ref(), found),
            live: self.recorded.as_ref().and(self.before.clone()),
            address: self.address,
            generation: self.generation,
            replacement,
            before,
            unconverged: None,
            misnamed: None,
            changes: self.changes,
            reason: self.reason.map(Reason::Text),
            past_the_line: self.past_the_line,
            after_nodes: self.after_nodes,
        }
    }
}
