//! One builder for what tests of planner, checks and run start from: resources of made-up kinds,
//! what is wanted of them, and the plan between the two.
//!
//! * `solid`: two can exist at once, a deleted one cannot be had back;
//! * `soft`: names are unique, deleting one can be undone;
//! * `guest`: lives on the solid that it needs;
//! * `lodger`: lives on the guest that it needs;
//! * `crowd`: lives on all solids together;
//! * `tenant`: lives on the crowd that it needs.
//!
//! `force` replaces, every other field changes in place, `dear` at a price. `holds` are ports, each
//! of which only one resource can hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value as J, json};
use subako_state::{Address, Digest, Json, Resource, Snapshot};

use crate::check::plan;
use crate::desired::{Desired, DesiredSet};
use crate::kind::{
    Claim, ErasedKind, Impact, Item, LivesOn, Phase, Plane, Registry, Sighting, StepContext, Traits,
};
use crate::plan::{Plan, Planning, Selection, Step, Value};
use crate::refresh::{Observed, Survey};
use crate::world::Result;

struct Toy(&'static str);

#[async_trait]
impl ErasedKind for Toy {
    fn name(&self) -> &'static str {
        self.0
    }

    fn traits(&self) -> Traits {
        Traits {
            lives_on: match self.0 {
                "guest" => LivesOn::Dependency("solid"),
                "lodger" => LivesOn::Dependency("guest"),
                "tenant" => LivesOn::Dependency("crowd"),
                "crowd" => LivesOn::Every("solid"),
                _ => LivesOn::Itself,
            },
            delete_is_undoable: self.0 != "solid",
            ..Traits::of(Plane::Cloud, Phase::HOSTS)
        }
    }

    fn impact(&self, field: &str, _: &Value, _: &Value) -> Impact {
        match field {
            "force" => Impact::Replaces("is chosen once"),
            "dear" => Impact::InPlaceBut("stops it"),
            _ => Impact::InPlace,
        }
    }

    fn claims(&self, spec: &Json) -> Vec<Claim> {
        let value = spec.value();
        let ports = |field: &str, mesh: bool| {
            let holds = value.get(field).and_then(J::as_array);
            let ports = holds.into_iter().flatten();
            let ports = ports.filter_map(|port| u16::try_from(port.as_u64()?).ok());
            let claim = |published| Claim::Port {
                published,
                protocol: "tcp".to_owned(),
                mesh,
            };
            ports.map(claim).collect::<Vec<_>>()
        };
        [ports("holds", true), ports("holds_on_nodes", false)].concat()
    }

    fn coexists(&self, old: &Json, new: &Json) -> std::result::Result<(), String> {
        let (held, taken) = (self.claims(old), self.claims(new));
        match self.0 {
            "soft" => Err("names are unique".to_owned()),
            _ if held.iter().any(|claim| taken.contains(claim)) => Err("it holds a port".to_owned()),
            _ => Ok(()),
        }
    }

    fn serial_group(&self, spec: &Json) -> Option<String> {
        spec.value().get("group").and_then(J::as_str).map(str::to_owned)
    }

    async fn sight(&self, _: &Survey, _: &[Item]) -> Result<Vec<Sighting>> {
        unreachable!("tests say what is seen")
    }

    async fn create(&self, _: &Json, _: &StepContext) -> Result<Json> {
        unreachable!("nothing is run")
    }

    async fn update(&self, _: &Json, _: &Json, _: &Json, _: &StepContext) -> Result<Json> {
        unreachable!("nothing is run")
    }

    async fn delete(&self, _: &Json, _: &Json, _: &StepContext) -> Result<()> {
        unreachable!("nothing is run")
    }

    async fn find(&self, _: &Json, _: Option<&Json>, _: &StepContext) -> Result<Option<Json>> {
        unreachable!("nothing is run")
    }
}

pub(crate) fn json_of(value: &J) -> Json {
    Json::canonical(value).expect("json")
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

/// A spec with these fields that needs those resources.
pub(crate) fn spec(fields: J, needs: &[&str]) -> J {
    let mut spec = fields;
    let needs: Vec<J> = needs
        .iter()
        .map(|address| json!({"$ref": address, "attr": "id"}))
        .collect();
    spec["needs"] = needs.into();
    spec
}

/// A recorded resource; it depends on what its spec needs, and answers its address as id.
pub(crate) fn resource(name: &str, fields: &J) -> Resource {
    let spec = json_of(fields);
    Resource {
        address: address(name),
        depends_on: crate::reference::references(&spec).into_iter().collect(),
        deposed: false,
        generation: 0,
        made_with: BTreeMap::new(),
        outputs: json_of(&json!({"id": name})),
        protect: false,
        spec_sha256: spec.digest(),
        spec,
    }
}

/// What a plan is made of, piece by piece.
pub(crate) struct Draft {
    pub desired: DesiredSet,
    pub snapshot: Snapshot,
    pub base: Option<Digest>,
    pub selection: Selection,
    /// What a refresh saw otherwise than recorded, or without a record.
    pub seen: BTreeMap<Address, Sighting>,
    /// What it saw that nobody knows.
    pub strays: Vec<Resource>,
}

impl Draft {
    pub fn new() -> Self {
        Self {
            desired: DesiredSet::default(),
            snapshot: Snapshot::empty("l".into(), "toys".into(), "sim".into()),
            base: None,
            selection: Selection::default(),
            seen: BTreeMap::new(),
            strays: Vec::new(),
        }
    }

    /// A resource is wanted.
    pub fn wants(mut self, name: &str, fields: J) -> Self {
        self.desired.resources.push(Desired {
            address: address(name),
            spec: json_of(&fields),
            depends_on: vec![],
            protect: false,
        });
        self
    }

    /// Fields of a resource are left as they are.
    pub fn ignores(mut self, kind: &'static str, block: &str, field: &'static str) -> Self {
        self.desired.ignored.add(kind, block, field);
        self
    }

    /// A resource is recorded.
    pub fn has(self, name: &str, fields: J) -> Self {
        self.has_record(resource(name, &fields))
    }

    /// A resource is recorded just so.
    pub fn has_record(mut self, resource: Resource) -> Self {
        self.snapshot.resources.push(resource);
        self.snapshot.sort();
        self
    }

    /// A refresh sees a resource like this.
    pub fn sees(mut self, name: &str, sighting: Sighting) -> Self {
        self.seen.insert(address(name), sighting);
        self
    }

    /// A refresh sees something that nobody knows.
    pub fn strays(mut self, name: &str, generation: u32, fields: &J) -> Self {
        self.strays.push(Resource {
            deposed: true,
            generation,
            ..resource(name, fields)
        });
        self
    }

    /// A refresh sees a resource with another spec than recorded.
    pub fn sees_spec(self, name: &str, fields: &J) -> Self {
        let sighting = Sighting::There {
            spec: json_of(fields),
            outputs: json_of(&json!({"id": name})),
            generation: 0,
            unconverged: None,
            whole: None,
        };
        self.sees(name, sighting)
    }

    pub fn registry() -> Registry {
        ["solid", "soft", "guest", "lodger", "crowd", "tenant"]
            .into_iter()
            .fold(Registry::default(), |registry, name| {
                registry.with_erased(Arc::new(Toy(name)))
            })
    }

    pub fn plan(&self) -> Plan {
        let mut observed = Observed::as_recorded(&self.snapshot);
        observed.strays.clone_from(&self.strays);
        for (address, sighting) in &self.seen {
            // Of several at an address the one that is not deposed.
            let recorded = self.snapshot.resources.iter();
            let recorded = recorded.enumerate().filter(|(_, r)| r.address == *address);
            let recorded = recorded.min_by_key(|(_, r)| r.deposed).map(|(place, _)| place);
            match recorded {
                Some(place) => observed.recorded[place] = sighting.clone(),
                None => {
                    observed.unrecorded.insert(address.clone(), sighting.clone());
                }
            }
        }
        plan(&Planning {
            registry: &Self::registry(),
            desired: &self.desired,
            snapshot: &self.snapshot,
            base: self.base.clone(),
            observed: &observed,
            moved: &[],
            account: None,
            selection: &self.selection,
        })
        .expect("it can be planned")
    }
}

/// The steps as `action address`, in their order.
pub(crate) fn steps(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| format!("{} {}", step.action(), step.address))
        .collect()
}

/// The step on an address with that verb.
pub(crate) fn find<'a>(plan: &'a Plan, what: &str) -> &'a Step {
    plan.steps
        .iter()
        .find(|step| format!("{} {}", step.action(), step.address) == what)
        .unwrap_or_else(|| panic!("{what} is not in {:?}", steps(plan)))
}
