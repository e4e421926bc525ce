//! Cases of elastic addresses.

use std::collections::BTreeMap;

use subako_world::{Code, ElasticIp, ElasticIpRequest, InstanceState, Ownership};

use super::case::{Case, Outcome, Verdict, ensure, refused};
use super::cloud_bench::CloudBench;

/// An id that no address has.
const NOBODY: &str = "eipalloc-00000000000000000";

pub(super) fn cases() -> Vec<Case<CloudBench>> {
    super::case::cases![
        the_same_token_allocates_one_address,
        an_address_is_found_by_id_and_token_until_released,
        an_address_moves_from_instance_to_instance,
        an_address_stays_through_stop_and_start,
        an_address_outlives_its_instance,
        an_address_in_use_is_released_all_the_same,
        tags_of_an_address_are_set_and_removed,
        an_address_that_is_not_there_cannot_be_associated,
        an_address_is_surveyed_and_is_residue,
    ]
}

fn request(bench: &CloudBench, name: &str) -> ElasticIpRequest {
    ElasticIpRequest {
        tags: BTreeMap::from([("Name".to_owned(), bench.named(name))]),
        ownership: bench.owner("elastic_ip", name),
    }
}

async fn allocated(bench: &CloudBench, name: &str) -> subako_world::Result<ElasticIp> {
    bench.world.cloud.allocate_address(&request(bench, name)).await
}

/// Which instance has an address, as both of them say it.
async fn holder(bench: &CloudBench, id: &str) -> subako_world::Result<Option<String>> {
    let address = bench.world.cloud.address(id).await?;
    Ok(address.and_then(|address| address.instance_id))
}

async fn public_ip(bench: &CloudBench, instance: &str) -> subako_world::Result<Option<String>> {
    let seen = bench.world.cloud.instance(instance).await?;
    Ok(seen.and_then(|seen| seen.public_ip))
}

async fn the_same_token_allocates_one_address(bench: &CloudBench) -> Outcome {
    let first = allocated(bench, "address-token").await?;
    let again = allocated(bench, "address-token").await?;
    ensure!(first == again, "two addresses: {first:?} and {again:?}");
    ensure!(
        first.id.starts_with("eipalloc-") && first.public_ip.parse::<std::net::Ipv4Addr>().is_ok(),
        "{first:?}"
    );
    ensure!(first.instance_id.is_none(), "it is somebody's: {first:?}");
    let owner = Ownership::from_tags(&first.tags);
    ensure!(
        owner == Some(bench.owner("elastic_ip", "address-token")),
        "{owner:?}"
    );
    Ok(Verdict::Passed)
}

async fn an_address_is_found_by_id_and_token_until_released(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let token = request(bench, "address-found").ownership.token;
    let before = cloud.find_address_by_token(&token).await?;
    ensure!(before.is_none(), "it is there before: {before:?}");
    let made = allocated(bench, "address-found").await?;
    let by_id = cloud.address(&made.id).await?;
    ensure!(by_id.as_ref() == Some(&made), "by id: {by_id:?}");
    let by_token = cloud.find_address_by_token(&token).await?;
    ensure!(by_token.as_ref() == Some(&made), "by token: {by_token:?}");
    cloud.release_address(&made.id).await?;
    cloud.release_address(&made.id).await?;
    let after = cloud.address(&made.id).await?;
    ensure!(after.is_none(), "it is there after its release: {after:?}");
    Ok(Verdict::Passed)
}

async fn an_address_moves_from_instance_to_instance(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let address = allocated(bench, "address-moves").await?;
    let (first, _) = bench.instance("address-moves-0").await?;
    let (second, _) = bench.instance("address-moves-1").await?;
    for instance in [&first.id, &first.id, &second.id] {
        cloud.associate_address(&address.id, instance).await?;
        let found = holder(bench, &address.id).await?;
        ensure!(found.as_ref() == Some(instance), "{found:?}, not {instance}");
        let shown = public_ip(bench, instance).await?;
        ensure!(shown.as_ref() == Some(&address.public_ip), "it shows {shown:?}");
    }
    let shown = public_ip(bench, &first.id).await?;
    ensure!(
        shown.as_ref() != Some(&address.public_ip) || !bench.fixture.counterpart.follows_addresses,
        "both have {shown:?}"
    );
    cloud.disassociate_address(&address.id).await?;
    cloud.disassociate_address(&address.id).await?;
    let found = holder(bench, &address.id).await?;
    ensure!(found.is_none(), "{found:?} has it still");
    Ok(Verdict::Passed)
}

async fn an_address_stays_through_stop_and_start(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let address = allocated(bench, "address-stays").await?;
    let (instance, _) = bench.instance("address-stays").await?;
    cloud.associate_address(&address.id, &instance.id).await?;
    cloud.stop_instance(&instance.id).await?;
    bench.reach(&instance.id, InstanceState::Stopped).await?;
    let found = holder(bench, &address.id).await?;
    ensure!(
        found.as_ref() == Some(&instance.id),
        "stopped, it has it no more: {found:?}"
    );
    cloud.start_instance(&instance.id).await?;
    let started = bench.reach(&instance.id, InstanceState::Running).await?;
    let follows = bench.fixture.counterpart.follows_addresses;
    ensure!(
        started.public_ip.as_ref() == Some(&address.public_ip) || !follows,
        "started, it has {:?}",
        started.public_ip
    );
    let found = holder(bench, &address.id).await?;
    ensure!(
        found.as_ref() == Some(&instance.id),
        "started, it has it no more: {found:?}"
    );
    Ok(Verdict::Passed)
}

async fn an_address_outlives_its_instance(bench: &CloudBench) -> Outcome {
    if !bench.fixture.counterpart.follows_addresses {
        return Ok(Verdict::Skipped("it keeps addresses with what is terminated"));
    }
    let cloud = &bench.world.cloud;
    let address = allocated(bench, "address-outlives").await?;
    let (instance, _) = bench.instance("address-outlives").await?;
    cloud.associate_address(&address.id, &instance.id).await?;
    cloud.terminate_instance(&instance.id, false).await?;
    bench.reach(&instance.id, InstanceState::Terminated).await?;
    let left = cloud.address(&address.id).await?;
    ensure!(
        left.as_ref().is_some_and(|left| left.instance_id.is_none()),
        "{left:?}"
    );
    Ok(Verdict::Passed)
}

async fn an_address_in_use_is_released_all_the_same(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let address = allocated(bench, "address-used").await?;
    let (instance, _) = bench.instance("address-used").await?;
    cloud.associate_address(&address.id, &instance.id).await?;
    cloud.release_address(&address.id).await?;
    let left = cloud.address(&address.id).await?;
    ensure!(left.is_none(), "it is there after its release: {left:?}");
    let shown = public_ip(bench, &instance.id).await?;
    ensure!(
        shown.as_ref() != Some(&address.public_ip),
        "the instance has {shown:?} still"
    );
    Ok(Verdict::Passed)
}

async fn tags_of_an_address_are_set_and_removed(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let address = allocated(bench, "address-tags").await?;
    let set = BTreeMap::from([("Color".to_owned(), "red".to_owned())]);
    cloud.retag(&address.id, &set, &["Name".to_owned()]).await?;
    let tags = cloud.address(&address.id).await?.map(|address| address.tags);
    let user = tags.as_ref().map(Ownership::user_tags);
    ensure!(user.as_ref() == Some(&set), "user tags: {user:?}");
    ensure!(
        tags.as_ref().and_then(Ownership::from_tags).is_some(),
        "the ownership is lost: {tags:?}"
    );
    Ok(Verdict::Passed)
}

async fn an_address_that_is_not_there_cannot_be_associated(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let (instance, _) = bench.instance("address-nobody").await?;
    let associated = cloud.associate_address(NOBODY, &instance.id).await;
    refused("an address that is not there", Code::NotFound, associated)?;
    let disassociated = cloud.disassociate_address(NOBODY).await;
    refused("an address that is not there", Code::NotFound, disassociated)?;
    cloud.release_address(NOBODY).await?;
    Ok(Verdict::Passed)
}

async fn an_address_is_surveyed_and_is_residue(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let made = allocated(bench, "address-left").await?;
    let survey = cloud.survey(&bench.fixture.cluster).await?;
    ensure!(survey.elastic_ips.contains(&made), "{:?}", survey.elastic_ips);
    ensure!(
        survey.elastic_ips.is_sorted_by_key(|address| address.id.clone()),
        "not sorted"
    );
    let residue = cloud.residue(&bench.fixture.cluster).await?;
    let left = residue.iter().find(|left| left.id == made.id);
    ensure!(
        left.is_some_and(|left| left.what == "elastic-ip" && left.usd_per_hour.is_some()),
        "{left:?}"
    );
    Ok(Verdict::Passed)
}
