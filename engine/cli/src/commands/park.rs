//! `subako park`.

use subako_engine::plan::Purpose;

use crate::args::{Global, PowerArgs};
use crate::error::Result;
use crate::exit::Exit;
use crate::project::Project;
use crate::run::{Request, changes};
use crate::runtime;
use crate::ui::Ui;

/// Stops every machine, in the order in which the swarm needs them least.
pub fn run(global: &Global, args: &PowerArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open(global, ui)?;
    let request = Request::of_verb(Purpose::Park, &args.verb, args.preflight.preflight);
    runtime::block_on(project.is_instant(), changes(&project, ui, &request))
}
