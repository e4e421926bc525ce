//! `subako policy`: the minimal IAM policy, from the table of the calls that are made.

#[cfg(feature = "aws")]
use subako_engine::manifest::{Manifest, Pool, PublicIp};
#[cfg(feature = "aws")]
use subako_providers::aws::{Optional, disk_key_statement, least_policy};

use crate::args::Global;
#[cfg(not(feature = "aws"))]
use crate::error::CliError;
use crate::error::Result;
use crate::exit::Exit;
#[cfg(feature = "aws")]
use crate::project::Project;
use crate::ui::Ui;

/// Prints it as JSON, with what the manifest needs beyond what any does. Where there is no manifest
/// it is the one for a manifest that needs nothing more. With what a disk key of the account's own takes
/// if `kms`.
#[cfg(feature = "aws")]
pub fn run(global: &Global, ui: &Ui, kms: bool) -> Result<Exit> {
    let wanted = match global.file.exists() {
        true => optional(&Project::open(global, ui)?.manifest),
        false => Vec::new(),
    };
    let mut policy = least_policy(&wanted);
    if kms && let Some(statements) = policy["Statement"].as_array_mut() {
        statements.push(disk_key_statement());
    }
    ui.print(&format!("{policy:#}\n"))?;
    Ok(Exit::Done)
}

/// What of a manifest takes permissions of its own.
#[cfg(feature = "aws")]
fn optional(manifest: &Manifest) -> Vec<Optional> {
    let is_elastic = |pool: &Pool| pool.public_ip == Some(PublicIp::Elastic);
    let has_credits = |pool: &Pool| pool.cpu_credits.is_some();
    let elastic = manifest.pools.iter().any(is_elastic);
    let credits = manifest.pools.iter().any(has_credits);
    let elastic = elastic.then_some(Optional::ElasticIp);
    let credits = credits.then_some(Optional::CpuCredits);
    elastic.into_iter().chain(credits).collect()
}

/// There is none in a program built without AWS.
#[cfg(not(feature = "aws"))]
pub fn run(_global: &Global, _ui: &Ui, _kms: bool) -> Result<Exit> {
    Err(CliError::new("this program was built without AWS"))
}
