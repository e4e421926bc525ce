//! `subako state verify`.

use serde::Serialize;
use subako_engine::session::{Problem, Verified};
use subako_engine::world::NextCommand;
use subako_state::Digest;

use crate::args::Format;
use crate::error::Result;
use crate::exit::Exit;
use crate::hint::Hint;
use crate::project::Project;
use crate::render::{count, document};
use crate::ui::Ui;
use crate::unfinished;

/// The document: what was looked at, and each problem with its text.
#[derive(Serialize)]
struct VerifyView<'a> {
    serial: Option<u64>,
    digest: Option<&'a Digest>,
    states: usize,
    journals: usize,
    led: usize,
    problems: Vec<ProblemView<'a>>,
}

#[derive(Serialize)]
struct ProblemView<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    message: String,
}

/// Reads everything that is kept, and says what does not hold; nothing is changed.
pub fn run(project: &Project, format: Format, ui: &Ui) -> Result<Exit> {
    let session = project.offline();
    let unfinished = unfinished::say(&session, ui)?;
    let seen = session.verify()?;
    match format {
        Format::Json => {
            let problems = seen.problems.iter();
            let view = VerifyView {
                serial: seen.serial,
                digest: seen.digest.as_ref(),
                states: seen.states,
                journals: seen.journals,
                led: seen.led,
                problems: problems
                    .map(|problem| ProblemView {
                        problem,
                        message: problem.to_string(),
                    })
                    .collect(),
            };
            ui.print(&document::json("what was verified", &view, unfinished.as_ref())?)?;
        }
        Format::Text => text(&seen, ui)?,
    }
    if seen.problems.is_empty() {
        return Ok(Exit::Done);
    }
    ui.help(&Hint::run(
        NextCommand::StateHistory,
        " lists the states that can be restored",
    ));
    ui.help(&Hint::run(
        NextCommand::StateRebuild,
        " rebuilds the state from the world's tags, and keeps what is there aside",
    ));
    Ok(Exit::Changes)
}

fn text(seen: &Verified, ui: &Ui) -> Result<()> {
    let state = match (seen.serial, &seen.digest) {
        (Some(serial), Some(digest)) => format!("the state is serial {serial}, digest {}", digest.short()),
        _ => "there is no state that can be read".to_owned(),
    };
    ui.line(&format!(
        "Read {}, {} and {}: {state}.",
        count(seen.states, "earlier state"),
        count(seen.journals, "journal"),
        "how the cluster is reached",
    ))?;
    for problem in &seen.problems {
        ui.line(&format!("  - {problem}"))?;
    }
    ui.line(&match seen.problems.len() {
        0 => format!(
            "Everything holds: every digest is right, each state follows from the one before it, and {} to the state that came of it.",
            match seen.led {
                1 => "1 journal leads".to_owned(),
                led => format!("{led} journals lead"),
            }
        ),
        problems => format!("{} found.", count(problems, "problem")),
    })
}
