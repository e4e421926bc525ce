//! `subako state migrate`.

use subako_engine::manifest::StateBackend;
use subako_engine::session::{Session, SessionError};
use subako_engine::world::NextCommand;
use subako_state::{MigrateError, Store};

use super::ask;
use crate::args::StatePlace;
use crate::error::{CliError, Result};
use crate::hint::Hint;
use crate::lock;
use crate::project::Project;
use crate::recorded;
use crate::store;
use crate::ui::Ui;

/// Moves the state from somewhere else to where the manifest keeps it, after asking.
pub fn run(project: &Project, from: &StatePlace, yes: bool, ui: &Ui) -> Result<()> {
    let old = at(project, from)?;
    if old.place() == project.store.place() {
        return Err(CliError::new(format!(
            "the manifest keeps the state in {} already: `--from` names where it was before",
            old.place()
        )));
    }
    let _old_lock = lock::take_of(&old, project.lock_timeout, "state migrate", ui)?;
    let _new_lock = lock::take(project, "state migrate", ui)?;
    let question = format!(
        "Move the state from {} to {}? The world is left as it is, and the old place refuses every command from then on.",
        old.place(),
        project.store.place()
    );
    let session = Session::offline(project.manifest.clone(), project.provider, old.clone());
    is_of_this_cluster(&session)?;
    ask(&question, yes, ui)?;
    let moved = old.migrate_to(&project.store)?;
    ui.print(&format!(
        "{} the state (serial {}, digest {}) from {} to {}.\n",
        if moved.finished {
            "Finished moving"
        } else {
            "Moved"
        },
        moved.serial,
        moved.digest.short(),
        crate::plain::plain(old.place()),
        crate::plain::plain(project.store.place())
    ))?;
    ui.help(&Hint::run(
        NextCommand::Plan,
        " reads it there; every checkout and CI job needs this manifest now",
    ));
    Ok(())
}

/// The store of the project's cluster in another place.
fn at(project: &Project, from: &StatePlace) -> Result<Store> {
    let name = &project.manifest.cluster.name;
    let (backend, root) = match from {
        StatePlace::Directory(root) => (StateBackend::Local, root.clone()),
        StatePlace::Bucket(bucket) => (StateBackend::S3(bucket.clone()), Default::default()),
    };
    let directory = recorded::state_directory(&root, name, project.provider);
    if backend == StateBackend::Local && !directory.is_dir() {
        return Err(CliError::new(format!("there is no state in {}", directory.display()))
            .help("`--from` takes the directory that the states of all clusters are in, as `--state-dir` does, or s3://BUCKET/PREFIX"));
    }
    store::of(name, &backend, project.provider, &directory)
}

/// Refuses the state of another cluster. What says that it is somewhere else is the move's own matter.
fn is_of_this_cluster<W>(session: &Session<W>) -> Result<()> {
    match session.load() {
        Err(error @ SessionError::WrongCluster { .. }) => Err(error.into()),
        _ => Ok(()),
    }
}

impl From<MigrateError> for CliError {
    fn from(error: MigrateError) -> Self {
        let text = error.to_string();
        match error {
            MigrateError::State(error) => error.into(),
            MigrateError::Nothing { .. } => Self::new(text),
            MigrateError::Unfinished { .. } => Self::refused(text)
                .help("nothing was moved: finish it or undo it where it is, with the manifest as it was"),
            MigrateError::Occupied { .. } => {
                Self::refused(text).help("nothing was moved: a state never takes the place of another one")
            }
            MigrateError::Elsewhere { .. } => {
                Self::refused(text).help("nothing was moved: say under [state] in the manifest where it is")
            }
            MigrateError::Differs { .. } => Self::refused(text)
                .help("the old state is as it was: find out what else writes there, then move it again"),
        }
    }
}
