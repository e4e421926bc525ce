//! `subako state rebuild`: the state made anew from the world's tags.
//!
//! A plan that starts from an empty state adopts what carries the cluster's tags; what it would
//! adopt is the state that was lost. Nothing in the world is changed.

use std::collections::BTreeSet;

use subako_engine::plan::{Action, Plan, Selection};
use subako_engine::session::Knowledge;
use subako_engine::world::Residue;
use subako_state::{Digest, Resource, Snapshot};

use super::state::ask;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::lock;
use crate::project::Project;
use crate::provider::Cluster;
use crate::render::report;
use crate::runtime;
use crate::ui::Ui;

/// Rebuilds the state, after asking.
pub fn run(project: &Project, target: &[String], yes: bool, ui: &Ui) -> Result<Exit> {
    let lock = lock::take(&project.store, "state rebuild")?;
    if let Some(holder) = lock.left_by() {
        ui.note(&lock::taken_over(holder));
    }
    let empty = empty(project)?;
    let (plan, residue) = runtime::block_on(project.is_instant(), look(project, target, &empty))?;
    let found: Vec<Resource> = adopted(&plan);
    if found.is_empty() {
        return Err(CliError::new(format!(
            "nothing in the world carries the tags of {}: there is nothing to rebuild the state from",
            project.manifest.cluster.name
        )));
    }
    let addresses: Vec<_> = found.iter().map(|resource| resource.address.clone()).collect();
    ui.print(&format!("Found by their tags: {}\n", report::list(&addresses)))?;
    let known: BTreeSet<&str> = addresses.iter().map(|address| address.as_str()).collect();
    let strange: Vec<Residue> = residue
        .into_iter()
        .filter(|residue| {
            residue
                .address
                .as_deref()
                .is_none_or(|address| !known.contains(address))
        })
        .collect();
    if !strange.is_empty() {
        ui.warn("these carry the tags too, but the manifest does not have them: put them back into it to have them adopted, or delete them by hand");
        ui.say(report::residue(&strange, ui.err).trim_end());
    }
    let command = format!("state rebuild{}", project.options);
    let question = "Make this the state? What is there now is kept beside it. The world is left as it is.";
    ask(question, yes, &command, ui)?;
    put_aside(project, ui)?;
    let mut snapshot = Snapshot {
        serial: empty.serial + 1,
        account: plan.account.clone(),
        resources: found,
        ..empty
    };
    snapshot.sort();
    let digest = project.store.save(&snapshot)?;
    ui.print(&format!(
        "The state has {} resources again (serial {}, digest {}).\n",
        snapshot.resources.len(),
        snapshot.serial,
        digest.short()
    ))?;
    ui.note("`subako plan` shows what the manifest wants beyond it");
    Ok(Exit::Done)
}

/// A snapshot without resources that goes on with the newest history there is.
fn empty(project: &Project) -> Result<Snapshot> {
    let history = project.store.history()?;
    let serial = history.iter().map(|item| item.serial).max().unwrap_or(0);
    // A lineage of its own: tokens of the lost one must never be used again.
    let now = jiff::Timestamp::now();
    let seed = format!(
        "{}\n{}\n{now}\n{}",
        project.manifest.cluster.name,
        project.provider,
        std::process::id()
    );
    let mut snapshot = Snapshot::empty(
        Digest::of(seed).hex()[..32].to_owned(),
        project.manifest.cluster.name.clone(),
        project.provider.to_owned(),
    );
    snapshot.serial = serial;
    Ok(snapshot)
}

async fn look(project: &Project, target: &[String], empty: &Snapshot) -> Result<(Plan, Vec<Residue>)> {
    let cluster = Cluster::open(project).await?;
    let known = Knowledge {
        snapshot: empty.clone(),
        base: None,
        unfinished: None,
    };
    let selection = Selection {
        target: target.to_vec(),
        ..Selection::default()
    };
    let plan = cluster.session.plan(&known, &selection, true).await?;
    let residue = cluster.session.residue().await?;
    Ok((plan, residue))
}

/// The resources that the plan would adopt, as they were found.
fn adopted(plan: &Plan) -> Vec<Resource> {
    plan.steps
        .iter()
        .filter(|step| step.action == Action::Adopt)
        .filter_map(|step| {
            let spec = step.after.clone()?;
            Some(Resource {
                address: step.address.clone(),
                depends_on: step.depends_on.clone(),
                made_with: step.made_with.clone(),
                deposed: false,
                generation: step.generation,
                outputs: step.outputs.clone()?,
                protect: step.protect,
                spec_sha256: spec.digest(),
                spec,
            })
        })
        .collect()
}

/// Keeps the files that cannot be trusted, out of the way.
fn put_aside(project: &Project, ui: &Ui) -> Result<()> {
    for path in [project.store.state_path(), project.store.journal_path()] {
        if !path.exists() {
            continue;
        }
        let mut number = 1;
        let aside = loop {
            let aside = path.with_extension(format!("aside-{number}"));
            if !aside.exists() {
                break aside;
            }
            number += 1;
        };
        std::fs::rename(&path, &aside).map_err(|error| CliError::io("move", path.display(), &error))?;
        ui.note(&format!("{} is kept as {}", path.display(), aside.display()));
    }
    Ok(())
}
