//! Runs survive: whatever failed, and whenever the program was killed, the next commands lead to
//! exactly before, exactly after, or out by a way that works.

use std::time::Duration;

use subako_engine::manifest::Manifest;
use subako_engine::plan::Selection;

use super::case::Case;
use super::driver::{Driver, Exit};
use super::expect;
use super::standing::{Promise, Standing};
use super::trouble::Verb;
use super::verdict::{Verdict, Violation};

/// What passes before the world is looked at: tasks that were moved run again.
const SETTLES: Duration = Duration::from_secs(60);

/// Tries a case.
pub async fn run(case: &Case) -> Verdict {
    match tried(case).await {
        Ok(()) => Verdict::Kept,
        Err(verdict) => verdict,
    }
}

fn broken(property: &'static str, detail: impl Into<String>) -> Verdict {
    Verdict::Broken(Violation::new(property, detail))
}

async fn tried(case: &Case) -> Result<(), Verdict> {
    let driver = Driver::new(case.seed);
    let before = driver.parse(&case.before).map_err(|_| Verdict::Invalid)?;
    let after = driver.parse(&case.after()).map_err(|_| Verdict::Invalid)?;
    let first = driver.apply(&before, &Selection::default()).await.exit;
    if first != Exit::Done {
        return Err(Verdict::Refused(format!("first apply: {first:?}")));
    }
    let mut standing = Standing::Before;
    for attempt in &case.attempts {
        for lost in &attempt.lost {
            super::trace::say(|| format!("{lost:?}"));
            lost.happen(&driver.sim, &case.before);
            standing = Standing::Unknown;
        }
        let ended = driver
            .troubled(&after, attempt.verb, &attempt.faults, attempt.kill)
            .await;
        if ended.exit == Exit::Hung {
            return Err(broken("a command ends", format!("{:?} hangs", attempt.verb)));
        }
        driver.pass(SETTLES).await;
        let promised = standing.go_on(attempt.verb, &ended.exit);
        let manifest = match promised {
            Some(Promise::Before(_)) => &before,
            Some(Promise::After(_)) => &after,
            None => continue,
        };
        if let Some((cause, detail)) = expect::difference(&driver.sim, manifest) {
            let property = promised.map_or("", Promise::property);
            let words = format!("{:?} {:?}: {cause}: {detail}", attempt.verb, ended.exit);
            return Err(Verdict::Broken(Violation::of(property, cause, words)));
        }
    }
    if let Standing::Refused(why) = &standing {
        return out_by_destroy(&driver, &after, why).await;
    }
    if case.attempts.iter().any(|attempt| attempt.verb == Verb::Park) {
        resumes(&driver, &after).await?;
    }
    converges(&driver, &after).await?;
    destroyed(&driver, &after).await
}

/// Wherever parking has ended, a resume without trouble starts what is stopped.
async fn resumes(driver: &Driver, after: &Manifest) -> Result<(), Verdict> {
    match driver.troubled(after, Verb::Resume, &[], None).await.exit {
        // Of a cluster that was destroyed meanwhile nothing is known.
        Exit::Done | Exit::Early(_) => Ok(()),
        other => Err(broken("a parked cluster resumes", said(&other))),
    }
}

/// One more apply without trouble: the world is the manifest.
async fn converges(driver: &Driver, after: &Manifest) -> Result<(), Verdict> {
    let property = "one more apply converges";
    let last = driver.troubled(after, Verb::Apply, &[], None).await.exit;
    match last {
        Exit::Done => {}
        Exit::Refused(why) | Exit::Unfit(why) => return out_by_destroy(driver, after, &why).await,
        other => return Err(broken(property, said(&other))),
    }
    driver.pass(SETTLES).await;
    if let Some((cause, detail)) = expect::difference(&driver.sim, after) {
        return Err(broken(
            "after one more apply the world is the manifest",
            format!("{cause}: {detail}"),
        ));
    }
    match driver.plan(after).await {
        Err(why) => Err(broken(property, why)),
        Ok(plan) => match plan.steps.first() {
            Some(step) => Err(broken(
                "after one more apply the next plan is empty",
                format!("{} {}", step.action(), step.address),
            )),
            None => Ok(()),
        },
    }
}

/// Where an apply is refused, a destroy is the way out, and then the cluster can be created again.
async fn out_by_destroy(driver: &Driver, after: &Manifest, why: &str) -> Result<(), Verdict> {
    destroyed(driver, after).await?;
    match driver.troubled(after, Verb::Apply, &[], None).await.exit {
        // Refused from nothing too, it is the manifest that cannot be applied.
        Exit::Done | Exit::Refused(_) | Exit::Unfit(_) => Ok(()),
        other => Err(broken(
            "there is a way out",
            format!("after {why}: {}", said(&other)),
        )),
    }
}

/// A destroy without trouble leaves nothing.
async fn destroyed(driver: &Driver, after: &Manifest) -> Result<(), Verdict> {
    let end = driver.troubled(after, Verb::Destroy, &[], None).await.exit;
    if end != Exit::Done {
        return Err(broken("a destroy always works", said(&end)));
    }
    let left = driver
        .sim
        .world()
        .cloud
        .residue(super::cluster::NAME)
        .await
        .unwrap_or_default();
    match left.first() {
        Some(one) => Err(broken(
            "a destroy leaves nothing",
            format!(
                "{} {}",
                one.what,
                one.address.as_deref().unwrap_or("without an address")
            ),
        )),
        None => Ok(()),
    }
}

fn said(exit: &Exit) -> String {
    match exit {
        Exit::Early(why) | Exit::Unfit(why) | Exit::Circular(why) => format!("an error: {why}"),
        Exit::RolledBack(why) => format!("exit 3: {why}"),
        Exit::Remains(why) => format!("exit 4: {why}"),
        Exit::Refused(why) => format!("refused: {why}"),
        Exit::Done | Exit::Nothing | Exit::Killed | Exit::Hung => format!("{exit:?}"),
    }
}
