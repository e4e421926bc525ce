//! Cases of instances.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use subako_world::{
    Code, Instance, InstanceChange, InstanceRequest, InstanceState, Ownership, Residue, SecurityGroup,
};

use super::case::{Case, CaseError, Outcome, Verdict, ensure, refused};
use super::cloud_bench::{CloudBench, has_tags};

/// An id that no instance has.
const NOBODY: &str = "i-00000000000000000";

pub(super) fn cases() -> Vec<Case<CloudBench>> {
    super::case::cases![
        an_instance_runs_as_requested,
        the_same_token_runs_one_instance,
        a_token_with_another_request_is_refused,
        a_token_of_a_terminated_instance_is_refused,
        an_instance_is_found_by_its_token,
        a_pinned_address_is_kept_and_given_once,
        a_group_in_use_is_deleted_only_after_termination,
        waiting_for_a_terminated_instance_fails_at_once,
        an_instance_stops_and_starts,
        a_type_changes_only_while_stopped,
        a_disk_grows_and_tags_change_while_running,
        a_protected_instance_ends_only_unprotected,
        terminating_what_is_not_there_is_fine,
        residue_is_what_is_left_and_then_nothing,
        a_survey_sees_a_crowd_sorted_and_whole,
    ]
}

async fn an_instance_runs_as_requested(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let pair = cloud.import_key_pair(&bench.key_request("as-requested")).await?;
    let group = bench.group("as-requested").await?;
    let mut request = bench.instance_request("as-requested", &group).await?;
    request.key_name = Some(pair.name);
    request.disk_gib = 12;
    let made = cloud.run_instance(&request).await?;
    let instance = bench.reach(&made.id, InstanceState::Running).await?;
    ensure!(
        instance.id == made.id && instance.image_id == request.image_id,
        "{instance:?}"
    );
    ensure!(
        instance.instance_type == request.instance_type,
        "type {}",
        instance.instance_type
    );
    ensure!(
        instance.subnet_id == request.subnet_id && instance.zone == request.zone,
        "{instance:?}"
    );
    ensure!(
        instance.security_group_ids == [group.id],
        "{:?}",
        instance.security_group_ids
    );
    ensure!(
        instance.key_name == request.key_name,
        "key {:?}",
        instance.key_name
    );
    ensure!(
        instance.disk_gib.is_none_or(|gib| gib == 12),
        "disk {:?}",
        instance.disk_gib
    );
    ensure!(instance.imdsv2_required, "IMDSv1 is allowed");
    ensure!(
        Ownership::from_tags(&instance.tags) == Some(request.ownership),
        "{:?}",
        instance.tags
    );
    ensure!(
        has_tags(&instance.tags, &request.tags, &[]),
        "{:?}",
        instance.tags
    );
    Ok(Verdict::Passed)
}

async fn the_same_token_runs_one_instance(bench: &CloudBench) -> Outcome {
    if !bench.fixture.counterpart.client_tokens {
        return Ok(Verdict::Skipped("the counterpart ignores client tokens"));
    }
    let group = bench.group("token").await?;
    let request = bench.instance_request("token", &group).await?;
    let first = bench.world.cloud.run_instance(&request).await?;
    let again = bench.world.cloud.run_instance(&request).await?;
    ensure!(
        first.id == again.id,
        "two instances: {} and {}",
        first.id,
        again.id
    );
    bench.reach(&first.id, InstanceState::Running).await?;
    bench.world.cloud.stop_instance(&first.id).await?;
    let stopped = bench.world.cloud.run_instance(&request).await?;
    ensure!(
        stopped.id == first.id,
        "another instance once the first one stops"
    );
    Ok(Verdict::Passed)
}

async fn a_token_with_another_request_is_refused(bench: &CloudBench) -> Outcome {
    if !bench.fixture.counterpart.client_tokens {
        return Ok(Verdict::Skipped("the counterpart ignores client tokens"));
    }
    let group = bench.group("mismatch").await?;
    let mut request = bench.instance_request("mismatch", &group).await?;
    bench.world.cloud.run_instance(&request).await?;
    request.instance_type.clone_from(&bench.fixture.other_type);
    let second = bench.world.cloud.run_instance(&request).await;
    refused("another request with the same token", Code::TokenSpent, second)?;
    Ok(Verdict::Passed)
}

async fn a_token_of_a_terminated_instance_is_refused(bench: &CloudBench) -> Outcome {
    if !bench.fixture.counterpart.client_tokens {
        return Ok(Verdict::Skipped("the counterpart ignores client tokens"));
    }
    let (instance, group) = bench.instance("token-ended").await?;
    bench.world.cloud.terminate_instance(&instance.id, false).await?;
    bench.reach(&instance.id, InstanceState::Terminated).await?;
    let request = bench.instance_request("token-ended", &group).await?;
    let second = bench.world.cloud.run_instance(&request).await;
    refused("the token of a terminated instance", Code::TokenSpent, second)?;
    Ok(Verdict::Passed)
}

async fn an_instance_is_found_by_its_token(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let group = bench.group("by-token").await?;
    let request = bench.instance_request("by-token", &group).await?;
    let token = &request.ownership.token;
    ensure!(
        cloud.find_instance_by_token(token).await?.is_none(),
        "found before it runs"
    );
    let made = cloud.run_instance(&request).await?;
    let look = || cloud.find_instance_by_token(token);
    let found = bench
        .until("the instance by its token", look, Option::is_some)
        .await?;
    ensure!(
        found.as_ref().is_some_and(|found| found.id == made.id),
        "another one by its token: {found:?}"
    );
    cloud.terminate_instance(&made.id, false).await?;
    bench.reach(&made.id, InstanceState::Terminated).await?;
    let ended = |found: &Option<Instance>| {
        let found = found.as_ref();
        found.is_some_and(|found| found.id == made.id && found.state == InstanceState::Terminated)
    };
    bench
        .until("the terminated instance by its token", look, ended)
        .await?;
    Ok(Verdict::Passed)
}

/// Runs an instance at an address near the end of its subnet: EC2 keeps the last one for itself, and
/// somebody may have any other.
async fn at_a_free_address(
    bench: &CloudBench,
    group: &SecurityGroup,
) -> Result<(InstanceRequest, Instance), CaseError> {
    let mut request = bench.instance_request("pinned", group).await?;
    let (_, subnet) = bench.place().await?;
    let range: ipnet::Ipv4Net = subnet
        .cidr
        .parse()
        .map_err(|error| CaseError::Broken(format!("{subnet:?} has no range: {error}")))?;
    // Others that do the same in this subnet begin elsewhere.
    let begin = 10 + bench.fixture.cluster.bytes().map(u32::from).sum::<u32>() % 40;
    for from_end in begin..begin + 6 {
        request.private_ip = Some(Ipv4Addr::from(u32::from(range.broadcast()) - from_end).to_string());
        match bench.world.cloud.run_instance(&request).await {
            Err(failure) if failure.code == Code::Taken => {}
            made => return Ok((request, made?)),
        }
    }
    Err(CaseError::Broken(format!(
        "no address is free at the end of {subnet:?}"
    )))
}

async fn a_pinned_address_is_kept_and_given_once(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let group = bench.group("pinned").await?;
    let (request, made) = at_a_free_address(bench, &group).await?;
    ensure!(
        request.private_ip.as_ref() == Some(&made.private_ip),
        "it has {}, not {:?}",
        made.private_ip,
        request.private_ip
    );
    if bench.fixture.counterpart.address_conflicts {
        let mut second = bench.instance_request("pinned-too", &group).await?;
        second.private_ip.clone_from(&request.private_ip);
        let second = cloud.run_instance(&second).await;
        refused("an address in use", Code::Taken, second)?;
    }
    cloud.terminate_instance(&made.id, false).await?;
    bench.reach(&made.id, InstanceState::Terminated).await?;
    Ok(Verdict::Passed)
}

async fn a_group_in_use_is_deleted_only_after_termination(bench: &CloudBench) -> Outcome {
    if !bench.fixture.counterpart.dependency_violations {
        return Ok(Verdict::Skipped("the counterpart deletes groups in use"));
    }
    let cloud = &bench.world.cloud;
    let (instance, group) = bench.instance("in-use").await?;
    let code = Code::InUse;
    refused(
        "deleting a group in use",
        code,
        cloud.delete_security_group(&group.id).await,
    )?;
    cloud.terminate_instance(&instance.id, false).await?;
    let while_ending = cloud.delete_security_group(&group.id).await;
    let still = cloud.instance(&instance.id).await?.map(|instance| instance.state);
    if still == Some(InstanceState::ShuttingDown) {
        refused("deleting a group while its instance ends", code, while_ending)?;
    }
    bench.reach(&instance.id, InstanceState::Terminated).await?;
    cloud.delete_security_group(&group.id).await?;
    let look = || cloud.security_group(&group.id);
    bench
        .until("no group after its delete", look, Option::is_none)
        .await?;
    Ok(Verdict::Passed)
}

async fn waiting_for_a_terminated_instance_fails_at_once(bench: &CloudBench) -> Outcome {
    let (instance, _) = bench.instance("ended").await?;
    bench.world.cloud.terminate_instance(&instance.id, false).await?;
    bench.reach(&instance.id, InstanceState::Terminated).await?;
    let begun = bench.world.clock.now();
    refused(
        "waiting for what cannot be",
        Code::WrongState,
        bench.reach(&instance.id, InstanceState::Running).await,
    )?;
    let waited = bench.world.clock.now() - begun;
    ensure!(waited < Duration::from_secs(30), "it took {waited:?}");
    Ok(Verdict::Passed)
}

async fn an_instance_stops_and_starts(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let (running, _) = bench.instance("stops").await?;
    cloud.stop_instance(&running.id).await?;
    let stopped = bench.reach(&running.id, InstanceState::Stopped).await?;
    ensure!(
        stopped.private_ip == running.private_ip,
        "its private address changed"
    );
    cloud.stop_instance(&running.id).await?;
    cloud.start_instance(&running.id).await?;
    let again = bench.reach(&running.id, InstanceState::Running).await?;
    ensure!(
        again.private_ip == running.private_ip,
        "its private address changed"
    );
    cloud.start_instance(&running.id).await?;
    Ok(Verdict::Passed)
}

async fn a_type_changes_only_while_stopped(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let (instance, _) = bench.instance("type").await?;
    let change = InstanceChange {
        instance_type: Some(bench.fixture.other_type.clone()),
        ..InstanceChange::default()
    };
    if bench.fixture.counterpart.type_needs_stop {
        let running = cloud.modify_instance(&instance.id, &change).await;
        refused("another type while running", Code::WrongState, running)?;
    }
    cloud.stop_instance(&instance.id).await?;
    bench.reach(&instance.id, InstanceState::Stopped).await?;
    cloud.modify_instance(&instance.id, &change).await?;
    cloud.start_instance(&instance.id).await?;
    let again = bench.reach(&instance.id, InstanceState::Running).await?;
    ensure!(
        again.instance_type == bench.fixture.other_type,
        "type {}",
        again.instance_type
    );
    Ok(Verdict::Passed)
}

async fn a_disk_grows_and_tags_change_while_running(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let (instance, _) = bench.instance("modify").await?;
    let change = InstanceChange {
        disk_gib: Some(16),
        set_tags: BTreeMap::from([("Color".to_owned(), "red".to_owned())]),
        remove_tags: vec!["Name".to_owned()],
        ..InstanceChange::default()
    };
    cloud.modify_instance(&instance.id, &change).await?;
    let look = || cloud.instance(&instance.id);
    let right = |after: &Option<Instance>| {
        after.as_ref().is_some_and(|after| {
            has_tags(&after.tags, &change.set_tags, &["Name"])
                && Ownership::from_tags(&after.tags).is_some()
                && after.disk_gib.is_none_or(|gib| gib == 16)
        })
    };
    bench
        .until("16 GiB, other tags and its owner", look, right)
        .await?;
    Ok(Verdict::Passed)
}

async fn a_protected_instance_ends_only_unprotected(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let group = bench.group("protect").await?;
    let mut request = bench.instance_request("protect", &group).await?;
    request.protect = true;
    let made = cloud.run_instance(&request).await?;
    bench.reach(&made.id, InstanceState::Running).await?;
    if !bench.fixture.counterpart.protects_at_launch {
        let protect = InstanceChange {
            protect: Some(true),
            ..InstanceChange::default()
        };
        cloud.modify_instance(&made.id, &protect).await?;
    }
    let ending = cloud.terminate_instance(&made.id, false).await;
    refused("ending a protected instance", Code::Protected, ending)?;
    cloud.terminate_instance(&made.id, true).await?;
    bench.reach(&made.id, InstanceState::Terminated).await?;
    Ok(Verdict::Passed)
}

async fn terminating_what_is_not_there_is_fine(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    ensure!(
        cloud.instance(NOBODY).await?.is_none(),
        "there is an instance {NOBODY}"
    );
    cloud.terminate_instance(NOBODY, false).await?;
    let (instance, _) = bench.instance("twice").await?;
    cloud.terminate_instance(&instance.id, false).await?;
    cloud.terminate_instance(&instance.id, false).await?;
    Ok(Verdict::Passed)
}

async fn residue_is_what_is_left_and_then_nothing(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let (instance, group) = bench.instance("residue").await?;
    let look = || cloud.residue(&bench.fixture.cluster);
    let both = |left: &Vec<Residue>| {
        let mut wanted = [("instance", &instance.id), ("security-group", &group.id)].into_iter();
        wanted.all(|(what, id)| left.iter().any(|one| one.what == what && one.id == *id))
    };
    let left = bench.until("instance and group as residue", look, both).await?;
    ensure!(
        left.is_sorted_by_key(|one| (one.what.clone(), one.id.clone())),
        "not sorted: {left:?}"
    );
    bench.sweep().await?;
    bench.until("no residue", look, Vec::is_empty).await?;
    Ok(Verdict::Passed)
}

async fn a_survey_sees_a_crowd_sorted_and_whole(bench: &CloudBench) -> Outcome {
    let cloud = &bench.world.cloud;
    let group = bench.group("crowd").await?;
    let mut wanted = Vec::new();
    for index in 0..bench.fixture.crowd {
        let request = bench.instance_request(&format!("crowd-{index}"), &group).await?;
        wanted.push(cloud.run_instance(&request).await?.id);
    }
    for id in &wanted {
        bench.reach(id, InstanceState::Running).await?;
    }
    let look = async || {
        let survey = cloud.survey(&bench.fixture.cluster).await?;
        Ok(survey.instances.into_iter().map(|one| one.id).collect::<Vec<_>>())
    };
    let all = |found: &Vec<String>| wanted.iter().all(|id| found.contains(id));
    let found = bench.until(&format!("a survey of {wanted:?}"), look, all).await?;
    ensure!(found.is_sorted(), "not sorted by id: {found:?}");
    cloud.terminate_instance(&wanted[0], false).await?;
    let without = |found: &Vec<String>| !found.contains(&wanted[0]);
    bench.until("a survey without what ends", look, without).await?;
    Ok(Verdict::Passed)
}
