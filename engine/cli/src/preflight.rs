//! What EC2's DryRun said about the calls of a plan, for people.

use subako_engine::session::Permissions;
use subako_engine::world::{NextCommand, PlannedCall};
use subako_providers::aws::AwsCloud;

use crate::error::{CliError, Result};
use crate::hint::Hint;
use crate::ui::Ui;

/// Asks EC2 about each kind of call of the plan, and says everything that is missing at once.
pub async fn report(cloud: &AwsCloud, calls: Vec<PlannedCall>, ui: &Ui) -> Result<()> {
    let found = ask(cloud, calls).await?;
    for (action, about, why) in &found.unclear {
        ui.warn(&format!(
            "EC2 does not say whether {action} is permitted on {about}: {why}"
        ));
    }
    refuse_missing(&found)?;
    ui.say(&format!(
        "Preflight: EC2 was asked about {} kinds of calls, and refuses none.",
        found.asked.len()
    ));
    Ok(())
}

/// The same before an apply, without a word unless something is missing: what EC2 leaves open is
/// said by the call itself.
pub async fn guard(cloud: &AwsCloud, calls: Vec<PlannedCall>) -> Result<()> {
    refuse_missing(&ask(cloud, calls).await?)
}

async fn ask(cloud: &AwsCloud, calls: Vec<PlannedCall>) -> Result<Permissions> {
    Ok(Permissions::of(cloud.preflight(&calls).await?))
}

fn refuse_missing(found: &Permissions) -> Result<()> {
    let permissions = match found.missing.len() {
        0 => return Ok(()),
        1 => "a permission".to_owned(),
        many => format!("{many} permissions"),
    };
    let mut error = CliError::new(format!(
        "these credentials lack {permissions} that the plan needs; nothing was changed"
    ));
    for (action, why) in &found.missing {
        error = error.help(format!("{action}: {why}"));
    }
    Err(error.help(Hint::run(NextCommand::Policy, " prints the minimal policy")))
}
