//! `subako validate`: the manifest alone, offline.

use subako_engine::manifest::Manifest;

use crate::args::Global;
use crate::error::Result;
use crate::exit::Exit;
use crate::plain::plain;
use crate::project::Project;
use crate::style::Meaning;
use crate::ui::Ui;

/// Checks the manifest and says what it describes.
pub fn run(global: &Global, ui: &Ui) -> Result<Exit> {
    let project = Project::open(global, ui)?;
    ui.print(&format!(
        "{} {} describes {}: {}.\n",
        ui.out.of(Meaning::Good, "Valid:"),
        plain(global.file.display()),
        plain(&project.manifest.cluster.name),
        describe(&project.manifest)
    ))?;
    Ok(Exit::Done)
}

fn describe(manifest: &Manifest) -> String {
    let instances: u64 = manifest.pools.iter().map(|pool| u64::from(pool.count)).sum();
    [
        (instances, "instance"),
        (manifest.pools.len() as u64, "pool"),
        (manifest.networks.len() as u64, "network"),
        (manifest.secrets.len() as u64, "secret"),
        (manifest.configs.len() as u64, "config"),
        (manifest.services.len() as u64, "service"),
    ]
    .iter()
    // What few have is only named where it is.
    .filter(|(count, word)| *count > 0 || !["secret", "config"].contains(word))
    .map(|(count, word)| format!("{count} {word}{}", if *count == 1 { "" } else { "s" }))
    .collect::<Vec<_>>()
    .join(", ")
}
