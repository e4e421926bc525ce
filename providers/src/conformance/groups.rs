//! Cases of key pairs and security groups.

use std::collections::BTreeMap;

use subako_world::{CloudSurvey, Code, Ownership, Rule, SecurityGroup, Source};

use super::case::{Case, Outcome, Verdict, ensure, refused};
use super::cloud_bench::{CloudBench, has_tags, without_foreign};

pub(super) fn cases() -> Vec<Case<CloudBench>> {
    super::case::cases![
        the_same_token_imports_one_key_pair,
        another_key_pair_of_the_name_is_refused,
        a_key_pair_is_found_by_name_until_deleted,
        the_same_token_creates_one_group,
        another_group_of_the_name_is_refused,
        a_group_is_found_by_name_and_id_until_deleted,
        rules_added_twice_are_there_once,
        rules_are_removed_and_absent_ones_are_left_alone,
        rules_are_described_in_other_words_and_stay,
        tags_of_a_group_are_set_and_removed,
        a_survey_sees_tags_and_only_its_own_cluster,
    ]
}

async fn the_same_token_imports_one_key_pair(bench: &CloudBench) -> Outcome {
    let request = bench.key_request("key-token");
    let first = bench.world.cloud.import_key_pair(&request).await?;
    let again = bench.world.cloud.import_key_pair(&request).await?;
    ensure!(
        first.id == again.id,
        "two key pairs: {} and {}",
        first.id,
        again.id
    );
    ensure!(
        first.id.starts_with("key-") && !first.fingerprint.is_empty(),
        "{first:?}"
    );
    Ok(Verdict::Passed)
}

async fn another_key_pair_of_the_name_is_refused(bench: &CloudBench) -> Outcome {
    let mut request = bench.key_request("key-twice");
    bench.world.cloud.import_key_pair(&request).await?;
    request.ownership.token.push_str("-other");
    let second = bench.world.cloud.import_key_pair(&request).await;
    refused("a second key pair of one name", Code::AlreadyExists, second)?;
    Ok(Verdict::Passed)
}

async fn a_key_pair_is_found_by_name_until_deleted(bench: &CloudBench) -> Outcome {
    let request = bench.key_request("key-found");
    let cloud = &bench.world.cloud;
    ensure!(
        cloud.find_key_pair(&request.name).await?.is_none(),
        "it is there before its import"
    );
    let made = cloud.import_key_pair(&request).await?;
    let look = || cloud.find_key_pair(&request.name);
    let found = bench
        .until("the imported key pair by its name", look, Option::is_some)
        .await?;
    let found = found.map(|found| (found.id, found.fingerprint));
    ensure!(
        found == Some((made.id, made.fingerprint)),
        "another one: {found:?}"
    );
    cloud.delete_key_pair(&request.name).await?;
    cloud.delete_key_pair(&request.name).await?;
    bench
        .until("no key pair after its delete", look, Option::is_none)
        .await?;
    Ok(Verdict::Passed)
}

async fn the_same_token_creates_one_group(bench: &CloudBench) -> Outcome {
    let request = bench.group_request("group-token").await?;
    let first = bench.world.cloud.create_security_group(&request).await?;
    let again = bench.world.cloud.create_security_group(&request).await?;
    ensure!(first.id == again.id, "two groups: {} and {}", first.id, again.id);
    ensure!(first.rules.is_empty(), "a new group has rules: {:?}", first.rules);
    Ok(Verdict::Passed)
}

async fn another_group_of_the_name_is_refused(bench: &CloudBench) -> Outcome {
    let mut request = bench.group_request("group-twice").await?;
    bench.world.cloud.create_security_group(&request).await?;
    request.ownership.token.push_str("-other");
    let second = bench.world.cloud.create_security_group(&request).await;
    refused("a second group of one name", Code::AlreadyExists, second)?;
    Ok(Verdict::Passed)
}

async fn a_group_is_found_by_name_and_id_until_deleted(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let group = bench.group("group-found").await?;
    let is_it = |found: &Option<SecurityGroup>| {
        let ours = found.clone().map(|found| SecurityGroup {
            tags: without_foreign(&found.tags, &group.tags),
            ..found
        });
        ours.as_ref() == Some(&group)
    };
    let by_name = || cloud.find_security_group(&group.vpc_id, &group.name);
    bench.until("the group by its name", by_name, is_it).await?;
    let by_id = || cloud.security_group(&group.id);
    bench.until("the group by its id", by_id, is_it).await?;
    cloud.delete_security_group(&group.id).await?;
    cloud.delete_security_group(&group.id).await?;
    bench
        .until("no group after its delete", by_id, Option::is_none)
        .await?;
    Ok(Verdict::Passed)
}

async fn rules_added_twice_are_there_once(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let group = bench.group("rules-twice").await?;
    let other = bench.group("rules-named").await?;
    let own = CloudBench::rule(2377, Source::SelfGroup);
    let web = CloudBench::rule(80, Source::Cidr("0.0.0.0/0".to_owned()));
    let named = CloudBench::rule(7946, Source::Group(other.id));
    cloud
        .authorize_ingress(&group.id, &[web.clone(), own.clone(), named.clone()])
        .await?;
    cloud
        .authorize_ingress(&group.id, std::slice::from_ref(&own))
        .await?;
    let mut wanted = vec![own, web, named];
    wanted.sort();
    has_rules(bench, &group.id, &wanted).await
}

/// The case is passed once a group has these rules and no others.
async fn has_rules(bench: &CloudBench, group: &str, wanted: &[Rule]) -> Outcome {
    let right = |found: &Option<SecurityGroup>| found.as_ref().is_some_and(|found| found.rules == wanted);
    let look = || bench.world.cloud.security_group(group);
    bench
        .until(&format!("a group with the rules {wanted:?}"), look, right)
        .await?;
    Ok(Verdict::Passed)
}

async fn rules_are_removed_and_absent_ones_are_left_alone(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let group = bench.group("rules-removed").await?;
    let stays = CloudBench::rule(443, Source::Cidr("10.0.0.0/8".to_owned()));
    let goes = CloudBench::rule(80, Source::Cidr("0.0.0.0/0".to_owned()));
    cloud
        .authorize_ingress(&group.id, &[stays.clone(), goes.clone()])
        .await?;
    cloud
        .revoke_ingress(&group.id, std::slice::from_ref(&goes))
        .await?;
    cloud
        .revoke_ingress(&group.id, std::slice::from_ref(&goes))
        .await?;
    has_rules(bench, &group.id, &[stays]).await
}

async fn rules_are_described_in_other_words_and_stay(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let group = bench.group("rules-described").await?;
    let other = bench.group("rules-described-named").await?;
    let stays = CloudBench::rule(443, Source::Cidr("10.0.0.0/8".to_owned()));
    let mut described = vec![CloudBench::rule(80, Source::Cidr("0.0.0.0/0".to_owned()))];
    if bench.fixture.counterpart.describes_groups {
        described.push(CloudBench::rule(2377, Source::SelfGroup));
        described.push(CloudBench::rule(7946, Source::Group(other.id)));
    }
    let mut rules = vec![stays];
    rules.extend(described.iter().cloned());
    cloud.authorize_ingress(&group.id, &rules).await?;
    let reworded: Vec<Rule> = described
        .into_iter()
        .map(|rule| Rule {
            description: "in other words".to_owned(),
            ..rule
        })
        .collect();
    for _ in 0..2 {
        cloud.describe_ingress(&group.id, &reworded).await?;
        rules.truncate(1);
        rules.extend(reworded.iter().cloned());
        rules.sort();
        has_rules(bench, &group.id, &rules).await?;
        rules.retain(|rule| rule.description != "in other words");
    }
    cloud.describe_ingress(&group.id, &[]).await?;
    Ok(Verdict::Passed)
}

async fn tags_of_a_group_are_set_and_removed(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let group = bench.group("group-tags").await?;
    let pair = cloud.import_key_pair(&bench.key_request("key-tags")).await?;
    let set = BTreeMap::from([("Color".to_owned(), "red".to_owned())]);
    for id in [&group.id, &pair.id] {
        cloud.retag(id, &set, &["Unit".to_owned()]).await?;
    }
    let right = |tags: &Option<BTreeMap<String, String>>| {
        let tags = tags.as_ref();
        tags.is_some_and(|tags| has_tags(tags, &set, &["Unit"]) && Ownership::from_tags(tags).is_some())
    };
    let of_group = async || Ok(cloud.security_group(&group.id).await?.map(|group| group.tags));
    bench.until("the group's other tags", of_group, right).await?;
    let of_pair = async || Ok(cloud.find_key_pair(&pair.name).await?.map(|pair| pair.tags));
    bench.until("the key pair's other tags", of_pair, right).await?;
    Ok(Verdict::Passed)
}

async fn a_survey_sees_tags_and_only_its_own_cluster(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let group = bench.group("survey").await?;
    let pair = cloud.import_key_pair(&bench.key_request("survey")).await?;
    let owners = |survey: &CloudSurvey| {
        let group = survey.security_groups.iter().find(|found| found.id == group.id);
        let pair = survey.key_pairs.iter().find(|found| found.id == pair.id);
        [
            group.and_then(|group| Ownership::from_tags(&group.tags)),
            pair.and_then(|pair| Ownership::from_tags(&pair.tags)),
        ]
    };
    let shown = |survey: &CloudSurvey| owners(survey).iter().all(Option::is_some);
    let look = || cloud.survey(&bench.fixture.cluster);
    let survey = bench
        .until("the survey with group and key pair", look, shown)
        .await?;
    let wanted = ["security_group", "key_pair"].map(|kind| Some(bench.owner(kind, "survey")));
    ensure!(owners(&survey) == wanted, "{:?}", owners(&survey));
    let other = cloud.survey(&format!("{}-other", bench.fixture.cluster)).await?;
    ensure!(other == Default::default(), "another cluster sees {other:?}");
    Ok(Verdict::Passed)
}
