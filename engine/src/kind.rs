//! What a kind of resource is: typed where it is written, erased where it is planned and applied.

mod claim;
mod facts;
mod intent;
mod machines;
mod unconverged;

pub use claim::{Claim, Scope};
pub use facts::{InTheWorld, Lead, LivesOn, Phase, Plane, Traits, Units};
pub use intent::{ErasedIntent, Intent, StepCall, Verb};
pub use machines::Machines;
pub use unconverged::{Rollout, Unconverged};

use std::collections::BTreeMap;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use subako_state::{Address, Json};

use crate::in_flight::InFlight;
use crate::machine::MACHINE;
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
    /// The resource has to be made anew, because of this.
    Replaces(&'static str),
}

/// What a refresh found of a recorded or wanted resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// As recorded.
    AsRecorded,
    /// There, but not as recorded; or there although nothing is recorded.
    There {
        /// What it is now, in the form of a spec: what cannot be read, or is not managed, as recorded or wanted.
        spec: Json,
        /// What it answers now.
        outputs: Json,
        /// Its generation, where its tags tell.
        generation: u32,
        /// How far it has come, where it has not converged.
        unconverged: Option<Unconverged>,
    },
    /// Something of that name that Subako did not make: what it is, for people.
    Foreign(String),
    /// Not there.
    Absent,
    /// It cannot be read now, and why; planned as recorded, with a warning.
    Unreadable(String),
}

impl Sighting {
    /// How far it has come, where it has not converged.
    pub fn unconverged(&self) -> Option<Unconverged> {
        match self {
            Self::There { unconverged, .. } => *unconverged,
            _ => None,
        }
    }
}

/// A recorded or wanted resource for a refresh to look at.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its address.
    pub address: Address,
    /// Its recorded spec, else the wanted one.
    pub spec: Json,
    /// The wanted spec, if it is recorded and wanted.
    pub wanted: Option<Json>,
    /// Its recorded outputs; `None` if nothing is recorded.
    pub outputs: Option<Json>,
    /// Whether it waits to be deleted while another has its address.
    pub deposed: bool,
    /// Its recorded generation, else 0.
    pub generation: u32,
}

/// Reads what other resources have, while steps are made.
pub trait Known: Send + Sync {
    /// The current resource at an address: its spec (references resolved) and outputs.
    fn get(&self, address: &Address) -> Option<(Json, Json)>;
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
    /// Whose the object is: cluster, address, generation, token.
    pub ownership: Ownership,
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

    /// Whether the world chooses something for it that another could claim: where not, specs need
    /// not be read.
    const CHOSEN: bool = false;

    /// Where the world chooses an address for it; `None` if it chooses none.
    fn chosen_in(&self) -> Option<Scope> {
        None
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

/// A kind with its types erased: what planner and executor see.
#[async_trait]
pub trait ErasedKind: Send + Sync {
    /// The kind's name.
    fn name(&self) -> &'static str;
    /// See [`Kind::traits`].
    fn traits(&self) -> Traits;
    /// See [`Kind::machines`].
    fn machines(&self) -> Option<&'static dyn Machines> {
        None
    }
    /// See [`Kind::impact`].
    fn impact(&self, field: &str, before: &Value, after: &Value) -> Impact;
    /// See [`Kind::spelled_as`].
    fn spelled_as(&self, spec: &Json, other: &Json, outputs: &Json) -> Json {
        let _ = (other, outputs);
        spec.clone()
    }
    /// See [`Kind::claims`]. None of a spec that cannot be read: no step on it gets that far.
    fn claims(&self, spec: &Json) -> Vec<Claim> {
        let _ = spec;
        Vec::new()
    }
    /// See [`Kind::CHOSEN`].
    fn is_chosen(&self) -> bool {
        false
    }
    /// See [`Kind::chosen_in`].
    fn chosen_in(&self, spec: &Json) -> Option<Scope> {
        let _ = spec;
        None
    }
    /// See [`Kind::calls`].
    fn calls(&self, intent: &ErasedIntent<'_>) -> Result<Vec<StepCall>> {
        let _ = intent;
        Ok(Vec::new())
    }
    /// See [`Kind::coexists`].
    fn coexists(&self, old: &Json, new: &Json) -> std::result::Result<(), String>;
    /// See [`Kind::change_is_undoable`].
    fn change_is_undoable(&self, before: &Json, after: &Json) -> bool {
        let _ = (before, after);
        true
    }
    /// See [`Kind::serial_group`].
    fn serial_group(&self, spec: &Json) -> Option<String>;
    /// The serial group of a step, from what is there before and after it: of a change, see
    /// [`Kind::serial_group_of`]; else of what it makes or deletes.
    fn serial_group_of(&self, before: Option<&Json>, after: Option<&Json>) -> Option<String> {
        self.serial_group(after.or(before)?)
    }
    /// See [`Kind::rename`].
    async fn rename(
        &self,
        outputs: &Json,
        to: &Address,
        survey: &Survey,
        world: &World,
    ) -> Result<InTheWorld> {
        let _ = (outputs, to, survey, world);
        Ok(InTheWorld::Nameless)
    }
    /// See [`Kind::sight`].
    async fn sight(&self, survey: &Survey, items: &[Item]) -> Result<Vec<Sighting>>;
    /// See [`Kind::create`]. The spec has its references resolved.
    async fn create(&self, spec: &Json, cx: &StepContext) -> Result<Json>;
    /// See [`Kind::update`].
    async fn update(&self, from: &Json, to: &Json, outputs: &Json, cx: &StepContext) -> Result<Json>;
    /// See [`Kind::settle`].
    async fn settle(&self, spec: &Json, outputs: &Json, cx: &StepContext) -> Result<Json> {
        let _ = (spec, cx);
        Ok(outputs.clone())
    }
    /// See [`Kind::delete`].
    async fn delete(&self, spec: &Json, outputs: &Json, cx: &StepContext) -> Result<()>;
    /// See [`Kind::find`].
    async fn find(&self, spec: &Json, outputs: Option<&Json>, cx: &StepContext) -> Result<Option<Json>>;
}

/// Erases a typed kind.
pub struct Erased<K>(PhantomData<fn() -> K>);

impl<K> Default for Erased<K> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

fn decode<T: DeserializeOwned>(what: &str, kind: &str, json: &Json) -> Result<T> {
    json.decode().map_err(|error| {
        Failure::not_applied(format!("read the recorded {what} of a {kind}"), error.to_string())
            .with_hint("the state was written by another version of Subako")
    })
}

fn encode<T: Serialize>(kind: &str, value: &T) -> Result<Json> {
    Json::canonical(value)
        .map_err(|error| Failure::unknown(format!("record the outputs of a {kind}"), error.to_string()))
}

#[async_trait]
impl<K: Kind> ErasedKind for Erased<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn traits(&self) -> Traits {
        K::traits()
    }

    fn machines(&self) -> Option<&'static dyn Machines> {
        K::machines()
    }

    fn impact(&self, field: &str, before: &Value, after: &Value) -> Impact {
        K::impact(field, before, after)
    }

    fn spelled_as(&self, spec: &Json, other: &Json, outputs: &Json) -> Json {
        if !K::SPELLED_IN_MANY_WAYS || spec == other {
            return spec.clone();
        }
        let (Ok(typed), Ok(other), Ok(outputs)) = (spec.decode::<K>(), other.decode::<K>(), outputs.decode())
        else {
            return spec.clone();
        };
        Json::sorted(&typed.spelled_as(&other, &outputs)).unwrap_or_else(|_| spec.clone())
    }

    fn claims(&self, spec: &Json) -> Vec<Claim> {
        spec.decode::<K>()
            .map_or_else(|_| Vec::new(), |spec| spec.claims())
    }

    fn is_chosen(&self) -> bool {
        K::CHOSEN
    }

    fn chosen_in(&self, spec: &Json) -> Option<Scope> {
        spec.decode::<K>().ok()?.chosen_in()
    }

    fn calls(&self, intent: &ErasedIntent<'_>) -> Result<Vec<StepCall>> {
        let spec = |json: Option<&Json>| json.map(|json| decode("spec", K::NAME, json)).transpose();
        let outputs = |json| decode("outputs", K::NAME, json);
        Ok(K::calls(Intent {
            ownership: intent.ownership,
            before: spec(intent.before)?,
            after: spec(intent.after)?,
            outputs: intent.outputs.map(outputs).transpose()?,
            changed: intent.changed,
        }))
    }

    fn coexists(&self, old: &Json, new: &Json) -> std::result::Result<(), String> {
        match (old.decode::<K>(), new.decode::<K>()) {
            (Ok(old), Ok(new)) => K::coexists(&old, &new),
            _ => Ok(()),
        }
    }

    fn change_is_undoable(&self, before: &Json, after: &Json) -> bool {
        match (before.decode::<K>(), after.decode::<K>()) {
            (Ok(before), Ok(after)) => K::change_is_undoable(&before, &after),
            _ => true,
        }
    }

    fn serial_group(&self, spec: &Json) -> Option<String> {
        if !K::GROUPED {
            return None;
        }
        spec.decode::<K>().ok()?.serial_group()
    }

    fn serial_group_of(&self, before: Option<&Json>, after: Option<&Json>) -> Option<String> {
        let (Some(before), Some(after)) = (before, after) else {
            return self.serial_group(after.or(before)?);
        };
        let (before, after) = (before.decode::<K>().ok()?, after.decode::<K>().ok()?);
        K::serial_group_of(&before, &after)
    }

    async fn rename(
        &self,
        outputs: &Json,
        to: &Address,
        survey: &Survey,
        world: &World,
    ) -> Result<InTheWorld> {
        let outputs = decode("outputs", K::NAME, outputs)?;
        K::rename(outputs, to, survey, world).await
    }

    async fn sight(&self, survey: &Survey, items: &[Item]) -> Result<Vec<Sighting>> {
        K::sight(survey, items).await
    }

    async fn create(&self, spec: &Json, cx: &StepContext) -> Result<Json> {
        let spec: K = decode("spec", K::NAME, spec)?;
        encode(K::NAME, &spec.create(cx).await?)
    }

    async fn update(&self, from: &Json, to: &Json, outputs: &Json, cx: &StepContext) -> Result<Json> {
        let from: K = decode("spec", K::NAME, from)?;
        let to: K = decode("spec", K::NAME, to)?;
        let outputs = decode("outputs", K::NAME, outputs)?;
        encode(K::NAME, &to.update(&from, outputs, cx).await?)
    }

    async fn settle(&self, spec: &Json, outputs: &Json, cx: &StepContext) -> Result<Json> {
        let spec: K = decode("spec", K::NAME, spec)?;
        let outputs = spec.settle(decode("outputs", K::NAME, outputs)?, cx).await?;
        encode(K::NAME, &outputs)
    }

    async fn delete(&self, spec: &Json, outputs: &Json, cx: &StepContext) -> Result<()> {
        let spec: K = decode("spec", K::NAME, spec)?;
        spec.delete(decode("outputs", K::NAME, outputs)?, cx).await
    }

    async fn find(&self, spec: &Json, outputs: Option<&Json>, cx: &StepContext) -> Result<Option<Json>> {
        let spec: K = decode("spec", K::NAME, spec)?;
        let outputs = outputs
            .map(|outputs| decode("outputs", K::NAME, outputs))
            .transpose()?;
        spec.find(outputs, cx)
            .await?
            .map(|outputs| encode(K::NAME, &outputs))
            .transpose()
    }
}

/// The kinds that exist, by name.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<&'static str, Arc<dyn ErasedKind>>);

impl Registry {
    /// Adds a typed kind.
    #[must_use]
    pub fn with<K: Kind>(self) -> Self {
        self.with_erased(Arc::new(Erased::<K>::default()))
    }

    /// Adds an erased kind.
    #[must_use]
    pub fn with_erased(mut self, kind: Arc<dyn ErasedKind>) -> Self {
        self.0.insert(kind.name(), kind);
        self
    }

    /// The kind of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn ErasedKind>> {
        self.0.get(name)
    }

    /// Who has to be asked about resources of a kind; `None` if there is no such kind.
    pub fn plane(&self, kind: &str) -> Option<Plane> {
        Some(self.get(kind)?.traits().plane)
    }

    /// The kinds that supply machines.
    pub fn machines(&self) -> Vec<&'static dyn Machines> {
        self.iter().filter_map(|kind| kind.machines()).collect()
    }

    /// Whether a kind is the one that another names: by its name, or as a supplier of machines where
    /// that names [`MACHINE`].
    pub fn is_a(&self, kind: &str, named: &str) -> bool {
        kind == named || named == MACHINE && self.get(kind).is_some_and(|kind| kind.machines().is_some())
    }

    /// All kinds, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn ErasedKind>> {
        self.0.values()
    }
}
