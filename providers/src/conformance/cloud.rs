//! The cases of the seam `Cloud`: account and look-ups here, objects in files of their own.

use std::collections::BTreeSet;

use subako_world::{Code, ImageQuery, TypesAnswer};

use super::case::{Case, Outcome, Verdict, cases, ensure, refused};
use super::cloud_bench::CloudBench;
use super::{elastic_ips, groups, instances};

/// Every case of the seam `Cloud`.
pub fn cloud_cases() -> Vec<Case<CloudBench>> {
    let mut all = cases![
        the_account_and_its_region_are_known,
        a_lookup_finds_image_vpc_and_subnets,
        an_unknown_image_is_refused_with_a_hint,
        types_say_what_they_have_and_where,
        a_type_that_the_region_does_not_have_is_missing,
    ];
    all.extend(groups::cases());
    all.extend(instances::cases());
    all.extend(elastic_ips::cases());
    all
}

async fn the_account_and_its_region_are_known(bench: &CloudBench) -> Outcome {
    let account = bench.world.cloud.account().await?;
    ensure!(
        !account.id.is_empty() && account.region.contains('-'),
        "{account:?}"
    );
    Ok(Verdict::Passed)
}

async fn a_lookup_finds_image_vpc_and_subnets(bench: &CloudBench) -> Outcome {
    let query = bench.query();
    let found = bench.world.cloud.lookup(&query).await?;
    let image = found.images.get(&bench.fixture.image);
    ensure!(
        image.is_some_and(|image| image.image_id.starts_with("ami-")),
        "no image: {:?}",
        found.images
    );
    ensure!(
        found.vpc_id.starts_with("vpc-") && !found.vpc_cidrs.is_empty(),
        "no VPC: {found:?}"
    );
    ensure!(!found.subnets.is_empty(), "no subnet");
    let zones: Vec<&String> = found.subnets.iter().map(|subnet| &subnet.zone).collect();
    if query.zones.is_empty() {
        ensure!(zones.is_sorted(), "subnets are not sorted by zone: {zones:?}");
    } else {
        ensure!(
            zones == query.zones.iter().collect::<Vec<_>>(),
            "not the zones wanted, in order: {zones:?}"
        );
    }
    let again = bench.world.cloud.lookup(&query).await?;
    ensure!(found == again, "two look-ups differ");
    let mut of_used = query;
    of_used.used = vec!["subnet-0123456789abcdef0".to_owned(), found.subnets[0].id.clone()];
    let used = bench.world.cloud.lookup(&of_used).await?.used;
    ensure!(
        used == found.subnets[..1],
        "subnets in use are not those that are there: {used:?}"
    );
    Ok(Verdict::Passed)
}

async fn an_unknown_image_is_refused_with_a_hint(bench: &CloudBench) -> Outcome {
    let mut query = bench.query();
    query.images = vec![ImageQuery {
        ami: "no-such-image-of-conformance-*".to_owned(),
        instance_type: bench.fixture.image.instance_type.clone(),
    }];
    let failure = refused(
        "an unknown image",
        Code::NotFound,
        bench.world.cloud.lookup(&query).await,
    )?;
    ensure!(failure.hint.is_some(), "no hint: {failure}");
    Ok(Verdict::Passed)
}

async fn types_say_what_they_have_and_where(bench: &CloudBench) -> Outcome {
    let name = bench.fixture.image.instance_type.clone();
    let found = bench.world.cloud.types(std::slice::from_ref(&name)).await?;
    ensure!(
        found.known.len() == 1 && found.missing.is_empty(),
        "nothing is known of {name}: {found:?}"
    );
    let facts = &found.known[&name];
    // The smallest type has a processor, and half a GiB of memory that the kernel has a part of.
    ensure!(
        facts.nano_cpus >= 1_000_000_000 && facts.memory > 256 << 20,
        "{name} has too little: {facts:?}"
    );
    ensure!(facts.zones.is_sorted(), "zones are not sorted: {facts:?}");
    let subnets = bench.world.cloud.lookup(&bench.query()).await?.subnets;
    ensure!(
        subnets.iter().any(|subnet| facts.zones.contains(&subnet.zone)),
        "it is offered nowhere that instances can be put: {facts:?}"
    );
    let none = bench.world.cloud.types(&[]).await?;
    ensure!(none == TypesAnswer::default(), "nothing was asked for: {none:?}");
    Ok(Verdict::Passed)
}

async fn a_type_that_the_region_does_not_have_is_missing(bench: &CloudBench) -> Outcome {
    let (known, none) = (bench.fixture.image.instance_type.clone(), "t9.mirco".to_owned());
    let found = bench.world.cloud.types(&[known.clone(), none.clone()]).await?;
    ensure!(
        found.known.contains_key(&known) && found.missing == BTreeSet::from([none]),
        "{found:?}"
    );
    Ok(Verdict::Passed)
}
