//! `subako plan`.

use subako_engine::plan::Plan;

use crate::args::{Global, PlanArgs, PlanFormat};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::provider::Cluster;
use crate::render::{findings, plan_json, plan_markdown, plan_text};
use crate::run;
use crate::runtime;
use crate::saved_plan::SavedPlan;
use crate::ui::Ui;

/// Plans, and changes nothing.
pub fn run(global: &Global, args: &PlanArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open(global, ui)?;
    let (plan, permitted) = runtime::block_on(project.is_instant(), make(&project, args, ui))?;
    let full = args.full || ui.verbose;
    let text = match args.format {
        PlanFormat::Text => plan_text::plan(&plan, ui.out, full),
        PlanFormat::Json => plan_json::plan(&plan)
            .map_err(|error| CliError::new(format!("failed to write the plan: {error}")))?,
        PlanFormat::Markdown => plan_markdown::plan(&plan, full),
    };
    ui.print(&text)?;
    permitted?;
    if findings::refuse(&plan.findings) {
        let mut error = CliError::refused("the plan breaks an invariant, so it would not be applied");
        if let Some(file) = &args.out {
            error = error.help(format!("{} was not written", file.display()));
        }
        return Err(error);
    }
    if let Some(file) = &args.out {
        SavedPlan::new(&plan, args.refresh.refresh).write(file)?;
        ui.note(&format!(
            "saved; `subako apply{} {}` applies this plan and nothing else",
            project.options,
            file.display()
        ));
    }
    Ok(if args.detailed_exitcode && !plan.is_empty() {
        Exit::Changes
    } else {
        Exit::Done
    })
}

async fn make(project: &Project, args: &PlanArgs, ui: &Ui) -> Result<(Plan, Result<()>)> {
    let cluster = Cluster::open(project).await?;
    let known = cluster.session.load()?;
    if let Some(unfinished) = &known.unfinished {
        ui.warn(&format!(
            "{}\n  `subako apply{options}` settles it first, so that its plan may be another one; `subako recover --forward|--back{options}` finishes or undoes it",
            run::found(unfinished),
            options = project.options
        ));
    }
    let selection = args.selection.selection(args.destroy);
    let plan = cluster
        .session
        .plan(&known, &selection, args.refresh.refresh)
        .await?;
    let permitted = match args.preflight {
        true => cluster.preflight(&plan, ui).await,
        false => Ok(()),
    };
    Ok((plan, permitted))
}
