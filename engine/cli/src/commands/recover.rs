//! `subako recover`: an unfinished run, or a lost quorum.

use subako_engine::plan::{Purpose, Selection};
use subako_engine::rehearsal::refusal;
use subako_engine::run::Stop;
use subako_engine::session::Guards;
use subako_state::{Direction, Outcome};

use crate::args::{Format, Global, RecoverArgs};
use crate::error::Result;
use crate::exit::Exit;
use crate::lock;
use crate::project::Project;
use crate::prompt;
use crate::provider::Cluster;
use crate::recorded::Needs;
use crate::render::{plan_text, report};
use crate::run::{LoggedRun, Request, changes, drive, exit_of, options, reporter};
use crate::runtime;
use crate::signals::Signals;
use crate::ui::Ui;
use crate::unfinished;

/// Finishes or undoes the run that did not end.
pub fn run(global: &Global, args: &RecoverArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open_recorded(global, ui, Needs::World)?;
    if args.quorum {
        let request = Request {
            command: "recover --quorum",
            purpose: Purpose::Quorum,
            selection: Selection::default(),
            refresh: true,
            rehearse: args.rehearse,
            expect: args.expect.as_deref(),
            saved: None,
            preflight: false,
            full: false,
            guards: Guards::default(),
            run: &args.run,
        };
        return runtime::block_on(project.is_instant(), changes(&project, ui, &request));
    }
    runtime::block_on(project.is_instant(), recover(&project, args, ui))
}

async fn recover(project: &Project, args: &RecoverArgs, ui: &Ui) -> Result<Exit> {
    let _lock = lock::take(project, "recover", ui)?;
    let mut signals = Signals::listen()?;
    let options = options(&args.run)?;
    let cluster = Cluster::open(project).await?;
    let cluster = cluster.rehearsing(project, args.rehearse, options.parallelism);
    let result = locked(project, args, ui, &cluster, &mut signals).await;
    let closed = cluster.close();
    let exit = result?;
    closed.map_err(|error| error.exit(Exit::Remains))?;
    Ok(exit)
}

async fn locked(
    project: &Project,
    args: &RecoverArgs,
    ui: &Ui,
    cluster: &Cluster,
    signals: &mut Signals,
) -> Result<Exit> {
    let options = options(&args.run)?;
    let session = &cluster.session;
    let known = session.load()?;
    let look = async { Ok(session.look_into(&known, &options).await?) };
    let (Some(found), Some(settled)) = (&known.unfinished, signals.guard(look).await?) else {
        ui.say("There is no unfinished run: nothing to recover.");
        return Ok(Exit::Done);
    };
    let direction = if args.back {
        Direction::Back
    } else {
        Direction::Forward
    };
    unfinished::note(found, ui);
    unfinished::say_unknown(Some(&settled), ui);
    session.check_recovery(&settled, direction)?;
    let play = async { Ok(session.rehearse_recovery(&known, &settled, direction).await) };
    let rehearsal = signals.guard(play).await?;
    // What is left behind has to be gone on with in any case: a model does not refuse that.
    if let Some(failed) = rehearsal.as_ref().and_then(refusal) {
        ui.warn(&format!(
            "{}: {}",
            failed.address.as_ref().map_or("", |address| address.as_str()),
            failed.message
        ));
    }
    if args.run.format == Format::Text {
        let steps = settled.steps(direction);
        ui.print(&plan_text::recovery(
            &steps,
            direction,
            rehearsal.as_ref(),
            ui.out,
        ))?;
        ui.print("\n")?;
    }
    if !args.run.yes {
        let question = match direction {
            Direction::Back => "Undo all of it?",
            Direction::Forward | Direction::Keep => "Finish that run?",
        };
        signals.guard(prompt::confirm(ui, question)).await?;
    }
    let stop = Stop::new();
    let reporter = reporter(ui, &args.run, project, cluster, None);
    let events = reporter.events();
    let run = session.recover(&known, &settled, direction, &options, &events, &stop);
    let driven = drive(run, reporter, &stop, signals).await?;
    let told = report::ReportContext {
        command: &found.command,
        recovery: Some(direction),
        typed: &ui.typed,
        kinds: &session.display(),
    };
    tell(args, ui, told, &driven)
}

fn tell(args: &RecoverArgs, ui: &Ui, told: report::ReportContext<'_>, driven: &LoggedRun) -> Result<Exit> {
    let back = told.recovery == Some(Direction::Back);
    let wanted = match back {
        true => Outcome::RolledBack,
        false => Outcome::Applied,
    };
    if driven.ran.outcome != wanted || driven.ran.cut || !driven.ran.aftermath.is_clean() {
        ui.say(report::failed(&driven.ran, &driven.log, told, ui.err).trim_end());
        driven.unclosed(ui);
        return driven.heard(exit_of(&driven.ran));
    }
    if args.run.format == Format::Text {
        let mut text = match back {
            true => "Undone: the state and the world are as they were before that run.\n",
            false => "Done: that run is finished.\n",
        }
        .to_owned();
        text.push_str(&report::endpoints(&driven.ran.snapshot, ui.out));
        ui.print(&text).map_err(|error| error.exit(Exit::Remains))?;
    }
    driven.unclosed(ui);
    driven.heard(Exit::Done)
}
