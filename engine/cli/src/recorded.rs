//! A cluster without its manifest: found by its name, and reached as its last run recorded.

use std::path::{Path, PathBuf};

use subako_engine::manifest::{Manifest, Provider, StateBackend, StateBucket, is_cluster_name};
use subako_engine::session::recorded_connection;

use crate::error::{CliError, Result};
use crate::store;

/// What a command needs of a cluster that it has no manifest of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Its state alone.
    State,
    /// Its world too.
    World,
}

/// The cluster of that name among those whose states are kept in `root`, as a manifest that wants
/// nothing: on AWS where it has a state there, else on the simulator, as with `--sim` in any case.
pub fn named(root: &Path, simulated: bool, name: &str, needs: Needs) -> Result<Manifest> {
    let is_there = |provider: &&Provider| {
        is_cluster_name(name) && state_directory(root, name, word(**provider)).is_dir()
    };
    match providers(simulated).iter().find(is_there) {
        Some(provider) => {
            let found = of(root, name, StateBackend::Local, *provider, needs)?;
            found.ok_or_else(|| unreachable(name))
        }
        None => Err(nowhere(root, name)),
    }
}

/// The cluster of that name whose state is in a bucket, likewise.
pub fn in_bucket(bucket: &StateBucket, simulated: bool, name: &str, needs: Needs) -> Result<Manifest> {
    for provider in providers(simulated) {
        let state = StateBackend::S3(bucket.clone());
        let store = store::of(name, &state, word(*provider), Path::new(""))?;
        let is_there = is_cluster_name(name)
            && (store.state_version()?.is_some() || !matches!(recorded_connection(&store), Ok(None)));
        if is_there {
            let found = of(Path::new(""), name, state, *provider, needs)?;
            return found.ok_or_else(|| unreachable(name));
        }
    }
    Err(CliError::new(format!("there is no state of {name} in {bucket}")))
}

/// The cluster of a provider, whose state is kept by `state` (locally in `root`), as a manifest that
/// wants nothing. `None` if it has no state there, or its world is needed and nothing says how it is
/// reached.
pub fn of(
    root: &Path,
    name: &str,
    state: StateBackend,
    provider: Provider,
    needs: Needs,
) -> Result<Option<Manifest>> {
    let directory = state_directory(root, name, word(provider));
    if state == StateBackend::Local && !directory.is_dir() {
        return Ok(None);
    }
    let store = store::of(name, &state, word(provider), &directory)?;
    let connection = match recorded_connection(&store) {
        Ok(connection) => connection,
        Err(_) if needs == Needs::State => None,
        Err(error) => return Err(error.into()),
    };
    if connection.is_none() && needs == Needs::World {
        return Ok(None);
    }
    let mut manifest = Manifest::without_resources(name, provider, connection, here);
    manifest.state = state;
    Ok(Some(manifest))
}

/// Where a cluster is looked for, in this order.
fn providers(simulated: bool) -> &'static [Provider] {
    match simulated {
        true => &[Provider::Sim],
        false => &[Provider::Aws, Provider::Sim],
    }
}

/// Where the state of a cluster is.
pub fn state_directory(root: &Path, name: &str, provider: &str) -> PathBuf {
    root.join(format!("{name}.{provider}"))
}

fn word(provider: Provider) -> &'static str {
    match provider {
        Provider::Aws => "aws",
        Provider::Sim => "sim",
    }
}

fn unreachable(name: &str) -> CliError {
    CliError::new(format!("the state of {name} does not say how the cluster is reached")).help(
        "it was written by an earlier version: run this with the manifest (`-f FILE`); the next apply records it",
    )
}

fn nowhere(root: &Path, name: &str) -> CliError {
    let error = CliError::new(format!("there is no state of {name} in {}", root.display()));
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let found = file.strip_suffix(".aws").or_else(|| file.strip_suffix(".sim"));
        names.extend(found.filter(|name| is_cluster_name(name)).map(str::to_owned));
    }
    names.sort();
    names.dedup();
    match names.is_empty() {
        true => error.help("`--state-dir DIR` names the directory that the states are in"),
        false => error.help(format!("there is one of {}", names.join(", "))),
    }
}

/// A path as it is recorded: from the home directory where it is below it, else from the root.
pub fn portable(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match home().and_then(|home| Some(Path::new("~").join(whole.strip_prefix(home).ok()?))) {
        Some(short) => short,
        None => whole,
    }
}

/// A recorded path on this machine.
fn here(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

fn home() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
    Some(PathBuf::from(home))
}
