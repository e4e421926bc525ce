//! `subako resume`.

use subako_engine::plan::{Purpose, Selection};
use subako_engine::session::Guards;

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
    let request = Request {
        command: "resume",
        purpose: Purpose::Resume,
        selection: Selection::default(),
        refresh: true,
        expect: args.expect.as_deref(),
        rehearse: args.rehearse,
        saved: None,
        preflight: args.preflight.preflight,
        full: args.full,
        guards: Guards::default(),
        run: &args.run,
    };
    runtime::block_on(project.is_instant(), changes(&project, ui, &request))
}
