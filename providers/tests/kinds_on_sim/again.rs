//! A create is called again with the token it had: it finds what it made.

use std::collections::BTreeMap;
use std::sync::Arc;

use subako_engine::kind::{Known, Machines, StepContext};
use subako_engine::kinds::registry;
use subako_engine::manifest::PublicIp;
use subako_engine::reference::resolve;
use subako_engine::world::{Ownership, Progress};
use subako_state::{Address, Json};

use crate::bench::Bench;
use crate::manifest::sandbox;

/// The resources of a state, as a step sees them.
struct Recorded(BTreeMap<Address, (Json, Json)>);

impl Recorded {
    fn of(bench: &Bench) -> Self {
        let resources = bench.snapshot.resources.iter();
        Self(
            resources
                .map(|r| (r.address.clone(), (r.spec.clone(), r.outputs.clone())))
                .collect(),
        )
    }
}

impl Known for Recorded {
    fn get(&self, address: &Address) -> Option<(Json, Json)> {
        let (spec, outputs) = self.0.get(address)?;
        let value = |address: &Address, attr: &str| self.0.get(address)?.1.value().get(attr).cloned();
        Some((resolve(spec, value).expect("resolved"), outputs.clone()))
    }

    fn of_kind(&self, kind: &str) -> Vec<Address> {
        self.0
            .keys()
            .filter(|address| address.kind() == kind)
            .cloned()
            .collect()
    }

    fn of_group(&self, _group: &str) -> Vec<Address> {
        ["member.manager-0", "member.manager-1", "member.manager-2"]
            .map(|address| address.parse().expect("an address"))
            .into()
    }

    fn machines(&self) -> Vec<&'static dyn Machines> {
        registry().machines()
    }
}

/// The tokens that cloud objects and the swarm carry.
async fn tokens(bench: &Bench) -> BTreeMap<String, String> {
    let cloud = bench.world.cloud.survey("sandbox").await.expect("a survey");
    let keys = cloud.key_pairs.iter().map(|key| &key.tags);
    let groups = cloud.security_groups.iter().map(|group| &group.tags);
    let instances = cloud.instances.iter().map(|instance| &instance.tags);
    let addresses = cloud.elastic_ips.iter().map(|address| &address.tags);
    keys.chain(groups)
        .chain(instances)
        .chain(addresses)
        .filter_map(Ownership::from_tags)
        .map(|owner| (owner.address, owner.token))
        .collect()
}

/// What an object answers, without the public address of an instance: that changes once it gets an
/// elastic one, which has its own outputs.
fn lasting(outputs: &Json) -> serde_json::Value {
    let mut outputs = outputs.value().clone();
    if let Some(fields) = outputs
        .as_object_mut()
        .filter(|all| all.contains_key("instance_id"))
    {
        fields.remove("public_ip");
    }
    outputs
}

#[tokio::test(start_paused = true)]
async fn a_create_called_again_finds_what_it_made_and_a_find_knows_it() {
    let mut bench = Bench::new(vec![]);
    let mut manifest = sandbox();
    manifest.pools[1].public_ip = Some(PublicIp::Elastic);
    bench.apply(&manifest).await;
    let tokens = tokens(&bench).await;
    let known = Arc::new(Recorded::of(&bench));
    let before = bench.sim.dump();
    let mut seen = 0;
    for resource in &bench.snapshot.resources {
        let address = &resource.address;
        // Nobody outside the swarm kind sees the token on the swarm: with another one a create takes
        // in this cluster's swarm, and a find says that this step did not begin it.
        let swarm = address.kind() == "swarm";
        let cx = StepContext {
            world: bench.world.clone(),
            address: address.clone(),
            ownership: Ownership {
                cluster: "sandbox".into(),
                address: address.to_string(),
                generation: 0,
                token: tokens
                    .get(address.as_str())
                    .cloned()
                    .unwrap_or_else(|| "another".into()),
            },
            known: known.clone(),
            progress: Progress::silent(),
            stop: None,
            former: None,
            lost: None,
            in_flight: Default::default(),
            had_converged: true,
        };
        let kind = bench.registry.get(address.kind()).expect("a kind");
        let (spec, recorded) = known.get(address).expect("recorded");
        let again = kind.create(&spec, &cx).await;
        let by_token = kind.find(&spec, None, &cx).await.expect("found out");
        let outputs = &lasting(&recorded);
        assert_eq!(again.as_ref().map(lasting).as_ref(), Ok(outputs), "{address}");
        if swarm {
            assert_eq!(by_token, None);
        } else {
            assert_eq!(
                by_token.as_ref().map(lasting).as_ref(),
                Some(outputs),
                "{address}"
            );
        }
        let by_outputs = kind.find(&spec, Some(&recorded), &cx).await.expect("found out");
        assert_eq!(
            by_outputs.as_ref().map(lasting).as_ref(),
            Some(outputs),
            "{address}"
        );
        seen += 1;
    }
    assert_eq!(seen, 23);
    assert_eq!(bench.sim.dump(), before);
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_found_to_be_gone_and_deleting_it_again_is_fine() {
    let mut bench = Bench::new(vec![]);
    bench.apply(&sandbox()).await;
    let known = Arc::new(Recorded::of(&bench));
    let tokens = tokens(&bench).await;
    for name in [
        "service.reply",
        "service.reply2",
        "network.my-overlay",
        "member.node-0",
        "instance.node-0",
    ] {
        let address: Address = name.parse().expect("an address");
        let cx = StepContext {
            world: bench.world.clone(),
            address: name.parse().expect("an address"),
            ownership: Ownership {
                cluster: "sandbox".into(),
                address: name.into(),
                generation: 0,
                token: tokens.get(name).cloned().unwrap_or_else(|| "another".into()),
            },
            known: known.clone(),
            progress: Progress::silent(),
            stop: None,
            former: None,
            lost: None,
            in_flight: Default::default(),
            had_converged: true,
        };
        let kind = bench.registry.get(address.kind()).expect("a kind");
        let (spec, outputs) = known.get(&address).expect("recorded");
        kind.delete(&spec, &outputs, &cx).await.expect("deleted");
        assert_eq!(kind.find(&spec, Some(&outputs), &cx).await, Ok(None), "{name}");
        assert_eq!(kind.find(&spec, None, &cx).await, Ok(None), "{name}");
        kind.delete(&spec, &outputs, &cx).await.expect("deleted again");
    }
}
