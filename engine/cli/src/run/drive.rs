//! One run: its progress is shown, signals reach it.

use std::future::Future;
use std::sync::Arc;

use subako_engine::plan::Plan;
use subako_engine::run::{ApplyOptions, OnFailure, Stop};
use subako_engine::session::{RunReport, SessionError};
use subako_state::Outcome;

use crate::args::{Format, OnFailureArg, RunArgs};
use crate::error::Result;
use crate::exit::Exit;
use crate::probe;
use crate::project::Project;
use crate::provider::Cluster;
use crate::render::progress::{How, Reporter, RunLog};
use crate::signals::Signals;
use crate::ui::Ui;

/// The engine's options for those of the command line.
pub fn options(args: &RunArgs) -> Result<ApplyOptions> {
    Ok(ApplyOptions {
        parallelism: usize::from(args.parallelism),
        on_failure: match args.on_failure {
            OnFailureArg::Rollback => OnFailure::Rollback,
            OnFailureArg::Keep => OnFailure::Keep,
        },
        probe: probe::from_environment()?,
    })
}

/// How a run is shown.
pub fn reporter(
    ui: &Ui,
    args: &RunArgs,
    project: &Project,
    cluster: &Cluster,
    plan: Option<&Plan>,
) -> Reporter {
    let how = match args.format {
        Format::Json => How::Json,
        Format::Text => How::Text {
            plan,
            parallelism: usize::from(args.parallelism),
            clock: (!project.is_instant()).then(|| Arc::clone(&cluster.session.world().clock)),
        },
    };
    Reporter::start(ui, &cluster.session.display(), how)
}

/// What came of a run, and what was seen of it.
pub struct LoggedRun {
    /// What came of it.
    pub ran: RunReport,
    /// What was seen.
    pub log: RunLog,
}

impl LoggedRun {
    /// Says that the journal of a run that is over is still where it was.
    pub fn unclosed(&self, ui: &Ui) {
        if let (Some(error), false) = (&self.ran.broken, self.ran.cut) {
            ui.warn(&format!(
                "{error}; the run is over all the same, and the next command puts its journal into the history"
            ));
        }
    }

    /// The exit code, if all that was told could be written.
    pub fn heard(&self, exit: Exit) -> Result<Exit> {
        match self.log.heard() {
            Err(error) if exit == Exit::Done => Err(error.exit(Exit::Remains)),
            // A failure is told by its code, and has been said on stderr.
            _ => Ok(exit),
        }
    }
}

/// Makes a run and lets signals reach it: the first asks it to stop in order, the second at once.
pub async fn drive(
    run: impl Future<Output = std::result::Result<RunReport, SessionError>>,
    reporter: Reporter,
    stop: &Stop,
    signals: &mut Signals,
) -> Result<LoggedRun> {
    let mut run = std::pin::pin!(run);
    let mut asked = false;
    let result = loop {
        tokio::select! {
            biased;
            result = &mut run => break result,
            name = signals.next() => {
                if asked {
                    reporter.say(&format!("{name}: stopping at once; the journal is whole"));
                    stop.now();
                } else {
                    asked = true;
                    stop.drain(name);
                }
            }
        }
    };
    let log = reporter.finish();
    Ok(LoggedRun { ran: result?, log })
}

/// The exit code of a run.
pub fn exit_of(ran: &RunReport) -> Exit {
    match ran.outcome {
        _ if ran.cut => Exit::Remains,
        Outcome::Applied => Exit::Done,
        Outcome::RolledBack if ran.aftermath.is_clean() => Exit::RolledBack,
        Outcome::RolledBack => Exit::Remains,
        Outcome::Remains => Exit::Remains,
    }
}
