//! Lock, settle what an earlier run left, plan, refuse or ask, run, report.

use std::time::Duration;

use subako_engine::display::Display;
use subako_engine::event::{Event, Events, HolderView};
use subako_engine::plan::{Plan, Purpose, Selection};
use subako_engine::run::{ApplyOptions, Stop};
use subako_engine::session::{Change, Guards, ParkedSince, SavedPlan, Session, Settled, expect};
use subako_state::{Address, Lock};

use super::drive::{LoggedRun, drive, exit_of, options, reporter};
use crate::args::{Format, RehearseArg, RunArgs, VerbArgs};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::lock;
use crate::project::Project;
use crate::prompt;
use crate::provider::Cluster;
use crate::render::{cost, findings, parked, plan_text, report, uneven};
use crate::signals::Signals;
use crate::ui::Ui;
use crate::unfinished;

/// What is to be changed, and how.
pub struct Request<'a> {
    /// The command, for people and for the lock.
    pub command: &'static str,
    /// What for.
    pub purpose: Purpose,
    /// Which part of the whole.
    pub selection: Selection,
    /// Whether the world is read.
    pub refresh: bool,
    /// Whether the plan is rehearsed.
    pub rehearse: RehearseArg,
    /// The digest that the plan must have.
    pub expect: Option<&'a str>,
    /// The plan that was reviewed.
    pub saved: Option<SavedPlan>,
    /// Whether AWS is asked for its permission first.
    pub preflight: bool,
    /// Whether the plan is shown unfolded.
    pub full: bool,
    /// What is not to happen.
    pub guards: Guards,
    /// How to go about it.
    pub run: &'a RunArgs,
}

impl<'a> Request<'a> {
    /// One of the verbs that concern the whole cluster as it is.
    pub fn of_verb(purpose: Purpose, args: &'a VerbArgs, preflight: bool) -> Self {
        Self {
            command: purpose.word(),
            purpose,
            selection: Selection::default(),
            refresh: true,
            expect: args.expect.as_deref(),
            rehearse: args.rehearse,
            saved: None,
            preflight,
            full: args.full,
            guards: Guards::default(),
            run: &args.run,
        }
    }
}

/// Does all of it. Exit code 0 if the plan was made real or there was nothing to do.
pub async fn changes(project: &Project, ui: &Ui, request: &Request<'_>) -> Result<Exit> {
    let options = options(request.run)?;
    // Who only waits for the lock is ended by any signal.
    let lock = lock::take_silently(project, request.command, ui)?;
    let mut signals = Signals::listen()?;
    let cluster = Cluster::open(project).await?;
    let cluster = cluster.rehearsing(project, request.rehearse, options.parallelism);
    let result = locked(project, ui, request, &options, &cluster, &lock, &mut signals).await;
    let closed = cluster.close();
    let exit = result?;
    // By now everything is done that was to be done.
    closed.map_err(|error| error.exit(Exit::Remains))?;
    Ok(exit)
}

async fn locked(
    project: &Project,
    ui: &Ui,
    request: &Request<'_>,
    options: &ApplyOptions,
    cluster: &Cluster,
    lock: &Lock,
    signals: &mut Signals,
) -> Result<Exit> {
    if request.run.format == Format::Text
        && let Some(holder) = lock.left_by()
    {
        ui.note(&lock::taken_over(holder));
    }
    cluster.session.check_guards(&request.guards)?;
    let mut change = signals.guard(draft(ui, request, options, cluster)).await?;
    request.guards.hold(&mut change.plan);
    let change = change;
    let plan = &change.plan;
    let text = request.run.format == Format::Text;
    check(request, &change)?;
    if text {
        ui.print(&plan_text::plan(
            plan,
            &cluster.session.display(),
            &ui.typed,
            ui.out,
            request.full || ui.verbose,
        ))?;
        if let Some(said) = parked::planned(plan, std::time::SystemTime::now()) {
            ui.print(&said)?;
        }
        ui.print("\n")?;
    }
    if findings::refuse(&plan.findings) {
        if !text {
            let mut said = String::new();
            findings::write(&mut said, &ui.typed, ui.err, &plan.findings);
            ui.say(said.trim_end());
        }
        return Err(CliError::refused(
            "the plan is refused, so it is not applied; nothing was changed",
        ));
    }
    if !plan.is_empty() && !request.run.yes {
        let question = match (request.purpose, request.selection.destroy) {
            (Purpose::Change, true) => "Destroy everything listed above?",
            (Purpose::Change, false) => "Apply this plan?",
            (Purpose::Park, _) => "Stop every instance listed above?",
            (Purpose::Rebalance, _) => "Restart the tasks of the services listed above?",
            (Purpose::Quorum, _) => "Re-form the swarm as described above?",
            (Purpose::Resume, _) => "Start every instance listed above?",
        };
        signals.guard(prompt::confirm(ui, question)).await?;
    }
    if !plan.is_empty() {
        signals.guard(cluster.guard(plan, request.preflight)).await?;
    }
    let stop = Stop::new();
    let reporter = reporter(ui, request.run, project, cluster, Some(plan));
    let events = reporter.events();
    if !text && let Some(holder) = lock.left_by() {
        events.emit(Event::LockTakenOver {
            holder: HolderView(holder.clone()),
        });
    }
    let run = cluster
        .session
        .carry_out(&change, options, request.command, &events, &stop);
    if plan.is_empty() {
        let ran = run.await;
        empty_run(&events, plan);
        let log = reporter.finish();
        ran?;
        return log.heard().map(|()| Exit::Done);
    }
    let driven = drive(run, reporter, &stop, signals).await?;
    let session = &cluster.session;
    let parked = session.parked(&driven.ran.snapshot).map_err(CliError::from);
    let parked = parked.map_err(|error| error.exit(Exit::Remains))?;
    let exit = tell(project, ui, request, &session.display(), plan, (&driven, parked))?;
    if exit == Exit::Done {
        came_back(ui, request.purpose, session, signals).await;
    }
    Ok(exit)
}

/// So long services may take to come back before it is said which have not.
const SERVICES_COME_BACK: Duration = Duration::from_secs(180);

/// Says which services have not come back, and which are skewed, once everything is done. Where nobody
/// can tell, or somebody does not want to wait, nothing is said: the run is over all the same.
async fn came_back(ui: &Ui, purpose: Purpose, session: &Session, signals: &mut Signals) {
    let limit = match purpose {
        Purpose::Resume => SERVICES_COME_BACK,
        Purpose::Rebalance => Duration::ZERO,
        Purpose::Change | Purpose::Park | Purpose::Quorum => return,
    };
    let look = async { Ok(session.await_services(&session.load()?, limit).await?) };
    let Ok(seen) = signals.guard(look).await else {
        return;
    };
    for service in seen.services.iter().filter(|service| service.is_short()) {
        ui.warn(&uneven::short(service));
    }
    if let Some(said) = uneven::after(purpose, &uneven::names(&seen)) {
        ui.help(&said);
    }
}

/// A plan without steps is a run of no steps, for those who read events.
fn empty_run(events: &Events, plan: &Plan) {
    events.emit(Event::RunStarted {
        steps: 0,
        digest: plan.digest.to_string(),
    });
    events.emit(Event::RunFinished {
        outcome: subako_state::Outcome::Applied,
        remains: Vec::new(),
        elapsed_ms: 0,
    });
}

/// Finds out what an unfinished run did, and plans from there. Nothing is written yet.
async fn draft(ui: &Ui, request: &Request<'_>, options: &ApplyOptions, cluster: &Cluster) -> Result<Change> {
    let session = &cluster.session;
    let known = session.load()?;
    if let Some(unfinished) = &known.unfinished {
        unfinished::note(unfinished, ui);
    }
    let (selection, refresh) = (&request.selection, request.refresh);
    let change = session
        .draft_for(request.purpose, known, selection, refresh, options)
        .await?;
    if let Some(settled) = &change.settled {
        ui.note(&settled_text(settled));
        unfinished::say_unknown(Some(settled), ui);
    }
    Ok(change)
}

/// Refuses any plan but the one that was reviewed.
fn check(request: &Request<'_>, change: &Change) -> Result<()> {
    if let Some(saved) = &request.saved {
        saved.compare(&change.plan, &change.from.snapshot)?;
    }
    match request.expect {
        Some(expected) => Ok(expect(&change.plan, expected)?),
        None => Ok(()),
    }
}

fn settled_text(settled: &Settled) -> String {
    let (there, not): (Vec<_>, Vec<_>) = settled.found.iter().cloned().partition(|(_, is)| *is);
    let names = |found: Vec<(Address, bool)>| -> Vec<Address> {
        found.into_iter().map(|(address, _)| address).collect()
    };
    let mut text = String::from("checked the actual state: ");
    if !there.is_empty() {
        text.push_str(&format!("{} did happen; ", report::list(&names(there))));
    }
    if !not.is_empty() {
        text.push_str(&format!("{} did not happen; ", report::list(&names(not))));
    }
    text.push_str(&format!(
        "{} of its {} steps are done, and the plan starts from there",
        settled.kept, settled.of
    ));
    text
}

/// Says what came of it.
fn tell(
    project: &Project,
    ui: &Ui,
    request: &Request<'_>,
    kinds: &Display,
    plan: &Plan,
    (driven, parked): (&LoggedRun, Option<ParkedSince>),
) -> Result<Exit> {
    let exit = exit_of(&driven.ran);
    if exit != Exit::Done {
        let told = report::ReportContext {
            command: request.command,
            typed: &ui.typed,
            kinds,
            recovery: None,
        };
        ui.say(report::failed(&driven.ran, &driven.log, told, ui.err).trim_end());
    } else if request.run.format == Format::Text {
        let mut text = report::applied(plan, &driven.log, project.is_simulated(), ui.out);
        text.push_str(&report::endpoints(&driven.ran.snapshot, ui.out));
        // Who destroys or parks wants to know that the bill ends; who changes has seen it in the plan.
        let ends = request.selection.destroy || request.purpose == Purpose::Park;
        let saved = plan.cost.as_ref().filter(|_| ends);
        if let Some(saved) = saved.and_then(cost::saved) {
            text.push_str(&format!("{saved}\n"));
        }
        if request.purpose == Purpose::Park {
            text.push_str(&parked::done(parked.as_ref(), &ui.typed));
        }
        ui.print(&text).map_err(|error| error.exit(Exit::Remains))?;
    }
    driven.unclosed(ui);
    driven.heard(exit)
}
