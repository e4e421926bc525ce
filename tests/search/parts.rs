//! Plans that say that they are a part: what they leave is applied by the next ones.

use subako_engine::check::planner;
use subako_engine::manifest::Manifest;
use subako_engine::plan::Selection;

use super::case::Case;
use super::driver::{Driver, Ended, Exit};
use super::foreseen::foreseen;
use super::plans::{Step, applied, tried};
use super::verdict::Verdict;

/// So many plans in a row may leave something to the next one: of a selection, and of a world that
/// could not be read.
const PARTS: usize = 3;

/// Applies what a plan left that says that it is a part, and what the plan after that could not read.
pub async fn complete(case: &Case, driver: &Driver, after: &Manifest, mut ended: Ended) -> Step {
    let mut selection = &case.selection;
    let whole = Selection::default();
    for _ in 0..PARTS {
        let Some(part) = part(selection, &ended) else {
            return Ok(());
        };
        selection = &whole;
        ended = driver.apply(after, &whole).await;
        if matches!(ended.exit, Exit::Refused(_))
            && (refused_as_a_whole(case).await || case.selection.destroy && refused_from_nothing(case).await)
        {
            return Err(Verdict::Refused("what the first plan left out".to_owned()));
        }
        foreseen(&ended, !case.selection.destroy)?;
        applied(part, &ended)?;
    }
    Ok(())
}

/// What an apply is called after a plan that says that it is a part: of what was selected, or of what
/// could be read.
fn part(selection: &Selection, ended: &Ended) -> Option<&'static str> {
    let mut findings = ended.plan.iter().flat_map(|plan| &plan.findings);
    if *selection != Selection::default() {
        return Some("apply after a selection");
    }
    findings
        .any(|finding| finding.id == planner::REFRESH.id)
        .then_some("apply after a plan that could not read everything")
}

/// Whether the case is refused without its selection, too.
async fn refused_as_a_whole(case: &Case) -> bool {
    if case.selection == Selection::default() {
        return true;
    }
    let whole = Case {
        selection: Selection::default(),
        ..case.clone()
    };
    matches!(Box::pin(tried(&whole)).await, Err(Verdict::Refused(_)))
}

/// Whether nobody could begin with the manifest: what runs already may go on where nothing new begins,
/// and a destroy takes that away.
async fn refused_from_nothing(case: &Case) -> bool {
    let driver = Driver::rehearsing(case.seed);
    let Ok(after) = driver.parse(&case.after()) else {
        return false;
    };
    let ended = driver.apply(&after, &Selection::default()).await;
    matches!(ended.exit, Exit::Refused(_))
}
