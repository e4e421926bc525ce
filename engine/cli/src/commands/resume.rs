//! `subako resume`.

use subako_engine::plan::Purpose;

use crate::args::{Global, PowerArgs};
use crate::error::Result;
use crate::exit::Exit;
use crate::project::Project;
use crate::run::{Request, changes};
use crate::runtime;
use crate::ui::Ui;

/// Starts every machine again, and waits for what runs on them.
pub fn run(global: &Global, args: &PowerArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open(global, ui)?;
    let request = Request::of_verb(Purpose::Resume, &args.verb, args.preflight.preflight);
    runtime::block_on(project.is_instant(), changes(&project, ui, &request))
}
