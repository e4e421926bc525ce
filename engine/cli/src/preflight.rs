//! Which calls a plan would make, for EC2's DryRun; and what EC2 said.

use std::collections::{BTreeMap, BTreeSet};

use subako_engine::world::{NextCommand, PlannedCall};
use subako_providers::aws::{AwsCloud, PermissionFinding, Verdict};

use crate::error::{CliError, Result};
use crate::hint::Hint;
use crate::ui::Ui;

/// Asks EC2 about each kind of call of the plan, and says everything that is missing at once.
pub async fn report(cloud: &AwsCloud, calls: Vec<PlannedCall>, ui: &Ui) -> Result<()> {
    let found = ask(cloud, calls).await?;
    for finding in &found {
        if let Verdict::Unclear(why) = &finding.verdict {
            ui.warn(&format!(
                "EC2 does not say whether {} is permitted on {}: {why}",
                finding.action, finding.about
            ));
        }
    }
    refuse_missing(&found)?;
    let asked: BTreeSet<&str> = found.iter().map(|finding| finding.action.as_str()).collect();
    ui.say(&format!(
        "Preflight: EC2 was asked about {} kinds of calls, and refuses none.",
        asked.len()
    ));
    Ok(())
}

/// The same before an apply, without a word unless something is missing: what EC2 leaves open is
/// said by the call itself.
pub async fn guard(cloud: &AwsCloud, calls: Vec<PlannedCall>) -> Result<()> {
    refuse_missing(&ask(cloud, calls).await?)
}

async fn ask(cloud: &AwsCloud, calls: Vec<PlannedCall>) -> Result<Vec<PermissionFinding>> {
    Ok(cloud.preflight(&once_each(calls)).await?)
}

fn refuse_missing(found: &[PermissionFinding]) -> Result<()> {
    let mut missing: BTreeMap<&str, &str> = BTreeMap::new();
    for finding in found {
        if let Verdict::Denied(why) = &finding.verdict {
            missing.entry(&finding.action).or_insert(why);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let permissions = match missing.len() {
        1 => "a permission".to_owned(),
        many => format!("{many} permissions"),
    };
    let mut error = CliError::new(format!(
        "these credentials lack {permissions} that the plan needs; nothing was changed"
    ));
    for (action, why) in missing {
        error = error.help(format!("{action}: {why}"));
    }
    Err(error.help(Hint::run(NextCommand::Policy, " prints the least policy")))
}

/// Calls that ask for the same permission in the same way are asked about once.
fn once_each(calls: Vec<PlannedCall>) -> Vec<PlannedCall> {
    let mut seen = BTreeSet::new();
    calls
        .into_iter()
        .filter(|call| {
            seen.insert(match call {
                PlannedCall::RunInstance(request) => format!(
                    "run {} {} {}",
                    request.image_id, request.instance_type, request.subnet_id
                ),
                PlannedCall::StartInstance(_) => "start".to_owned(),
                PlannedCall::StopInstance(_) => "stop".to_owned(),
                PlannedCall::TerminateInstance(_) => "terminate".to_owned(),
                PlannedCall::SetTags(_) => "tag".to_owned(),
                PlannedCall::RemoveTags(_) => "untag".to_owned(),
                other => format!("{other:?}"),
            })
        })
        .collect()
}
