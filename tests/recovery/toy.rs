//! A world of toy objects, and three kinds of them.
//!
//! * `solid`: two can exist at once, deleting one cannot be undone;
//! * `soft`: names are unique, deleting one can be undone;
//! * `guest`: lives on the solid it needs, and vanishes with it.
//!
//! The world refuses to make what needs something that is not there, and to delete what
//! something else still needs: a plan in the wrong order fails here as it would on EC2.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use subako_engine::kind::{
    ErasedKind, Impact, Item, LivesOn, Phase, Plane, Registry, Sighting, StepContext, Traits,
};
use subako_engine::plan::Value;
use subako_engine::refresh::Survey;
use subako_engine::world::{self, Failure};
use subako_state::Json;

/// What a fault does to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails, and nothing changes.
    Certain,
    /// It times out, and nothing changed.
    TimeoutBefore,
    /// It times out, and took effect.
    TimeoutAfter,
}

/// One object of the toy world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub name: String,
    pub generation: u32,
    pub token: String,
    pub value: u64,
    pub force: u64,
    pub needs: BTreeSet<String>,
}

#[derive(Debug, Default)]
pub struct State {
    /// By id.
    pub objects: BTreeMap<String, Object>,
    /// Faults by the number of the changing call, counted over the whole test.
    pub faults: BTreeMap<u32, Fault>,
    pub calls: u32,
    /// Reads fail while this is set.
    pub blind: bool,
}

/// The toy world.
#[derive(Debug, Clone, Default)]
pub struct Toys(pub Arc<Mutex<State>>);

impl Toys {
    pub fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("no toy call panics")
    }

    /// Everything there is, without what differs between two ways to the same place.
    pub fn picture(&self) -> Vec<(String, u64, u64, Vec<String>)> {
        let state = self.state();
        let object =
            |(id, o): (&String, &Object)| (id.clone(), o.value, o.force, o.needs.iter().cloned().collect());
        state.objects.iter().map(object).collect()
    }

    pub fn registry(&self) -> Registry {
        let kind = |name| -> Arc<dyn ErasedKind> {
            Arc::new(Toy {
                name,
                toys: self.clone(),
            })
        };
        Registry::default()
            .with_erased(kind("solid"))
            .with_erased(kind("soft"))
            .with_erased(kind("guest"))
    }

    /// Makes a changing call, or fails as the fault table says.
    async fn change<T>(
        &self,
        doing: &str,
        effect: impl FnOnce(&mut State) -> world::Result<T> + Send,
    ) -> world::Result<T> {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let fault = {
            let mut state = self.state();
            state.calls += 1;
            let call = state.calls;
            state.faults.get(&call).copied()
        };
        let result = match fault {
            Some(Fault::Certain) => return Err(Failure::not_applied(doing, "a fault")),
            Some(Fault::TimeoutBefore) => Err(Failure::unknown(doing, "a timeout")),
            Some(Fault::TimeoutAfter) => {
                effect(&mut self.state())?;
                Err(Failure::unknown(doing, "a timeout"))
            }
            None => effect(&mut self.state()),
        };
        tokio::time::sleep(Duration::from_millis(10)).await;
        result
    }
}

struct Toy {
    name: &'static str,
    toys: Toys,
}

#[derive(serde::Deserialize)]
struct Spec {
    force: u64,
    name: String,
    needs: Vec<String>,
    value: u64,
}

fn spec(json: &Json) -> Spec {
    json.decode().expect("a toy spec whose references are resolved")
}

fn outputs(id: &str) -> Json {
    Json::canonical(&serde_json::json!({ "id": id })).expect("json")
}

fn id_of(json: &Json) -> String {
    json.value()["id"].as_str().expect("toy outputs").to_owned()
}

impl Toy {
    fn id(&self, name: &str, generation: u32) -> String {
        if self.name == "soft" {
            format!("soft-{name}")
        } else {
            format!("{}-{name}-{generation}", self.name)
        }
    }

    /// Whom a guest lives on: the first solid that it needs.
    fn host(needs: &BTreeSet<String>) -> Option<&String> {
        needs.iter().find(|need| need.starts_with("solid-"))
    }
}

#[async_trait]
impl ErasedKind for Toy {
    fn name(&self) -> &'static str {
        self.name
    }

    fn traits(&self) -> Traits {
        Traits {
            lives_on: if self.name == "guest" {
                LivesOn::Dependency("solid")
            } else {
                LivesOn::Itself
            },
            delete_is_undoable: self.name == "soft",
            ..Traits::of(Plane::Cloud, Phase::HOSTS)
        }
    }

    fn impact(&self, field: &str, _: &Value, _: &Value) -> Impact {
        match field {
            "force" => Impact::Replaces("cannot be changed"),
            "needs" if self.name == "guest" => Impact::Replaces("cannot move"),
            _ => Impact::InPlace,
        }
    }

    fn coexists(&self, _: &Json, _: &Json) -> Result<(), String> {
        if self.name == "soft" {
            Err("names are unique".to_owned())
        } else {
            Ok(())
        }
    }

    fn serial_group(&self, _: &Json) -> Option<String> {
        (self.name == "guest").then(|| "guests".to_owned())
    }

    async fn sight(&self, _: &Survey, _: &[Item]) -> world::Result<Vec<Sighting>> {
        unreachable!("the harness looks for itself")
    }

    async fn create(&self, json: &Json, cx: &StepContext) -> world::Result<Json> {
        let spec = spec(json);
        let id = self.id(&spec.name, cx.ownership.generation);
        let doing = format!("create {id}");
        let object = Object {
            name: spec.name,
            generation: cx.ownership.generation,
            token: cx.ownership.token.clone(),
            value: spec.value,
            force: spec.force,
            needs: spec.needs.into_iter().collect(),
        };
        self.toys
            .change(&doing, |state| {
                if let Some(there) = state.objects.get(&id) {
                    return if there.token == object.token {
                        Ok(())
                    } else {
                        Err(Failure::not_applied(&doing, "the name is taken"))
                    };
                }
                if let Some(missing) = object
                    .needs
                    .iter()
                    .find(|need| !state.objects.contains_key(*need))
                {
                    return Err(Failure::not_applied(&doing, format!("{missing} is not there")));
                }
                state.objects.insert(id.clone(), object.clone());
                Ok(())
            })
            .await?;
        Ok(outputs(&id))
    }

    async fn update(&self, _: &Json, to: &Json, before: &Json, _: &StepContext) -> world::Result<Json> {
        let (spec, id) = (spec(to), id_of(before));
        let doing = format!("update {id}");
        self.toys
            .change(&doing, |state| {
                let needs: BTreeSet<String> = spec.needs.iter().cloned().collect();
                if let Some(missing) = needs.iter().find(|need| !state.objects.contains_key(*need)) {
                    return Err(Failure::not_applied(&doing, format!("{missing} is not there")));
                }
                let object = state
                    .objects
                    .get_mut(&id)
                    .ok_or_else(|| Failure::not_applied(&doing, "it is not there"))?;
                object.value = spec.value;
                object.needs = needs;
                Ok(())
            })
            .await?;
        Ok(before.clone())
    }

    async fn delete(&self, _: &Json, before: &Json, _: &StepContext) -> world::Result<()> {
        let id = id_of(before);
        let doing = format!("delete {id}");
        self.toys
            .change(&doing, |state| {
                let guests = |o: &Object, of: &String| Toy::host(&o.needs) == Some(of);
                let going: BTreeSet<String> = state
                    .objects
                    .iter()
                    .filter(|(other, o)| **other == id || (other.starts_with("guest-") && guests(o, &id)))
                    .map(|(other, _)| other.clone())
                    .collect();
                let user = state.objects.iter().find(|(other, o)| {
                    !going.contains(*other) && o.needs.iter().any(|need| going.contains(need))
                });
                if let Some((user, _)) = user {
                    return Err(Failure::not_applied(&doing, format!("{user} still needs it")));
                }
                state.objects.retain(|other, _| !going.contains(other));
                Ok(())
            })
            .await
    }

    async fn find(&self, json: &Json, known: Option<&Json>, cx: &StepContext) -> world::Result<Option<Json>> {
        let state = self.toys.state();
        if state.blind {
            return Err(Failure::not_applied("look", "nothing can be read"));
        }
        let found = match known {
            Some(known) => state.objects.get_key_value(&id_of(known)).map(|(id, _)| id),
            None => {
                let _ = json;
                state
                    .objects
                    .iter()
                    .find(|(_, o)| o.token == cx.ownership.token)
                    .map(|(id, _)| id)
            }
        };
        Ok(found.map(|id| outputs(id)))
    }
}
