//! `subako policy`: the least IAM policy, from the table of the calls that are made.

#[cfg(not(feature = "aws"))]
use crate::error::CliError;
use crate::error::Result;
use crate::exit::Exit;
use crate::ui::Ui;

/// Prints it as JSON.
#[cfg(feature = "aws")]
pub fn run(ui: &Ui) -> Result<Exit> {
    ui.print(&format!("{:#}\n", subako_providers::aws::least_policy(&[])))?;
    Ok(Exit::Done)
}

/// There is none in a program built without AWS.
#[cfg(not(feature = "aws"))]
pub fn run(_ui: &Ui) -> Result<Exit> {
    Err(CliError::new("this program was built without AWS"))
}
