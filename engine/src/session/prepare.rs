//! Manifest and state → plan, with the world asked once.

use subako_state::{AccountId, Address, Snapshot};

use super::moves::Moves;
use super::{Knowledge, Session, SessionError};
use crate::check::Checked;
use crate::desired::DesiredSet;
use crate::kind::{Plane, Registry};
use crate::lower::{lower, needs, offered_first};
use crate::plan::{Ledger, Plan, Planning, Selection, draft};
use crate::refresh::{Observed, Survey, find, prices};
use crate::rehearsal::Setting;
use crate::world::{LookupAnswer, Residue, TypesAnswer};

/// What of the wanted resources a refresh looks at. No machine is asked for its swarm where
/// nothing on machines is recorded or targeted: the cloud's kinds need nothing else.
fn looked_at(
    registry: &Registry,
    desired: &DesiredSet,
    snapshot: &Snapshot,
    selection: &Selection,
) -> DesiredSet {
    let of_cloud = |address: &Address| registry.plane(address.kind()) == Some(Plane::Cloud);
    let targeted = |address: &Address| selection.target.iter().any(|pattern| address.matches(pattern));
    let wanted = desired.resources.iter().map(|wanted| &wanted.address);
    let on_machines = selection.target.is_empty()
        || snapshot
            .resources
            .iter()
            .any(|resource| !of_cloud(&resource.address))
        || wanted
            .into_iter()
            .any(|address| targeted(address) && !of_cloud(address));
    let mut looked_at = desired.clone();
    if !on_machines {
        looked_at.resources.retain(|wanted| of_cloud(&wanted.address));
    }
    looked_at
}

impl Session {
    /// Looks up, lowers, refreshes (unless told not to), plans, and rehearses the plan.
    pub async fn plan(
        &self,
        known: &Knowledge,
        selection: &Selection,
        with_refresh: bool,
    ) -> Result<Plan, SessionError> {
        if !selection.destroy {
            self.guard_parked(&known.snapshot)?;
        }
        let moves = Moves::of(&self.manifest, &known.snapshot, &self.registry, selection.destroy);
        // From here on everything has the name that it is to have.
        let known = &Knowledge {
            snapshot: moves.snapshot,
            ..known.clone()
        };
        let account = self.guard_account(&known.snapshot).await?;
        let (looked_up, types) =
            tokio::try_join!(self.look_up(&known.snapshot, selection), self.types(selection))?;
        let (mut desired, mut looked_up) = self.lower(&known.snapshot, selection, looked_up, &types)?;
        let (survey, observed) = if with_refresh {
            let looks_at =
                |desired: &DesiredSet| looked_at(&self.registry, desired, &known.snapshot, selection);
            let looked_at = looks_at(&desired);
            let (mut survey, mut observed) = self.read(&known.snapshot, &looked_at).await?;
            if let Some(all) = observed.with_found(&known.snapshot, &looked_at) {
                // What was decided once of what has lost its record (a zone, an image, a range) is
                // kept as well: what is wanted depends on what was found.
                let again = self.look_up(&all, selection).await?;
                (desired, looked_up) = self.lower(&all, selection, again, &types)?;
                observed = find(&self.registry, &mut survey, &known.snapshot, &looks_at(&desired)).await?;
            }
            observed.prices = prices(&self.world, &known.snapshot, &observed.strays).await;
            (Some(survey), observed)
        } else {
            (None, Observed::as_recorded(&known.snapshot))
        };
        let mut plan = draft(&Planning {
            registry: &self.registry,
            desired: &desired,
            snapshot: &known.snapshot,
            base: known.base.clone(),
            observed: &observed,
            moved: &moves.moves,
            account: Some(account.clone()),
            selection,
        })?;
        plan.findings.extend(moves.findings);
        // What was found counts for the checks as what is recorded.
        let with_found = observed.with_found(&known.snapshot, &desired);
        let ledger = Ledger {
            plan: &plan,
            snapshot: &known.snapshot,
            observed: &observed,
            registry: &self.registry,
            reach: looked_up.as_ref().map(|answer| &answer.reach),
            prices: &self.manifest.prices,
        };
        plan.cost = ledger.bill();
        let mut findings = self.checks.findings(&Checked {
            plan: &plan,
            desired: &desired,
            snapshot: with_found.as_ref().unwrap_or(&known.snapshot),
            managers: observed.managers.as_ref(),
            instances: survey.as_ref().map_or(&[][..], |survey| &survey.cloud.instances),
            registry: &self.registry,
            manifest: (!selection.destroy).then_some(&self.manifest),
            looked_up: looked_up.as_ref(),
            types: &types.known,
            missing_types: &types.missing,
        });
        self.set(&mut findings);
        let plan = plan.seal(findings)?;
        let setting = survey.as_ref().map(|survey| Setting {
            snapshot: &known.snapshot,
            survey,
            observed: &observed,
            looked_up: looked_up.as_ref(),
            types: &types.known,
            account: Some(&account),
        });
        Ok(self
            .rehearse(plan, &known.snapshot.resources, setting, selection.destroy)
            .await)
    }

    /// Reads the world once, and finds in it what is recorded and what is wanted.
    pub(super) async fn read(
        &self,
        snapshot: &Snapshot,
        wanted: &DesiredSet,
    ) -> crate::world::Result<(Survey, Observed)> {
        let mut survey = Survey::take(&self.world, snapshot, wanted).await?;
        let observed = find(&self.registry, &mut survey, snapshot, wanted).await?;
        Ok((survey, observed))
    }

    /// What the manifest needs looked up. A destroy wants nothing, and has nothing to look up.
    pub(super) async fn look_up(
        &self,
        snapshot: &Snapshot,
        selection: &Selection,
    ) -> Result<Option<LookupAnswer>, SessionError> {
        if selection.destroy {
            return Ok(None);
        }
        let needs = needs(&self.manifest, snapshot, &selection.replace);
        Ok(Some(self.world.cloud.lookup(&needs).await?))
    }

    /// What should be, and what was looked up for it.
    pub(super) fn lower(
        &self,
        snapshot: &Snapshot,
        selection: &Selection,
        looked_up: Option<LookupAnswer>,
        types: &TypesAnswer,
    ) -> Result<(DesiredSet, Option<LookupAnswer>), SessionError> {
        let Some(mut answer) = looked_up else {
            return Ok((DesiredSet::default(), None));
        };
        offered_first(&mut answer, &self.manifest, &types.known);
        let desired = lower(&self.manifest, snapshot, &selection.replace, &answer)?;
        Ok((desired, Some(answer)))
    }

    /// What should be, as the manifest says.
    pub(super) async fn desired(&self, snapshot: &Snapshot) -> Result<DesiredSet, SessionError> {
        let all = Selection::default();
        let (looked_up, types) = tokio::try_join!(self.look_up(snapshot, &all), self.types(&all))?;
        Ok(self.lower(snapshot, &all, looked_up, &types)?.0)
    }

    /// What the instance types of the manifest have. A destroy needs none.
    pub(super) async fn types(&self, selection: &Selection) -> Result<TypesAnswer, SessionError> {
        if selection.destroy {
            return Ok(TypesAnswer::default());
        }
        let pools = self.manifest.pools.iter().filter(|pool| pool.count > 0);
        let mut names: Vec<String> = pools.map(|pool| pool.instance_type.clone()).collect();
        names.sort();
        names.dedup();
        Ok(self.world.cloud.types(&names).await?)
    }

    /// Refuses to work for a manifest or on a state that belongs elsewhere.
    pub(super) async fn guard_account(&self, snapshot: &Snapshot) -> Result<AccountId, SessionError> {
        let account = self.world.cloud.account().await?;
        let found = AccountId {
            id: account.id,
            region: account.region,
        };
        // Only AWS has accounts: the simulator stands for any.
        let pinned = self.manifest.aws.account.as_ref();
        if let Some(wanted) = pinned.filter(|wanted| self.provider == "aws" && **wanted != found.id) {
            return Err(SessionError::PinnedAccount {
                wanted: wanted.clone(),
                found: found.id,
            });
        }
        match &snapshot.account {
            Some(recorded) if *recorded != found => Err(SessionError::WrongAccount {
                recorded: recorded.clone(),
                found,
            }),
            _ => Ok(found),
        }
    }

    /// What still carries the cluster's tags.
    pub async fn residue(&self) -> Result<Vec<Residue>, SessionError> {
        Ok(self.world.cloud.residue(&self.manifest.cluster.name).await?)
    }
}
