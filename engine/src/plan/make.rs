//! The planner's entry point.

use subako_state::{AccountId, Address, Digest, Snapshot};

use super::circle::{Circle, Circular};
use super::decide::{Decisions, Input, Turned, Unmet, decide};
use super::generations::Generations;
use super::ignore;
use super::known::Known;
use super::moved::Move;
use super::order::finish;
use super::purpose::Purpose;
use super::select::{NoMatch, select};
use super::step::{Operation, Step};
use super::steps;
use super::strays;
use super::types::{Components, PLAN_FORMAT, Plan, Refreshed, Selection, Summary, WRITTEN_BY};
use crate::desired::DesiredSet;
use crate::finding::{Finding, Severity, planner};
use crate::graph::{GraphError, ResourceGraph};
use crate::kind::Registry;
use crate::refresh::Observed;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The resources do not form a DAG.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A resource is of a kind that does not exist.
    #[error("{0} is of a kind that this version of Subako does not know")]
    UnknownKind(Address),
    /// A pattern of `--target`, `--exclude` or `--replace` names nothing.
    #[error("`{pattern}` matches no resource{}", meant(.near))]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// Addresses that may have been meant, sorted.
        near: Vec<Address>,
    },
    /// Steps would wait for each other.
    #[error("these steps would wait for each other: {}", .0.join(", "))]
    Circular(Vec<String>),
    /// The plan cannot be written down.
    #[error("failed to write the plan down: {0}")]
    Digest(String),
}

fn meant(near: &[Address]) -> String {
    let near: Vec<String> = near.iter().map(|address| format!("`{address}`")).collect();
    match near.is_empty() {
        true => String::new(),
        false => format!(": did you mean {}?", near.join(" or ")),
    }
}

/// What a plan is made of.
pub struct Planning<'a> {
    /// The kinds.
    pub registry: &'a Registry,
    /// What should be.
    pub desired: &'a DesiredSet,
    /// What the last run left.
    pub snapshot: &'a Snapshot,
    /// The digest of the snapshot's file; `None` if there is none.
    pub base: Option<Digest>,
    /// What is.
    pub observed: &'a Observed,
    /// What of the snapshot is recorded under another name still: it has the new ones here.
    pub moved: &'a [Move],
    /// Where.
    pub account: Option<AccountId>,
    /// Which part of it.
    pub selection: &'a Selection,
}

impl<'a> Planning<'a> {
    /// What should be: nothing after a destroy.
    pub(crate) fn wanted(&self, nothing: &'a DesiredSet) -> &'a DesiredSet {
        if self.selection.destroy {
            nothing
        } else {
            self.desired
        }
    }
}

/// Makes the plan, up to its seal: its findings are what the planner itself came across. The same
/// input gives the same plan, byte for byte.
pub fn draft(planning: &Planning<'_>) -> Result<Plan, PlanError> {
    let nothing = DesiredSet::default();
    let written = planning.wanted(&nothing);
    let known = Known::of(planning.snapshot, planning.observed, written);
    let (desired, ignored) = ignore::keep(planning.registry, written, &known.snapshot, &known.observed);
    let desired = desired.as_ref();
    let addresses = desired.resources.iter().map(|d| &d.address);
    for address in addresses.chain(known.snapshot.resources.iter().map(|r| &r.address)) {
        if planning.registry.get(address.kind()).is_none() {
            return Err(PlanError::UnknownKind(address.clone()));
        }
    }
    let graph = ResourceGraph::build(desired)?;
    let generations = Generations::of(&known.snapshot);
    let mut circular = Turned::new();
    let mut unmet = Unmet::new();
    // The claims of every circle so far.
    let mut met = Unmet::new();
    let mut given_up = false;
    let (mut decisions, steps, gates) = loop {
        let input = Input {
            registry: planning.registry,
            desired,
            graph: &graph,
            snapshot: &known.snapshot,
            observed: &known.observed,
            strays: &known.strays,
            found: &known.found,
            selection: planning.selection,
            generations: &generations,
            circular: &circular,
            unmet: &unmet,
        };
        let mut decisions = decide(&input);
        select(&input, &mut decisions)
            .map_err(|NoMatch { pattern, near }| PlanError::NoMatch { pattern, near })?;
        match finish(
            planning.registry,
            planning.observed.managers.as_ref(),
            steps::draft(&input, &decisions),
        ) {
            Ok((steps, gates)) => {
                decisions.findings.extend(strays::findings(&input, &decisions));
                break (decisions, steps, gates);
            }
            // Old before new is mostly possible where new before old is not.
            Err(Circular(circles)) => {
                for circle in &circles {
                    met.extend(taken(circle));
                    let found = decisions.to_turn(desired, circle, &circular);
                    if found.is_empty() && circle.claims.is_empty() {
                        // What was turned to get claims released in time has closed another circle.
                        if given_up || met.is_empty() {
                            return Err(PlanError::Circular(names(circle)));
                        }
                        given_up = true;
                        unmet.append(&mut met);
                        circular.clear();
                        break;
                    }
                    if found.is_empty() {
                        unmet.extend(taken(circle));
                    }
                    circular.extend(found);
                }
            }
        }
    };
    decisions.findings.extend(refused(&unmet));
    decisions.findings.extend(ignored);
    let summary = summarise(&steps, planning.snapshot);
    let refreshed = refreshed(&known.snapshot, &decisions);
    let mut plan = Plan {
        format_version: PLAN_FORMAT,
        written_by: WRITTEN_BY.to_owned(),
        digest: Digest::of(""),
        components: Components {
            manifest: written.digest(),
            state: planning.base.clone(),
            world: Digest::of(""),
            format: super::digest::of_format(),
        },
        cluster: planning.snapshot.cluster.clone(),
        provider: planning.snapshot.provider.clone(),
        account: planning.account.clone(),
        purpose: Purpose::Change,
        selection: planning.selection.clone(),
        summary,
        steps,
        gates,
        drift: decisions.drift,
        moved: planning.moved.to_vec(),
        refreshed,
        findings: decisions.findings,
        cost: None,
        rehearsal: None,
    };
    plan.components.world = plan.of_world().map_err(unwritable)?;
    Ok(plan)
}

fn unwritable(error: serde_json::Error) -> PlanError {
    PlanError::Digest(error.to_string())
}

impl Plan {
    /// Takes what the checks say, and seals the plan with its digest.
    pub fn seal(mut self, findings: Vec<Finding>) -> Result<Self, PlanError> {
        self.findings = findings;
        self.digest = self.sealed().map_err(unwritable)?;
        Ok(self)
    }
}

/// A claim that its holder cannot release before somebody else takes it refuses the plan.
fn refused(unmet: &Unmet) -> impl Iterator<Item = Finding> + '_ {
    unmet.iter().map(|((holder, taker), claim)| {
        let message = format!("it takes {claim}, which {holder} can only release afterwards");
        let help = format!(
            "do it in two steps: remove {claim} from the manifest for {taker} and apply, then put it back and apply again"
        );
        Finding::new(Severity::Error, &planner::CLAIMS, message)
            .about(taker.clone())
            .with_remedy(help)
    })
}

/// Who takes what from whom in a circle.
fn taken(circle: &Circle) -> Unmet {
    let claims = circle.claims.iter();
    claims
        .map(|edge| ((edge.from.clone(), edge.to.clone()), edge.claim.clone()))
        .collect()
}

fn names(circle: &Circle) -> Vec<String> {
    circle
        .steps
        .iter()
        .map(|(action, address)| format!("{action} {address}"))
        .collect()
}

fn summarise(steps: &[Step], snapshot: &Snapshot) -> Summary {
    let mut summary = Summary::default();
    let mut touched = 0;
    for step in steps {
        match step.operation {
            Operation::Create if step.replaces() => summary.replace += 1,
            Operation::Create => summary.create += 1,
            Operation::Update | Operation::Settle | Operation::Spread | Operation::Reform { .. } => {
                summary.update += 1;
            }
            Operation::Adopt => summary.adopt += 1,
            Operation::Delete | Operation::Forget | Operation::Vanish { .. } if step.replaces() => {}
            Operation::Forget => summary.forget += 1,
            Operation::Delete | Operation::Vanish { .. } => summary.delete += 1,
        }
        if step.before.is_some()
            && snapshot
                .get(&step.address)
                .is_some_and(|r| r.generation == step.generation)
        {
            touched += 1;
        }
    }
    let current = snapshot.resources.iter().filter(|r| !r.deposed).count() as u32;
    summary.unchanged = current.saturating_sub(touched);
    summary
}

fn refreshed(snapshot: &Snapshot, decisions: &Decisions) -> Vec<Refreshed> {
    decisions
        .refreshed
        .iter()
        .map(|(record, outputs)| Refreshed {
            address: snapshot.resources[*record].address.clone(),
            generation: snapshot.resources[*record].generation,
            outputs: outputs.clone(),
        })
        .collect()
}
