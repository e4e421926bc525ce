//! The world's files.

use std::fs;
use std::path::PathBuf;

use super::scenario::{CLUSTER, Cluster, in_file, service};
use crate::sim::{SimError, SimOptions, Simulator};

struct Files {
    _directory: tempfile::TempDir,
    world: PathBuf,
    log: PathBuf,
}

fn files() -> Files {
    let directory = tempfile::tempdir().unwrap();
    Files {
        world: directory.path().join("deep/world.json"),
        log: directory.path().join("deep/world.log"),
        _directory: directory,
    }
}

async fn cluster(files: &Files) -> Cluster {
    let cluster = Cluster::up(in_file(&files.world), 1, 1).await;
    cluster
        .manager()
        .create_service(&service("reply", 3))
        .await
        .unwrap();
    cluster.wait(30).await;
    cluster
}

fn error_of(files: &Files) -> SimError {
    let options = SimOptions {
        world_file: Some(files.world.clone()),
        ..SimOptions::default()
    };
    match Simulator::open(options) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_killed_loses_nothing() {
    let files = files();
    let cluster = cluster(&files).await;
    let before = cluster.sim.dump();
    drop(cluster);
    assert!(
        !files.world.exists() && files.log.exists(),
        "only the log is written while a run goes on"
    );
    let mut after = in_file(&files.world).dump();
    // Only what was written down has passed: the tasks are not running yet.
    after["swarms"]
        .as_object_mut()
        .unwrap()
        .values_mut()
        .for_each(|swarm| swarm["tasks"] = 3.into());
    let mut before = before;
    before["swarms"]
        .as_object_mut()
        .unwrap()
        .values_mut()
        .for_each(|swarm| swarm["tasks"] = 3.into());
    assert_eq!(before, after);
}

#[tokio::test(start_paused = true)]
async fn closing_leaves_one_file_with_the_same_world() {
    let files = files();
    let cluster = cluster(&files).await;
    let before = cluster.sim.dump();
    cluster.sim.close().unwrap();
    assert!(files.world.exists() && !files.log.exists());
    assert_eq!(in_file(&files.world).dump(), before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(&files.world).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_world_that_is_only_read_is_not_written() {
    let files = files();
    let empty = in_file(&files.world);
    empty.world().cloud.survey(CLUSTER).await.unwrap();
    empty.close().unwrap();
    assert!(!files.world.exists() && !files.log.exists() && !files.world.parent().unwrap().exists());

    drop(cluster(&files).await);
    let before = fs::read(&files.log).unwrap();
    let reader = in_file(&files.world);
    reader.world().cloud.survey(CLUSTER).await.unwrap();
    reader.close().unwrap();
    assert_eq!(fs::read(&files.log).unwrap(), before);
    assert!(!files.world.exists());
}

#[tokio::test(start_paused = true)]
async fn a_log_that_outlived_its_snapshot_counts_once() {
    let files = files();
    let cluster = cluster(&files).await;
    let log = fs::read(&files.log).unwrap();
    cluster.sim.close().unwrap();
    let before = cluster.sim.dump();
    fs::write(&files.log, log).unwrap();
    let again = in_file(&files.world);
    assert_eq!(again.dump(), before);
    again.set_instance_tag("node-0", "Color", "red").unwrap();
    let changed = again.dump();
    drop(again);
    assert_eq!(in_file(&files.world).dump(), changed);
}

#[tokio::test(start_paused = true)]
async fn a_torn_last_line_is_overwritten_by_the_next_change() {
    let files = files();
    drop(cluster(&files).await);
    let whole = fs::read(&files.log).unwrap();
    fs::write(&files.log, &whole[..whole.len() - 9]).unwrap();
    let sim = in_file(&files.world);
    assert!(
        sim.scale_service("reply", 1).is_err(),
        "the torn line was the service's creation"
    );
    sim.set_instance_tag("node-0", "Color", "red").unwrap();
    let before = sim.dump();
    drop(sim);
    assert_eq!(in_file(&files.world).dump(), before);
}

#[tokio::test(start_paused = true)]
async fn damage_in_the_middle_is_refused_with_its_line() {
    let files = files();
    drop(cluster(&files).await);
    let text = fs::read_to_string(&files.log).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[2] = "{}";
    fs::write(&files.log, lines.join("\n") + "\n").unwrap();
    let error = error_of(&files);
    assert!(matches!(error, SimError::Corrupt { line: 3, .. }), "{error}");
    lines.remove(2);
    fs::write(&files.log, lines.join("\n") + "\n").unwrap();
    let error = error_of(&files);
    assert!(error.to_string().contains("change 3 is missing"), "{error}");
    fs::remove_file(&files.log).unwrap();
    fs::write(&files.world, "{\"format\": 1").unwrap();
    assert!(matches!(error_of(&files), SimError::Corrupt { .. }));
}

#[tokio::test(start_paused = true)]
async fn no_token_is_ever_written() {
    let files = files();
    let cluster = cluster(&files).await;
    let token = cluster.manager().swarm_inspect().await.unwrap().tokens.worker;
    let log = fs::read_to_string(&files.log).unwrap();
    cluster.sim.close().unwrap();
    let world = fs::read_to_string(&files.world).unwrap();
    for text in [log, world, cluster.sim.dump().to_string()] {
        assert!(!text.contains("SWMTKN") && !text.contains(&token.expose()[60..]));
    }
}
