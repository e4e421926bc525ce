//! Subnets, zones, routes, pages.

use std::collections::BTreeSet;

use subako_engine::world::{Cloud, Lookup, Reach, WayOut};

use super::super::proxy::Fault;
use super::super::strict::{Internet, OddSubnets, Pages, Strict};
use super::super::support::*;

fn zones(found: &subako_engine::world::LookupAnswer) -> Vec<String> {
    found.subnets.iter().map(|subnet| subnet.zone.clone()).collect()
}

#[tokio::test]
async fn subnets_that_no_instance_of_ours_fits_in_are_left_out() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let before = look_up(&cloud).await.unwrap();
    proxy.be(Strict::only(OddSubnets));
    let after = look_up(&cloud).await.unwrap();
    assert_eq!(after.subnets, before.subnets);
    // One that is named is refused with the reason, and a local zone that is named is taken.
    let named = |subnet: &str| Lookup {
        subnets: vec![subnet.to_owned()],
        ..Lookup::default()
    };
    let failure = cloud
        .lookup(&named("subnet-0000000000000006a"))
        .await
        .unwrap_err();
    assert!(failure.message.contains("no IPv4 range"), "{failure}");
    let failure = cloud
        .lookup(&named("subnet-0000000000000007a"))
        .await
        .unwrap_err();
    assert!(failure.message.contains("Outpost"), "{failure}");
    let local = cloud.lookup(&named("subnet-0000000000000008a")).await.unwrap();
    assert_eq!(zones(&local), [format!("{REGION}-lax-1a")]);
}

#[tokio::test]
async fn whether_instances_can_be_reached_is_known_before_they_are_launched() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let reaches = |found: &subako_engine::world::LookupAnswer| -> BTreeSet<(bool, bool)> {
        assert_eq!(found.reach.len(), found.subnets.len());
        let reaches = found.reach.values();
        reaches
            .map(|reach| (reach.public_ip, reach.way_out == WayOut::Gateway))
            .collect()
    };
    let without = look_up(&cloud).await.unwrap();
    assert_eq!(reaches(&without), BTreeSet::from([(true, false)]));
    proxy.be(Strict::only(Internet));
    let with = look_up(&cloud).await.unwrap();
    assert_eq!(reaches(&with), BTreeSet::from([(true, true)]));
    let public = Reach {
        public_ip: true,
        way_out: WayOut::Gateway,
    };
    assert!(with.reach.values().all(|reach| *reach == public));
}

#[tokio::test]
async fn what_may_not_be_asked_about_the_network_is_done_without() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let before = look_up(&cloud).await.unwrap();
    for action in ["DescribeRouteTables", "DescribeAvailabilityZones"] {
        let denied = Fault::error(403, "UnauthorizedOperation", "You are not authorized.");
        proxy.fault(action, 1, u32::MAX / 2, denied);
    }
    let after = look_up(&cloud).await.unwrap();
    assert_eq!(after.subnets, before.subnets);
    assert!(after.reach.is_empty());
}

#[tokio::test]
async fn lists_in_small_pages_are_read_whole() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let name = cluster("pages");
    let (found, group) = with_group(&cloud, &name).await;
    for index in 0..5 {
        let request = instance_request(&name, &format!("node-{index}"), &found, &group.id);
        cloud.run_instance(&request).await.unwrap();
    }
    let whole = cloud.survey(&name).await.unwrap();
    let residue = cloud.residue(&name).await.unwrap();
    proxy.be(Strict::only(Pages(2)));
    assert_eq!(look_up(&cloud).await.unwrap(), found);
    assert_eq!(cloud.survey(&name).await.unwrap(), whole);
    assert_eq!(whole.instances.len(), 5);
    assert!(whole.instances.iter().all(|instance| instance.disk_gib.is_some()));
    assert_eq!(cloud.residue(&name).await.unwrap(), residue);
    clean_up(&cloud, &name).await.unwrap();
    assert_eq!(cloud.residue(&name).await.unwrap(), []);
}
