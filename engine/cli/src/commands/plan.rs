//! `subako plan`.

mod drift;

use subako_engine::plan::Plan;
use subako_engine::run::ApplyOptions;
use subako_engine::session::SavedPlan;
use subako_engine::world::{NextCommand, no_option};

use crate::args::{Global, PlanArgs, PlanFormat, SelectionArgs};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::hint::Hint;
use crate::project::Project;
use crate::provider::Cluster;
use crate::render::document::UnfinishedRun;
use crate::render::{findings, markdown, plan_json, plan_text};
use crate::runtime;
use crate::ui::Ui;
use crate::unfinished;

/// Plans, and changes nothing.
pub fn run(global: &Global, args: &PlanArgs, ui: &Ui) -> Result<Exit> {
    if args.drift {
        return drift::run(global, args.format, ui);
    }
    let project = Project::open(global, ui)?;
    let (mut plan, unfinished, permitted) =
        runtime::block_on(project.is_instant(), make(&project, args, ui))?;
    if let Some(bill) = &mut plan.cost {
        bill.free_tier = args.free_tier;
    }
    args.guards.guards().hold(&mut plan);
    let offline = project.offline();
    let full = args.full || ui.verbose;
    let text = match args.format {
        PlanFormat::Text => plan_text::plan(&plan, &offline.display(), &ui.typed, ui.out, full),
        PlanFormat::Json => plan_json::plan(&plan, unfinished.as_ref())?,
        PlanFormat::Markdown => {
            markdown::plan(&plan, &offline.display(), full, &ui.typed, &next(&plan, args))
        }
    };
    ui.print(&text)?;
    permitted?;
    if findings::refuse(&plan.findings) {
        let mut error = CliError::refused("the plan is refused: an apply would not go ahead");
        if let Some(file) = &args.out {
            error = error.help(format!("{} was not written", file.display()));
        }
        return Err(error);
    }
    if let Some(file) = &args.out {
        SavedPlan::new(&plan, args.refresh.refresh, project.variables.clone())?.write(file)?;
        let saved = NextCommand::ApplySaved(file.display().to_string());
        ui.note("saved");
        ui.help(&Hint::run(saved, " applies this plan and nothing else"));
    }
    Ok(if args.detailed_exitcode && !plan.is_empty() {
        Exit::Changes
    } else {
        Exit::Done
    })
}

/// What applies exactly this plan, and what shows all of it: with the saved plan, the selection and
/// the refresh as they were chosen.
fn next(plan: &Plan, args: &PlanArgs) -> markdown::Next {
    let mut chosen = SelectionArgs::words(&plan.selection);
    if !args.refresh.refresh {
        chosen.push("--refresh=false".to_owned());
    }
    let file = args.out.as_ref().map(|file| file.display().to_string());
    markdown::Next {
        apply: NextCommand::ApplyExpecting {
            digest: plan.digest.to_string(),
            // The file has the rest.
            more: file
                .as_deref()
                .map_or_else(|| chosen.clone(), |file| vec![no_option(file)]),
        },
        all: NextCommand::PlanFull {
            file: file.unwrap_or_else(|| "review.plan".to_owned()),
            more: chosen,
        },
    }
}

/// The plan, the run that did not end, and whether the plan's calls are permitted.
async fn make(
    project: &Project,
    args: &PlanArgs,
    ui: &Ui,
) -> Result<(Plan, Option<UnfinishedRun>, Result<()>)> {
    let cluster = Cluster::open(project).await?;
    let parallelism = ApplyOptions::default().parallelism;
    let cluster = cluster.rehearsing(project, args.rehearse, parallelism);
    let session = &cluster.session;
    session.check_guards(&args.guards.guards())?;
    let known = session.load()?;
    let unfinished = unfinished::say(session, ui)?;
    let selection = args.selection.selection(args.destroy);
    let refresh = args.refresh.refresh;
    // The journal of a run that is still going on is not to be read as one that ended.
    let plan = if session.lock_view()?.alive {
        session.plan(&known, &selection, refresh).await?
    } else {
        let options = ApplyOptions::default();
        let change = session.draft(known, &selection, refresh, &options).await?;
        unfinished::say_unknown(change.settled.as_ref(), ui);
        change.plan
    };
    let permitted = match args.preflight {
        true => cluster.preflight(&plan, ui).await,
        false => Ok(()),
    };
    Ok((plan, unfinished, permitted))
}
