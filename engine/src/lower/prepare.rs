//! What has to be known before resources can be put together: looked up, kept, or made up.

use subako_state::{Address, Snapshot};

use super::addr_pool;
use super::daemon::Daemons;
use super::error::LowerError;
use super::image_query::query;
use super::images::PoolImages;
use super::placement::{Place, Places};
use super::records::Records;
use super::resources::{Facts, assemble};
use super::secrets;
use crate::desired::DesiredSet;
use crate::kinds::Swarm;
use crate::manifest::{Manifest, Pool};
use crate::world::{Lookup, LookupAnswer, Role, Subnet};

/// What has to be looked up before the manifest can be lowered: the network, and the images
/// that the state does not have. Of what matches a pattern in `replaced` nothing is kept.
pub fn needs(manifest: &Manifest, snapshot: &Snapshot, replaced: &[String]) -> Lookup {
    let records = Records::of(snapshot, replaced);
    let mut images: Vec<_> = manifest
        .pools
        .iter()
        .filter_map(|pool| records.query(pool))
        .collect();
    images.sort();
    images.dedup();
    Lookup {
        images,
        zones: manifest.aws.availability_zones.clone(),
        vpc: manifest.aws.vpc.clone(),
        subnets: manifest.aws.subnets.clone(),
        used: records.subnets(manifest),
    }
}

/// The resources that the manifest wants, given the answer to what it [`needs`]. Linear in their
/// number.
pub fn lower(
    manifest: &Manifest,
    snapshot: &Snapshot,
    replaced: &[String],
    answer: &LookupAnswer,
) -> Result<DesiredSet, LowerError> {
    let manifest = &*secrets::named(manifest, snapshot)?;
    let recorded: Option<Swarm> = snapshot
        .get(&Address::new("swarm", &manifest.cluster.name))
        .and_then(|resource| resource.spec.decode().ok());
    let advertise = first_manager(manifest, recorded.as_ref()).ok_or(LowerError::NoManager)?;
    let records = Records::of(snapshot, replaced);
    let mut places = Places::new(manifest, &records, answer)?;
    let mut images = Vec::with_capacity(manifest.pools.len());
    let mut chosen = Vec::with_capacity(manifest.pools.len());
    for pool in &manifest.pools {
        let mut kept = PoolImages::recorded(pool, &records);
        if let Some(query) = kept.query(pool) {
            let found = answer.images.get(&query).ok_or_else(|| LowerError::NoImage {
                pool: pool.name.clone(),
                ami: pool.ami.clone(),
                instance_type: pool.instance_type.clone(),
            })?;
            kept.others = Some(found.image_id.clone());
        }
        images.push(kept);
        chosen.push(places.of(pool, &records)?);
    }
    let addr_pool = addr_pool::choose(manifest, recorded.map(|swarm| swarm.addr_pool), &answer.vpc_cidrs)?;
    let daemons = Daemons::of(manifest, snapshot, replaced, &answer.vpc_cidrs, &addr_pool)?;
    Ok(assemble(
        manifest,
        &Facts {
            advertise: Some(advertise),
            addr_pool,
            daemons,
            images,
            places: chosen,
            vpc_id: &answer.vpc_id,
        },
    ))
}

/// The resources that the manifest wants, as far as they can be known without a look at
/// anything else: images, subnets and the VPC are made up, and nothing is checked.
pub fn lower_offline(manifest: &Manifest) -> DesiredSet {
    let zones = match manifest.aws.availability_zones.as_slice() {
        [] => vec!["(first zone)".to_owned()],
        zones => zones.to_vec(),
    };
    let made_up: Vec<Subnet> = zones
        .into_iter()
        .map(|zone| Subnet {
            id: format!("(subnet in {zone})"),
            zone,
            cidr: String::new(),
        })
        .collect();
    let in_turn = |pool: &Pool| {
        (0..pool.count as usize)
            .map(|index| Place {
                subnet: &made_up[index % made_up.len()],
                private_ip: pool.private_ips.get(index).cloned(),
            })
            .collect()
    };
    let image = |pool: &Pool| PoolImages {
        kept: Vec::new(),
        others: Some(format!("(image of {})", query(pool).ami)),
    };
    assemble(
        manifest,
        &Facts {
            advertise: first_manager(manifest, None),
            addr_pool: manifest.swarm.addr_pool.clone(),
            daemons: Daemons::offline(manifest),
            images: manifest.pools.iter().map(image).collect(),
            places: manifest.pools.iter().map(in_turn).collect(),
            vpc_id: "(vpc)",
        },
    )
}

/// The manager that the swarm is started on: the recorded one for as long as it is a manager,
/// else the first of the manifest.
fn first_manager(manifest: &Manifest, recorded: Option<&Swarm>) -> Option<String> {
    let mut managers = manifest
        .pools
        .iter()
        .filter(|pool| pool.role == Role::Manager && pool.count > 0);
    let of = |pool: &Pool, name: &str| {
        let index = name.strip_prefix(&pool.name)?.strip_prefix('-')?;
        let number: u32 = index.parse().ok()?;
        (number < pool.count && number.to_string() == index).then_some(())
    };
    if let Some(swarm) = recorded
        && managers.clone().any(|pool| of(pool, &swarm.advertise).is_some())
    {
        return Some(swarm.advertise.clone());
    }
    managers.next().map(|pool| format!("{}-0", pool.name))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use subako_state::Json;

    use super::*;
    use crate::graph::ResourceGraph;
    use crate::lower::testing::{self, answer, applied, empty, map, pool, sandbox};
    use crate::world::ImageQuery;

    fn lowered(manifest: &Manifest, snapshot: &Snapshot) -> Result<DesiredSet, LowerError> {
        lower(manifest, snapshot, &[], &answer(&needs(manifest, snapshot, &[])))
    }

    fn field(desired: &DesiredSet, address: &str, field: &str) -> Value {
        let found = desired.resources.iter().find(|r| r.address.as_str() == address);
        found.expect("a resource").spec.value()[field].clone()
    }

    #[test]
    fn the_articles_cluster_is_lowered_in_the_order_of_need() {
        let desired = lowered(&sandbox(), &empty()).expect("lowered");
        let kinds: Vec<&str> = desired.resources.iter().map(|r| r.address.kind()).collect();
        let mut expected = vec!["key_pair", "security_group"];
        expected.extend(["instance"; 5]);
        expected.extend(["docker"; 5]);
        expected.push("swarm");
        expected.extend(["member"; 5]);
        expected.extend(["network", "service", "service"]);
        assert_eq!(kinds, expected);
        assert_eq!(field(&desired, "instance.manager-0", "zone"), "a");
        assert_eq!(
            field(&desired, "instance.node-1", "tags")["Name"],
            "sandbox-node-1"
        );
        assert_eq!(field(&desired, "instance.node-1", "tags")["Unit"], "Sandbox");
        assert_eq!(field(&desired, "swarm.sandbox", "advertise"), "manager-0");
        assert_eq!(field(&desired, "member.node-0", "role"), "worker");
        assert_eq!(field(&desired, "service.reply", "replicas"), 8);
        let last = desired.resources.last().expect("a service");
        assert_eq!(
            last.depends_on,
            ["member.*", "network.my-overlay"].map(|a| a.parse().expect("address"))
        );
    }

    #[test]
    fn every_spec_is_canonical_and_the_whole_is_a_graph() {
        for desired in [
            lowered(&sandbox(), &empty()).expect("lowered"),
            lower_offline(&sandbox()),
        ] {
            for resource in &desired.resources {
                assert_eq!(
                    resource.spec,
                    Json::canonical(&resource.spec.value()).expect("json")
                );
            }
            assert!(ResourceGraph::build(&desired).is_ok());
        }
    }

    #[test]
    fn an_image_is_looked_up_once_and_then_kept() {
        let mut manifest = sandbox();
        let lookup = needs(&manifest, &empty(), &[]);
        let query = |instance_type: &str| ImageQuery {
            ami: "amazon-linux-2023".into(),
            instance_type: instance_type.into(),
        };
        assert_eq!(lookup.images, [query("t3.micro")]);
        let state = applied(&lowered(&manifest, &empty()).expect("lowered"));
        // More instances of the pool, another size of the same architecture: nothing to ask.
        manifest.pools[1].count = 4;
        manifest.pools[1].instance_type = "t3.small".into();
        assert_eq!(needs(&manifest, &state, &[]).images, []);
        let desired = lowered(&manifest, &state).expect("lowered");
        assert_eq!(field(&desired, "instance.node-3", "image_id"), "ami-1");
        // Another architecture, or another wish, is another image.
        manifest.pools[1].instance_type = "t4g.small".into();
        assert_eq!(needs(&manifest, &state, &[]).images, [query("t4g.small")]);
        manifest.pools[1].instance_type = "t3.micro".into();
        manifest.pools[1].ami = "debian-12".into();
        assert_eq!(needs(&manifest, &state, &[]).images.len(), 1);
        let unanswered = lower(&manifest, &state, &[], &answer(&Lookup::default()));
        assert!(matches!(unanswered, Err(LowerError::NoImage { pool, .. }) if pool == "node"));
    }

    #[test]
    fn each_instance_keeps_the_image_that_it_has() {
        let manifest = sandbox();
        let mut state = applied(&lowered(&manifest, &empty()).expect("lowered"));
        for resource in &mut state.resources {
            if resource.address.as_str() == "instance.manager-1" {
                let spec = resource.spec.as_str().replace("ami-1", "ami-0");
                resource.spec = serde_json::from_str(&spec).expect("json");
            }
        }
        let desired = lowered(&manifest, &state).expect("lowered");
        let images = ["manager-0", "manager-1", "manager-2", "node-1"]
            .map(|name| field(&desired, &format!("instance.{name}"), "image_id"));
        assert_eq!(images, ["ami-1", "ami-0", "ami-1", "ami-1"]);
    }

    #[test]
    fn instances_take_turns_over_the_zones_that_are_named() {
        let mut manifest = sandbox();
        manifest.aws.availability_zones = vec!["a".into(), "b".into(), "c".into()];
        let desired = lowered(&manifest, &empty()).expect("lowered");
        let zones = ["manager-0", "manager-1", "manager-2", "node-0", "node-1"]
            .map(|name| field(&desired, &format!("instance.{name}"), "zone"));
        assert_eq!(zones, ["a", "b", "c", "a", "b"]);
    }

    /// Where the instances of the sandbox are, given zones before and after.
    fn moved(before: &[&str], after: &[&str], change: impl FnOnce(&mut Manifest)) -> Vec<String> {
        let zones = |zones: &[&str]| zones.iter().map(|zone| (*zone).to_owned()).collect();
        let mut manifest = sandbox();
        manifest.aws.availability_zones = zones(before);
        let state = applied(&lowered(&manifest, &empty()).expect("lowered"));
        manifest.aws.availability_zones = zones(after);
        change(&mut manifest);
        let desired = lowered(&manifest, &state).expect("lowered");
        let instances = desired
            .resources
            .iter()
            .filter(|r| r.address.kind() == "instance");
        instances
            .map(|r| {
                let zone = r.spec.value()["zone"].clone();
                format!("{} {}", r.address.name(), zone.as_str().unwrap_or_default())
            })
            .collect()
    }

    #[test]
    fn instances_stay_where_they_are_while_the_manifest_allows_it() {
        let stay = [
            "manager-0 a",
            "manager-1 b",
            "manager-2 c",
            "node-0 a",
            "node-1 b",
        ];
        for after in [&["c", "a", "b"][..], &["b", "c", "a"], &["a", "b", "c", "d"], &[]] {
            assert_eq!(moved(&["a", "b", "c"], after, |_| {}), stay, "{after:?}");
        }
        // What is new takes its turn; without zones it goes where the others are.
        let more = |manifest: &mut Manifest| manifest.pools[1].count = 3;
        assert_eq!(moved(&["a", "b"], &["c", "a", "b"], more)[5], "node-2 b");
        assert_eq!(moved(&["b"], &[], more)[5], "node-2 b");
        // A zone that is no longer named is left, and so is a subnet.
        assert_eq!(moved(&["a", "b", "c"], &["a", "c"], |_| {})[1], "manager-1 c");
    }

    #[test]
    fn a_subnet_that_appears_in_front_moves_nobody() {
        let manifest = sandbox();
        let state = applied(&lowered(&manifest, &empty()).expect("lowered"));
        let mut answer = answer(&needs(&manifest, &state, &[]));
        answer.subnets.insert(
            0,
            Subnet {
                id: "subnet-0".into(),
                zone: "0".into(),
                cidr: "172.31.48.0/20".into(),
            },
        );
        let desired = lower(&manifest, &state, &[], &answer).expect("lowered");
        assert_eq!(field(&desired, "instance.node-1", "subnet_id"), "subnet-a");
        // Nothing is kept of what is replaced on request, nor of what is in a subnet that is gone.
        let replaced = ["instance.*".to_owned()];
        answer.images = testing::answer(&needs(&manifest, &state, &replaced)).images;
        let desired = lower(&manifest, &state, &replaced, &answer).expect("lowered");
        assert_eq!(field(&desired, "instance.node-1", "subnet_id"), "subnet-0");
        answer.used.clear();
        let desired = lower(&manifest, &state, &[], &answer).expect("lowered");
        assert_eq!(field(&desired, "instance.node-1", "subnet_id"), "subnet-0");
    }

    #[test]
    fn an_address_that_is_no_longer_pinned_is_kept_unless_another_is_to_have_it() {
        let mut manifest = sandbox();
        manifest.pools[1].private_ips = vec!["172.31.0.10".into(), "172.31.16.10".into()];
        let state = applied(&lowered(&manifest, &empty()).expect("lowered"));
        manifest.pools[1].private_ips.clear();
        let desired = lowered(&manifest, &state).expect("lowered");
        assert_eq!(field(&desired, "instance.node-1", "private_ip"), "172.31.16.10");
        assert_eq!(field(&desired, "instance.node-1", "subnet_id"), "subnet-b");
        manifest.pools[0].private_ips = vec!["172.31.16.10".into()];
        let desired = lowered(&manifest, &state).expect("lowered");
        assert_eq!(field(&desired, "instance.node-1", "private_ip"), Value::Null);
        assert_eq!(
            field(&desired, "instance.manager-0", "private_ip"),
            "172.31.16.10"
        );
        // A tag is not mistaken for what it is called.
        manifest.pools[0].private_ips.clear();
        manifest.pools[1].tags = map(&[("private_ip", "172.31.0.99"), ("subnet_id", "subnet-c")]);
        let state = applied(&lowered(&manifest, &empty()).expect("lowered"));
        let desired = lowered(&manifest, &state).expect("lowered");
        assert_eq!(field(&desired, "instance.node-0", "private_ip"), Value::Null);
        assert_eq!(field(&desired, "instance.node-0", "subnet_id"), "subnet-a");
    }

    #[test]
    fn a_pinned_address_decides_on_the_subnet_and_has_to_be_in_one() {
        let pinned = |addresses: &[&str]| {
            let mut manifest = sandbox();
            manifest.pools[0].private_ips = addresses.iter().map(|a| (*a).to_owned()).collect();
            lowered(&manifest, &empty())
        };
        let desired = pinned(&["172.31.0.10", "172.31.16.10", "172.31.32.10"]).expect("lowered");
        assert_eq!(field(&desired, "instance.manager-1", "subnet_id"), "subnet-b");
        assert_eq!(
            field(&desired, "instance.manager-1", "private_ip"),
            "172.31.16.10"
        );
        let outside = pinned(&["10.0.0.10"]).expect_err("outside");
        assert_eq!(
            outside.to_string(),
            "10.0.0.10, the private address of manager-0, lies in none of the subnets: \
             subnet-a (172.31.0.0/20, a), subnet-b (172.31.16.0/20, b), subnet-c (172.31.32.0/20, c)"
        );
        assert!(matches!(
            pinned(&["172.31.0.3"]),
            Err(LowerError::AddressReserved { .. })
        ));
        assert!(matches!(pinned(&["172.31.0"]), Err(LowerError::Address { .. })));
        assert!(matches!(
            pinned(&["172.31.0.10", "172.31.0.10"]),
            Err(LowerError::AddressTwice { first, second, .. }) if first == "manager-0" && second == "manager-1"
        ));
    }

    #[test]
    fn the_swarm_keeps_its_first_manager_and_its_pool() {
        let mut manifest = sandbox();
        let mut state = applied(&lowered(&manifest, &empty()).expect("lowered"));
        let swarm = state
            .resources
            .iter_mut()
            .find(|r| r.address.kind() == "swarm")
            .expect("a swarm");
        let mut spec: Swarm = swarm.spec.decode().expect("a swarm");
        spec.addr_pool = vec!["100.64.0.0/10".into()];
        spec.advertise = "manager-2".into();
        swarm.spec = Json::sorted(&spec).expect("json");
        let desired = lowered(&manifest, &state).expect("lowered");
        assert_eq!(field(&desired, "swarm.sandbox", "advertise"), "manager-2");
        assert_eq!(field(&desired, "swarm.sandbox", "addr_pool")[0], "100.64.0.0/10");
        manifest.pools[0].count = 1;
        let desired = lowered(&manifest, &state).expect("lowered");
        assert_eq!(field(&desired, "swarm.sandbox", "advertise"), "manager-0");
        manifest.pools[0].count = 0;
        assert_eq!(lowered(&manifest, &state), Err(LowerError::NoManager));
    }

    #[test]
    fn a_pools_own_tags_and_protection_are_its_instances() {
        let mut manifest = sandbox();
        manifest.pools.push(pool("db", Role::Worker, 1));
        manifest.pools[2].tags = map(&[("Unit", "Data")]);
        manifest.pools[2].protect = true;
        let desired = lowered(&manifest, &empty()).expect("lowered");
        assert_eq!(field(&desired, "instance.db-0", "tags")["Unit"], "Data");
        let protected: Vec<&str> = desired
            .resources
            .iter()
            .filter(|r| r.protect)
            .map(|r| r.address.as_str())
            .collect();
        assert_eq!(protected, ["instance.db-0"]);
    }
}
