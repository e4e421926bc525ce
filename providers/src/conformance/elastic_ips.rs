//! Cases of elastic addresses.

use std::collections::BTreeMap;

use subako_world::{CloudSurvey, Code, ElasticIp, ElasticIpRequest, InstanceState, Ownership};

use super::case::{Case, CaseError, Outcome, Verdict, ensure, refused};
use super::cloud_bench::{CloudBench, has_tags, without_foreign};

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

/// An address without the tags of others.
fn ours(bench: &CloudBench, name: &str, address: ElasticIp) -> ElasticIp {
    let request = request(bench, name);
    let mut tags = request.tags;
    tags.extend(request.ownership.tags());
    ElasticIp {
        tags: without_foreign(&address.tags, &tags),
        ..address
    }
}

/// Waits until an instance has an address, or nobody: as the address says it.
async fn is_held_by(
    bench: &CloudBench,
    id: &str,
    holder: Option<&str>,
) -> std::result::Result<(), CaseError> {
    let right = |seen: &Option<ElasticIp>| {
        seen.as_ref()
            .is_some_and(|seen| seen.instance_id.as_deref() == holder)
    };
    let what = format!("{id} held by {holder:?}");
    let look = || bench.world.cloud.address(id);
    bench.until(&what, look, right).await.map(drop)
}

/// Waits until an instance shows a public address of which `right` holds.
async fn shows(
    bench: &CloudBench,
    instance: &str,
    what: &str,
    right: impl Fn(Option<&str>) -> bool,
) -> std::result::Result<(), CaseError> {
    let look = async || {
        let seen = bench.world.cloud.instance(instance).await?;
        Ok(seen.and_then(|seen| seen.public_ip))
    };
    let right = |shown: &Option<String>| right(shown.as_deref());
    bench.until(what, look, right).await.map(drop)
}

async fn the_same_token_allocates_one_address(bench: &CloudBench) -> Outcome {
    let first = allocated(bench, "address-token").await?;
    let again = allocated(bench, "address-token").await?;
    let again = ours(bench, "address-token", again);
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
    let is_it = |found: &Option<ElasticIp>| {
        let found = found.clone().map(|found| ours(bench, "address-found", found));
        found.as_ref() == Some(&made)
    };
    let by_id = || cloud.address(&made.id);
    bench.until("the address by its id", by_id, is_it).await?;
    let by_token = || cloud.find_address_by_token(&token);
    bench.until("the address by its token", by_token, is_it).await?;
    cloud.release_address(&made.id).await?;
    cloud.release_address(&made.id).await?;
    bench
        .until("no address after its release", by_id, Option::is_none)
        .await?;
    Ok(Verdict::Passed)
}

async fn an_address_moves_from_instance_to_instance(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let address = allocated(bench, "address-moves").await?;
    let (first, _) = bench.instance("address-moves-0").await?;
    let (second, _) = bench.instance("address-moves-1").await?;
    for instance in [&first.id, &first.id, &second.id] {
        cloud.associate_address(&address.id, instance).await?;
        is_held_by(bench, &address.id, Some(instance)).await?;
        let it = |shown: Option<&str>| shown == Some(&address.public_ip);
        shows(bench, instance, "the instance with its address", it).await?;
    }
    if bench.fixture.counterpart.follows_addresses {
        let other = |shown: Option<&str>| shown != Some(&address.public_ip);
        shows(bench, &first.id, "the first instance without it", other).await?;
    }
    cloud.disassociate_address(&address.id).await?;
    cloud.disassociate_address(&address.id).await?;
    is_held_by(bench, &address.id, None).await?;
    Ok(Verdict::Passed)
}

async fn an_address_stays_through_stop_and_start(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let address = allocated(bench, "address-stays").await?;
    let (instance, _) = bench.instance("address-stays").await?;
    cloud.associate_address(&address.id, &instance.id).await?;
    cloud.stop_instance(&instance.id).await?;
    bench.reach(&instance.id, InstanceState::Stopped).await?;
    is_held_by(bench, &address.id, Some(&instance.id)).await?;
    cloud.start_instance(&instance.id).await?;
    bench.reach(&instance.id, InstanceState::Running).await?;
    if bench.fixture.counterpart.follows_addresses {
        let it = |shown: Option<&str>| shown == Some(&address.public_ip);
        shows(bench, &instance.id, "started, with its address", it).await?;
    }
    is_held_by(bench, &address.id, Some(&instance.id)).await?;
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
    is_held_by(bench, &address.id, None).await?;
    Ok(Verdict::Passed)
}

async fn an_address_in_use_is_released_all_the_same(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let address = allocated(bench, "address-used").await?;
    let (instance, _) = bench.instance("address-used").await?;
    cloud.associate_address(&address.id, &instance.id).await?;
    cloud.release_address(&address.id).await?;
    let look = || cloud.address(&address.id);
    bench
        .until("no address after its release", look, Option::is_none)
        .await?;
    let other = |shown: Option<&str>| shown != Some(&address.public_ip);
    shows(bench, &instance.id, "the instance without it", other).await?;
    Ok(Verdict::Passed)
}

async fn tags_of_an_address_are_set_and_removed(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let address = allocated(bench, "address-tags").await?;
    let set = BTreeMap::from([("Color".to_owned(), "red".to_owned())]);
    cloud.retag(&address.id, &set, &["Name".to_owned()]).await?;
    let right = |seen: &Option<ElasticIp>| {
        let tags = seen.as_ref().map(|seen| &seen.tags);
        tags.is_some_and(|tags| has_tags(tags, &set, &["Name"]) && Ownership::from_tags(tags).is_some())
    };
    let look = || cloud.address(&address.id);
    bench.until("the address with other tags", look, right).await?;
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
    let there = |survey: &CloudSurvey| {
        let found = survey.elastic_ips.iter().find(|found| found.id == made.id);
        found
            .map(|found| ours(bench, "address-left", found.clone()))
            .as_ref()
            == Some(&made)
    };
    let look = || cloud.survey(&bench.fixture.cluster);
    let survey = bench.until("the survey with the address", look, there).await?;
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
