//! `subako recover`.

use subako_engine::run::Stop;
use subako_state::{Direction, Outcome};

use crate::args::{Format, Global, OnFailureArg, RecoverArgs};
use crate::error::Result;
use crate::exit::Exit;
use crate::lock;
use crate::project::Project;
use crate::provider::Cluster;
use crate::render::report;
use crate::run::{drive, exit_of, found, options, reporter};
use crate::runtime;
use crate::signals::Signals;
use crate::ui::Ui;

/// Finishes or undoes the run that did not end.
pub fn run(global: &Global, args: &RecoverArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open(global, ui)?;
    runtime::block_on(project.is_instant(), recover(&project, args, ui))
}

async fn recover(project: &Project, args: &RecoverArgs, ui: &Ui) -> Result<Exit> {
    let options = options(&args.run)?;
    let mut signals = Signals::listen()?;
    let lock = lock::take(&project.store, "recover")?;
    if let Some(holder) = lock.left_by() {
        ui.note(&lock::taken_over(holder));
    }
    let cluster = Cluster::open(project).await?;
    let known = cluster.session.load()?;
    let Some(unfinished) = &known.unfinished else {
        ui.say("There is no unfinished run: nothing to recover.");
        return Ok(Exit::Done);
    };
    ui.note(&found(unfinished));
    let direction = if args.back {
        Direction::Back
    } else {
        Direction::Forward
    };
    let stop = Stop::new();
    let reporter = reporter(ui, &args.run, project, &cluster, None);
    let events = reporter.events();
    let run = cluster
        .session
        .recover(known, direction, &options, &events, &stop);
    let driven = drive(run, reporter, &stop, &mut signals).await;
    let closed = cluster.close();
    let driven = driven?;
    closed?;
    let wanted = match direction {
        Direction::Back => Outcome::RolledBack,
        Direction::Forward | Direction::Keep => Outcome::Applied,
    };
    if driven.ran.outcome != wanted || driven.ran.cut {
        let told = report::Told {
            command: "recover",
            options: &project.options,
            keep: args.run.on_failure == OnFailureArg::Keep,
        };
        ui.say(report::failed(&driven.ran, &driven.log, told, ui.err).trim_end());
        return Ok(exit_of(&driven.ran));
    }
    if args.run.format == Format::Text {
        ui.print(match direction {
            Direction::Back => "Undone: the state and the world are as they were before that run.\n",
            Direction::Forward | Direction::Keep => "Done: that run is finished.\n",
        })?;
        ui.print(&report::endpoints(&driven.ran.snapshot, ui.out))?;
    }
    Ok(Exit::Done)
}
