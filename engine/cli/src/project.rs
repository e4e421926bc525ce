//! What a command works on: a manifest and the store of its cluster.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use subako_engine::manifest::{
    self, Connection, Manifest, ManifestErrors, Provider, SimTime, Source, StateBackend, VariableFile,
    Variables,
};
use subako_engine::session::{Offline, Session};
use subako_engine::world::NextCommand;
use subako_state::Store;

use crate::args::Global;
use crate::error::{CliError, Result};
use crate::hint::Hint;
use crate::recorded::{self, Needs};
use crate::render::mistakes;
use crate::siblings::Siblings;
use crate::store;
use crate::ui::Ui;

/// A manifest and the store of its cluster.
pub struct Project {
    /// The manifest.
    pub manifest: Manifest,
    /// The values that the manifest took for the variables that it refers to.
    pub variables: Variables,
    /// `aws` or `sim`.
    pub provider: &'static str,
    /// Where the state is kept.
    pub store: Store,
    /// Where the simulated world is kept, if there is one: beside the state, but not part of it.
    pub world_file: PathBuf,
    /// How long to wait for a lock that somebody else holds.
    pub lock_timeout: Duration,
    /// Whether the manifest was read, and is to be recorded.
    has_manifest: bool,
    /// Whether every call is said (`-v`).
    #[cfg_attr(
        not(all(feature = "aws", feature = "ssh")),
        expect(dead_code, reason = "only AWS is called")
    )]
    pub verbose: bool,
}

impl Project {
    /// Reads the manifest. Nothing else is read, and nothing is written.
    pub fn open(global: &Global, ui: &Ui) -> Result<Self> {
        Self::open_with(global, ui, &Variables::default())
    }

    /// As [`Self::open`], with values that were kept for what is not given now.
    pub fn open_with(global: &Global, ui: &Ui, kept: &Variables) -> Result<Self> {
        needs_a_cluster(global)?;
        if let Some(name) = &global.cluster {
            return Err(
                CliError::new(format!("this command needs the manifest of {name}"))
                    .help("leave out `--cluster`, and name the manifest with `-f FILE`"),
            );
        }
        let text = ManifestText::read(global, kept)?;
        let manifest = text.parse().map_err(|errors| explain(&errors, ui))?;
        Self::of(global, manifest, manifest::used(&text.source, &text.variables))
    }

    /// For commands that look at a cluster, or repair it: the one that `--cluster` names, or that of
    /// the manifest. Where the manifest is not read, or lacks values of its variables, or has
    /// mistakes, the cluster is reached as it was recorded by the last run that changed it.
    pub fn open_recorded(global: &Global, ui: &Ui, needs: Needs) -> Result<Self> {
        needs_a_cluster(global)?;
        if let Some(name) = &global.cluster {
            let manifest = match &global.state {
                Some(bucket) => recorded::in_bucket(bucket, global.sim, name, needs)?,
                None => recorded::named(&state_root(global), global.sim, name, needs)?,
            };
            return Ok(Self::of(global, manifest, Variables::default())?.without_manifest());
        }
        let text = ManifestText::read(global, &Variables::default())?;
        let errors = match text.parse() {
            Ok(manifest) => return Self::of(global, manifest, Variables::default()),
            Err(errors) => errors,
        };
        let found = match manifest::identity(&text.source, &text.variables) {
            Some(identity) => {
                let provider = if global.sim {
                    Provider::Sim
                } else {
                    identity.provider
                };
                let state = match is_only_simulated(global, identity.provider) {
                    true => StateBackend::Local,
                    false => identity.state,
                };
                recorded::of(&state_root(global), &identity.name, state, provider, needs)?
            }
            None => None,
        };
        let Some(manifest) = found else {
            return Err(explain(&errors, ui));
        };
        ui.note(&format!(
            "the manifest cannot be read as it is, so {} is reached as its last run recorded",
            manifest.cluster.name
        ));
        ui.help(&Hint::run(NextCommand::Validate, " shows why"));
        Ok(Self::of(global, manifest, Variables::default())?.without_manifest())
    }

    /// The same, of which nothing is recorded: it stands for what was recorded.
    fn without_manifest(self) -> Self {
        Self {
            has_manifest: false,
            ..self
        }
    }

    /// The project of a manifest.
    fn of(global: &Global, mut manifest: Manifest, variables: Variables) -> Result<Self> {
        if is_only_simulated(global, manifest.cluster.provider) {
            manifest.state = StateBackend::Local;
        }
        let simulated = global.sim || manifest.cluster.provider == Provider::Sim;
        let provider = if simulated { "sim" } else { "aws" };
        let directory = recorded::state_directory(&state_root(global), &manifest.cluster.name, provider);
        Ok(Self {
            store: store::of(&manifest.cluster.name, &manifest.state, provider, &directory)?,
            manifest,
            variables,
            provider,
            world_file: directory.join("world.json"),
            lock_timeout: global.lock_timeout,
            has_manifest: true,
            verbose: global.verbose,
        })
    }

    /// As [`Self::open`], always on the simulator.
    pub fn open_simulated(global: &Global, ui: &Ui) -> Result<Self> {
        let global = Global {
            sim: true,
            ..global.clone()
        };
        Self::open(&global, ui)
    }

    /// Whether the simulator is acted on.
    pub fn is_simulated(&self) -> bool {
        self.provider == "sim"
    }

    /// Whether time is virtual.
    pub fn is_instant(&self) -> bool {
        self.is_simulated() && self.manifest.sim.time == SimTime::Instant
    }

    /// What is known of the cluster, and where it is kept, without its world.
    pub fn offline(&self) -> Session<Offline> {
        let session = Session::offline(self.manifest.clone(), self.provider, self.store.clone());
        match self.has_manifest {
            true => session.recording(Connection::of(&self.manifest, recorded::portable)),
            false => session,
        }
    }

    /// As [`Self::offline`], with every check that a plan goes through.
    pub fn planning(&self) -> Result<Session<Offline>> {
        let siblings = Siblings::of(self.store.clone(), self.provider);
        Ok(self.offline().with_check(Arc::new(siblings))?)
    }
}

/// Refuses a bucket without the name of the cluster whose state is there: a manifest says where its own is.
fn needs_a_cluster(global: &Global) -> Result<()> {
    match (&global.state, &global.cluster) {
        (Some(_), None) => Err(CliError::new("`--state` goes with `--cluster NAME`")
            .help("with a manifest, [state] says where the state is")),
        _ => Ok(()),
    }
}

/// What `--sim` simulates is on this machine, and so is what is known of it: only a cluster that is a
/// simulated one by its manifest has its state where that says.
fn is_only_simulated(global: &Global, provider: Provider) -> bool {
    global.sim && provider != Provider::Sim
}

/// Where the states of all clusters are.
fn state_root(global: &Global) -> PathBuf {
    match &global.state_dir {
        Some(directory) => directory.clone(),
        None => global.file.parent().unwrap_or(Path::new("")).join(".subako"),
    }
}

fn directory(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// More than any manifest has, bytes; keeps an endless file from filling the memory.
const LONGEST: u64 = 64 << 20;

fn text_of(file: &Path) -> std::io::Result<String> {
    let bytes = subako_state::read_file(file, LONGEST)?;
    String::from_utf8(bytes).map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))
}

/// A manifest's text, and what its variables may stand for.
struct ManifestText {
    source: Source,
    variables: Variables,
}

impl ManifestText {
    fn parse(&self) -> std::result::Result<Manifest, ManifestErrors> {
        manifest::parse(&self.source, &self.variables)
    }

    fn read(global: &Global, kept: &Variables) -> Result<Self> {
        let file = &global.file;
        let text = text_of(file).map_err(|error| {
            let out = CliError::io("read", format!("the manifest {}", file.display()), &error);
            match error.kind() {
                std::io::ErrorKind::NotFound => out.help(Hint::run(
                    NextCommand::New(None),
                    " writes a starter manifest; `-f FILE` names another one",
                )),
                std::io::ErrorKind::IsADirectory => out.help("`-f` takes the file, not its directory"),
                _ => out,
            }
        })?;
        let source = Source {
            name: file.display().to_string(),
            text: text.into(),
            dir: directory(file),
        };
        let variables = Variables {
            // A value that is not UTF-8 cannot stand in a manifest anyway.
            env: std::env::vars_os()
                .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            vars: global.vars.iter().cloned().collect::<BTreeMap<_, _>>(),
            files: global
                .var_files
                .iter()
                .map(|file| variable_file(file))
                .collect::<Result<_>>()?,
        }
        .over(kept);
        Ok(Self { source, variables })
    }
}

fn variable_file(file: &Path) -> Result<VariableFile> {
    let name = file.display().to_string();
    let text =
        text_of(file).map_err(|error| CliError::io("read", format!("the variables of {name}"), &error))?;
    VariableFile::read(&name, &text).map_err(|error| CliError::new(error.to_string()))
}

/// Every mistake with its line, underlined, and their number.
fn explain(errors: &ManifestErrors, ui: &Ui) -> CliError {
    let (mistakes, summary) = mistakes::report(errors, ui.err.is_on(), ui.width().min(120));
    CliError {
        report: Some(mistakes),
        ..CliError::new(summary)
    }
}
