//! What a kind of resource is: typed where it is written, erased where it is planned and applied.

mod claim;
mod erased;
mod facts;
mod intent;
mod listed;
mod machines;
mod registry;
mod sighting;
mod unconverged;
mod usage;

pub use claim::{Claim, Scope};
pub use erased::{Erased, ErasedKind};
pub use facts::{InTheWorld, KnownBy, Lead, LivesOn, Phase, Plane, Traits, Units};
pub use intent::{ErasedIntent, Intent, StepCall, Verb};
pub use listed::{Listed, address_or_id};
pub use machines::Machines;
pub use registry::Registry;
pub use sighting::{Item, Sighting};
pub use unconverged::{Rollout, Unconverged};
pub use usage::Usage;

use std::future::Future;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use subako_state::{Address, Json};

use crate::in_flight::InFlight;
use crate::stop::Stop;
use crate::survey::Survey;
use crate::value::Value;
use crate::world::{Code, Failure, Ownership, Progress, Result, World};

/// What a change of one field means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Impact {
    /// It is changed in place.
    InPlace,
    /// It is changed in place, at a price that the plan says, for example `stops the instance`.
    InPlaceBut(&'static str),
    /// The resource has to be replaced, because of this.
    Replaces(&'static str),
}

/// Reads what other resources have, while steps are made.
pub trait Known: Send + Sync {
    /// The current resource at an address: its spec (references resolved) and outputs.
    fn get(&self, address: &Address) -> Option<(Json, Json)>;
    /// The outputs of every object at an address, the newest first: the current one, and those that
    /// wait to be deleted.
    fn every(&self, address: &Address) -> Vec<Json> {
        self.get(address)
            .map(|(_, outputs)| outputs)
            .into_iter()
            .collect()
    }
    /// The addresses of a kind that exist now, sorted. Linear in their number.
    fn of_kind(&self, kind: &str) -> Vec<Address>;
    /// The addresses of a serial group ([`Kind::serial_group`]) that exist now, sorted.
    fn of_group(&self, group: &str) -> Vec<Address>;
    /// The kinds that supply machines.
    fn machines(&self) -> Vec<&'static dyn Machines>;
}

/// What a step's call is given.
#[derive(Clone)]
pub struct StepContext {
    /// The provider.
    pub world: World,
    /// Whose the object is, as it is to say of itself: cluster, address, generation, token.
    pub ownership: Ownership,
    /// The address that the other resources know it by. The object carries another one where a step
    /// that gave it its own is undone.
    pub address: Address,
    /// The other resources.
    pub known: Arc<dyn Known>,
    /// Where to say what it waits for.
    pub progress: Progress,
    /// Who may ask it to give up waiting: whatever it does is going to be undone then. `None`
    /// where it has to come to its end: on the way back, past the line, and where failures are
    /// kept.
    pub stop: Option<Stop>,
    /// On the way back, the outputs of what the call brings back, as they were: what it had been
    /// resolved to then is what it is to be again.
    pub former: Option<Json>,
    /// The outputs of the object that had the address before, where a create takes the place of
    /// one that is gone.
    pub lost: Option<Json>,
    /// What else of the run is at work.
    pub in_flight: InFlight,
    /// On the way back, whether what the call brings back had converged: where it had not, nobody
    /// waits for it.
    pub had_converged: bool,
}

impl StepContext {
    /// The failure of a step that was asked to stop, at a point where it can: as if its wait had
    /// come to its deadline.
    pub(crate) fn stopped(&self, doing: &str, waiting_for: &str) -> Option<Failure> {
        let stop = self.stop.as_ref().filter(|stop| stop.is_draining())?;
        let message = format!("{} asked to stop ({waiting_for})", stop.signal());
        Some(Failure::not_applied(doing, message).with_code(Code::Stopped))
    }

    /// Does something that changes nothing and can be left in the middle, until it is done or
    /// the step is asked to stop.
    pub(crate) async fn unless_stopped<T>(
        &self,
        doing: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let Some(stop) = &self.stop else {
            return work.await;
        };
        tokio::select! {
            biased;
            done = work => done,
            () = stop.draining() => Err(self
                .stopped(doing, "nothing was changed")
                .unwrap_or_else(|| Failure::not_applied(doing, "asked to stop").with_code(Code::Stopped))),
        }
    }

    /// The former outputs, typed; `None` on the way there.
    pub fn former<K: Kind>(&self) -> Option<K::Outputs> {
        self.former.as_ref()?.decode().ok()
    }

    /// The outputs of the object whose place a create takes, typed; `None` if there was none.
    pub fn lost<K: Kind>(&self) -> Option<K::Outputs> {
        self.lost.as_ref()?.decode().ok()
    }

    /// The typed spec and outputs of another resource; `None` if it is not there.
    pub fn typed<K: Kind>(&self, address: &Address) -> Option<(K, K::Outputs)> {
        let (spec, outputs) = self.known.get(address)?;
        Some((spec.decode().ok()?, outputs.decode().ok()?))
    }
}

/// A kind of resource. Its fields are what is wanted of one, declared in alphabetical order so
/// that its JSON is canonical. All calls resolve references first.
pub trait Kind: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync + 'static {
    /// The kind's name, the first part of addresses.
    const NAME: &'static str;
    /// Whether [`Kind::serial_group`] ever answers: where it cannot, specs need not be read.
    const GROUPED: bool = true;
    /// What the world answers.
    type Outputs: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync + 'static;

    /// What the planner has to know.
    fn traits() -> Traits;

    /// The machines that it supplies, where its resources are machines.
    fn machines() -> Option<&'static dyn Machines> {
        None
    }

    /// What a change of `field` (the first segment of its path) means.
    fn impact(field: &str, before: &Value, after: &Value) -> Impact;

    /// Whether specs that mean the same can differ: where not, they need not be read.
    const SPELLED_IN_MANY_WAYS: bool = false;

    /// The spec as `other` writes it, as far as both mean the same of what is there and answers
    /// this: what still differs then is a change.
    #[must_use]
    fn spelled_as(&self, other: &Self, outputs: &Self::Outputs) -> Self {
        let _ = (other, outputs);
        self.clone()
    }

    /// What it holds that only one resource can hold at a time.
    fn claims(&self) -> Vec<Claim> {
        Vec::new()
    }

    /// As [`Kind::claims`], of one that answers this: with what the world chose for it.
    fn holds(&self, outputs: &Self::Outputs) -> Vec<Claim> {
        let _ = outputs;
        self.claims()
    }

    /// Whether the world chooses something for it that another could claim: where not, specs need
    /// not be read.
    const CHOSEN: bool = false;

    /// Where the world chooses an address for it; `None` if it chooses none.
    fn chosen_in(&self) -> Option<Scope> {
        None
    }

    /// Whether anything of it is billed: where not, specs need not be read.
    const BILLED: bool = false;

    /// What of it the cloud bills; the outputs are missing where only a call will tell.
    fn usage(&self, outputs: Option<&Self::Outputs>) -> Vec<Usage> {
        let _ = outputs;
        Vec::new()
    }

    /// Whether two of it can exist at once: a replacement is then made before the old one goes.
    /// Otherwise why not, to fit "the old one goes first: {why}".
    fn coexists(old: &Self, new: &Self) -> std::result::Result<(), String> {
        let taken = new.claims();
        match old
            .claims()
            .iter()
            .find(|held| taken.iter().any(|claim| claim.meets(held)))
        {
            Some(held) => Err(held.why()),
            None => Ok(()),
        }
    }

    /// The calls by which a step changes the world on its way forward, in their order: all that it
    /// may make. What a provider can be asked about them is what a preflight asks.
    fn calls(intent: Intent<'_, Self>) -> Vec<StepCall>;

    /// Whether a change in place can be taken back. One that cannot belongs past the line.
    fn change_is_undoable(before: &Self, after: &Self) -> bool {
        let _ = (before, after);
        true
    }

    /// Steps on resources of the same group are made one after the other; `None` for no group.
    fn serial_group(&self) -> Option<String> {
        None
    }

    /// The serial group of a change in place, which may need company that neither what it was
    /// nor what it will be needs by itself.
    fn serial_group_of(before: &Self, after: &Self) -> Option<String> {
        let _ = before;
        after.serial_group()
    }

    /// Gives the object in the world the name of another address, where it carries one
    /// ([`Traits::renamed_with`]).
    fn rename(
        outputs: Self::Outputs,
        to: &Address,
        survey: &Survey,
        world: &World,
    ) -> impl Future<Output = Result<InTheWorld>> + Send {
        let _ = (outputs, to, survey, world);
        std::future::ready(Ok(InTheWorld::Nameless))
    }

    /// Everything of its kind that carries the cluster's tags or labels and that nobody knows:
    /// `is_known` is asked with what tells it from others ([`Traits::known_by`]).
    fn list(survey: &Survey, is_known: &dyn Fn(&str) -> bool) -> Vec<Listed<Self>> {
        let _ = (survey, is_known);
        Vec::new()
    }

    /// Finds these resources in what was read of the world: one sighting each, in order.
    fn sight(survey: &Survey, items: &[Item]) -> impl Future<Output = Result<Vec<Sighting>>> + Send;

    /// Makes it, and waits until it can be relied on. Called again with the same token it
    /// completes what an interrupted call began, and never makes a second one.
    fn create(&self, cx: &StepContext) -> impl Future<Output = Result<Self::Outputs>> + Send;

    /// Changes it from what it is (`from`, perhaps only in part) to `self`.
    fn update(
        &self,
        from: &Self,
        outputs: Self::Outputs,
        cx: &StepContext,
    ) -> impl Future<Output = Result<Self::Outputs>> + Send;

    /// Waits until it has converged, and changes nothing of what it is.
    fn settle(
        &self,
        outputs: Self::Outputs,
        cx: &StepContext,
    ) -> impl Future<Output = Result<Self::Outputs>> + Send {
        let _ = cx;
        std::future::ready(Ok(outputs))
    }

    /// Restarts what runs of it, so that it is spread evenly over where it may run, waits until it has
    /// converged, and changes nothing of what it is.
    fn spread(
        &self,
        outputs: Self::Outputs,
        cx: &StepContext,
    ) -> impl Future<Output = Result<Self::Outputs>> + Send {
        let _ = cx;
        std::future::ready(Ok(outputs))
    }

    /// Begins it again from the copy that the machine of that name has of it, with that as its only
    /// manager, and changes nothing of what it is.
    fn reform(
        &self,
        outputs: Self::Outputs,
        on: &str,
        cx: &StepContext,
    ) -> impl Future<Output = Result<Self::Outputs>> + Send {
        let _ = (on, cx);
        std::future::ready(Ok(outputs))
    }

    /// Deletes it, and waits until what it depends on can be deleted too. Fine if it is gone.
    fn delete(&self, outputs: Self::Outputs, cx: &StepContext) -> impl Future<Output = Result<()>> + Send;

    /// Looks for it: by its outputs if given, else by the token in `cx`. Used to settle an
    /// unknown outcome, so it must be sure of its answer or fail.
    fn find(
        &self,
        outputs: Option<Self::Outputs>,
        cx: &StepContext,
    ) -> impl Future<Output = Result<Option<Self::Outputs>>> + Send;
}
