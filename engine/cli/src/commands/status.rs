//! `subako status`.

use std::io::IsTerminal as _;
use std::time::Duration;

use subako_engine::session::{Health, Status};

use crate::args::{Format, Global, StatusArgs};
use crate::error::Result;
use crate::exit::Exit;
use crate::project::Project;
use crate::provider::Cluster;
use crate::recorded::Needs;
use crate::render::status;
use crate::runtime;
use crate::ui::Ui;
use crate::unfinished;

/// Shows the live cluster, once or again and again.
pub fn run(global: &Global, args: &StatusArgs, ui: &Ui) -> Result<Exit> {
    let project = Project::open_recorded(global, ui, Needs::World)?;
    let redraw = args.watch && args.format == Format::Text && std::io::stdout().is_terminal();
    loop {
        let seen = runtime::block_on(project.is_instant(), look(&project));
        let health = match seen.as_ref().map(Status::health) {
            Ok(Health::Healthy) => Exit::Done,
            Ok(Health::Degraded | Health::Parked) => Exit::Changes,
            Ok(Health::Unknown) | Err(_) => Exit::Error,
        };
        if redraw {
            // Home, and clear what is below.
            ui.print("\u{1b}[H\u{1b}[J")?;
        }
        let seen = match seen {
            // Who watches wants to see it come back.
            Err(error) if args.watch => {
                ui.complain(&error);
                None
            }
            seen => Some(seen?),
        };
        let unfinished = unfinished::say(&project.offline(), ui)?;
        if let Some(seen) = &seen {
            ui.print(&match args.format {
                Format::Text => status::text(seen, &ui.typed, ui.out),
                Format::Json => status::json(seen, unfinished.as_ref())?,
            })?;
        }
        if args.check {
            return Ok(health);
        }
        if !args.watch || ui.closed() {
            return Ok(Exit::Done);
        }
        if args.format == Format::Text && !redraw {
            ui.print("\n")?;
        }
        std::thread::sleep(Duration::from_secs(args.interval));
    }
}

async fn look(project: &Project) -> Result<Status> {
    let cluster = Cluster::open(project).await?;
    let known = cluster.session.load()?;
    Ok(cluster.session.status(&known).await?)
}
