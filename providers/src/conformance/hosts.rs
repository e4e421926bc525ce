//! The cases of the seams `Hosts` and `Host`: login and engine here, the swarm in files of its own.

use subako_world::{Code, EngineRequest, LocalNodeState, Progress};

use super::case::{Case, Outcome, Verdict, cases, ensure, refused};
use super::host_bench::HostBench;
use super::{membership, services, tasks, tasks_failing};

/// Every case of the seams `Hosts` and `Host`.
pub fn host_cases() -> Vec<Case<HostBench>> {
    let mut all = cases![
        an_engine_is_there_once_installed,
        installing_twice_is_fine,
        a_pinned_host_key_is_checked,
        a_machine_that_is_gone_is_not_reached,
    ];
    all.extend(membership::cases());
    all.extend(services::cases());
    all.extend(tasks::cases());
    all.extend(tasks_failing::cases());
    all
}

async fn an_engine_is_there_once_installed(bench: &HostBench) -> Outcome {
    let target = bench.machine("fresh").await?;
    let host = bench
        .cloud
        .world
        .hosts
        .connect(&target, &Progress::silent())
        .await?;
    ensure!(
        host.engine_info().await?.is_none(),
        "an engine is there before its installation"
    );
    let installed = host
        .install_engine(&EngineRequest::default(), &Progress::silent())
        .await?;
    ensure!(
        installed.swarm == LocalNodeState::Inactive && !installed.control_available,
        "{installed:?}"
    );
    ensure!(
        installed.version.starts_with(|c: char| c.is_ascii_digit()),
        "version {}",
        installed.version
    );
    let info = host.engine_info().await?;
    ensure!(info.as_ref() == Some(&installed), "{info:?}");
    bench
        .cloud
        .world
        .cloud
        .terminate_instance(&target.instance_id, false)
        .await?;
    Ok(Verdict::Passed)
}

async fn installing_twice_is_fine(bench: &HostBench) -> Outcome {
    let host = bench.host(0).await?;
    let first = host
        .install_engine(&EngineRequest::default(), &Progress::silent())
        .await?;
    let second = host
        .install_engine(&EngineRequest::default(), &Progress::silent())
        .await?;
    ensure!(
        first.version == second.version,
        "{} became {}",
        first.version,
        second.version
    );
    Ok(Verdict::Passed)
}

async fn a_pinned_host_key_is_checked(bench: &HostBench) -> Outcome {
    let shown = bench.host(0).await?.host_key();
    ensure!(
        bench.host(0).await?.host_key() == shown,
        "another key at the second login"
    );
    let mut pinned = bench.target(0).clone();
    pinned.host_key = Some(shown);
    bench
        .cloud
        .world
        .hosts
        .connect(&pinned, &Progress::silent())
        .await?;
    pinned.host_key = Some(bench.host(1).await?.host_key());
    let other = bench
        .cloud
        .world
        .hosts
        .connect(&pinned, &Progress::silent())
        .await;
    refused("a login to a machine with another key", Code::Untrusted, other)?;
    let other = bench.cloud.world.hosts.reach(&pinned).await;
    refused("reaching a machine with another key", Code::Untrusted, other)?;
    Ok(Verdict::Passed)
}

async fn a_machine_that_is_gone_is_not_reached(bench: &HostBench) -> Outcome {
    let target = bench.machine("gone").await?;
    bench
        .cloud
        .world
        .hosts
        .connect(&target, &Progress::silent())
        .await?;
    bench
        .cloud
        .world
        .cloud
        .terminate_instance(&target.instance_id, false)
        .await?;
    bench
        .cloud
        .reach(&target.instance_id, subako_world::InstanceState::Terminated)
        .await?;
    refused(
        "reaching a terminated machine",
        Code::Unreachable,
        bench.cloud.world.hosts.reach(&target).await,
    )?;
    Ok(Verdict::Passed)
}
