//! A kind with its types erased: decoded from what is recorded, encoded to be recorded.

use std::marker::PhantomData;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use subako_state::{Address, Json, Resource};

use super::{
    Claim, ErasedIntent, Impact, InTheWorld, Intent, Item, Kind, Listed, Machines, Scope, Sighting, StepCall,
    StepContext, Traits, Usage,
};
use crate::survey::Survey;
use crate::value::Value;
use crate::world::{Failure, Result, World};

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
    /// A spec with these fields as `live` has them, as far as one of its kind can.
    fn keeping(&self, spec: &Json, live: &Json, fields: &[&str]) -> Json {
        with_fields(spec, live, fields)
    }
    /// See [`Kind::claims`]. None of a spec that cannot be read: no step on it gets that far.
    fn claims(&self, spec: &Json) -> Vec<Claim> {
        let _ = spec;
        Vec::new()
    }
    /// See [`Kind::holds`].
    fn holds(&self, spec: &Json, outputs: &Json) -> Vec<Claim> {
        let _ = outputs;
        self.claims(spec)
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
    /// See [`Kind::BILLED`].
    fn is_billed(&self) -> bool {
        false
    }
    /// See [`Kind::usage`]. Nothing of a spec that cannot be read: no step on it gets that far.
    fn usage(&self, spec: &Json, outputs: Option<&Json>) -> Vec<Usage> {
        let _ = (spec, outputs);
        Vec::new()
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
    /// See [`Kind::list`]: as records that only wait to be deleted.
    fn list(&self, survey: &Survey, is_known: &dyn Fn(&str) -> bool) -> Result<Vec<Resource>> {
        let _ = (survey, is_known);
        Ok(Vec::new())
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
    /// See [`Kind::spread`].
    async fn spread(&self, spec: &Json, outputs: &Json, cx: &StepContext) -> Result<Json> {
        let _ = (spec, cx);
        Ok(outputs.clone())
    }
    /// See [`Kind::reform`].
    async fn reform(&self, spec: &Json, outputs: &Json, on: &str, cx: &StepContext) -> Result<Json> {
        let _ = (spec, on, cx);
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

/// A spec with these fields as another one has them, where it can have them: canonical JSON.
fn with_fields(spec: &Json, live: &Json, fields: &[&str]) -> Json {
    let (mut value, live) = (spec.value(), live.value());
    let (Some(object), Some(live)) = (value.as_object_mut(), live.as_object()) else {
        return spec.clone();
    };
    for field in fields {
        match live.get(*field) {
            Some(found) => object.insert((*field).to_owned(), found.clone()),
            None => object.remove(*field),
        };
    }
    Json::sorted(&value).unwrap_or_else(|_| spec.clone())
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

    fn keeping(&self, spec: &Json, live: &Json, fields: &[&str]) -> Json {
        // A field that cannot be missing, or that goes with another one only, is as the kind has it.
        let kept = with_fields(spec, live, fields).decode::<K>();
        let kept = kept.and_then(|typed| Json::sorted(&typed));
        kept.unwrap_or_else(|_| spec.clone())
    }

    fn claims(&self, spec: &Json) -> Vec<Claim> {
        spec.decode::<K>()
            .map_or_else(|_| Vec::new(), |spec| spec.claims())
    }

    fn holds(&self, spec: &Json, outputs: &Json) -> Vec<Claim> {
        match (K::CHOSEN, spec.decode::<K>(), outputs.decode()) {
            (true, Ok(spec), Ok(outputs)) => spec.holds(&outputs),
            _ => self.claims(spec),
        }
    }

    fn is_chosen(&self) -> bool {
        K::CHOSEN
    }

    fn chosen_in(&self, spec: &Json) -> Option<Scope> {
        spec.decode::<K>().ok()?.chosen_in()
    }

    fn is_billed(&self) -> bool {
        K::BILLED
    }

    fn usage(&self, spec: &Json, outputs: Option<&Json>) -> Vec<Usage> {
        match spec.decode::<K>() {
            Ok(spec) if K::BILLED => {
                let outputs = outputs.and_then(|outputs| outputs.decode().ok());
                spec.usage(outputs.as_ref())
            }
            _ => Vec::new(),
        }
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

    fn list(&self, survey: &Survey, is_known: &dyn Fn(&str) -> bool) -> Result<Vec<Resource>> {
        K::list(survey, is_known)
            .into_iter()
            .map(Listed::resource)
            .collect()
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

    async fn spread(&self, spec: &Json, outputs: &Json, cx: &StepContext) -> Result<Json> {
        let spec: K = decode("spec", K::NAME, spec)?;
        let outputs = spec.spread(decode("outputs", K::NAME, outputs)?, cx).await?;
        encode(K::NAME, &outputs)
    }

    async fn reform(&self, spec: &Json, outputs: &Json, on: &str, cx: &StepContext) -> Result<Json> {
        let spec: K = decode("spec", K::NAME, spec)?;
        let outputs = spec.reform(decode("outputs", K::NAME, outputs)?, on, cx).await?;
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
