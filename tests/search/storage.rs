//! Every storage operation of every command is killed, fails, finds no space, is cut short or
//! loses the lock; then somebody goes on. What is there is exactly what was before, or exactly
//! what was wanted, or the way out that was said works.
//!
//! The ordinary tests draw some of the cases from a seed; `SUBAKO_STORAGE_CASES=all` tries all,
//! `SUBAKO_STORAGE_COMMAND=Rename` those of one command.

use std::io::Write as _;

use subako_engine::manifest::Manifest;
use subako_engine::plan::Selection;
use subako_engine::run::ApplyOptions;
use subako_engine::session::SessionError;
use subako_state::testing::{Fault, Faulty};
use subako_state::{LockError, StateError, Store};
use subako_world::calls;

use super::driver::{Driver, Exit, Shown, holder};
use super::expect;
use super::storage_cases::{Command, Scene, Typed};
use super::trouble::Verb;

/// Cases of the ordinary tests.
const CASES: usize = 250;
const NEXT: [Verb; 4] = [Verb::Apply, Verb::Back, Verb::Forward, Verb::Destroy];

/// A command whose storage fails at an operation, and what is run next.
#[derive(Debug, Clone)]
struct Case {
    command: Command,
    /// From 1.
    operation: u64,
    fault: Fault,
    next: Verb,
}

/// How a command ended that was typed.
enum Ended {
    Exit(Exit),
    Error(SessionError),
}

/// Types a command, on a store that may fail.
async fn typed(driver: &Driver, manifest: &Manifest, typed: &Typed, faulty: &Faulty) -> Ended {
    let session = driver.session_on(manifest, Store::on(faulty.clone()));
    let ran = async {
        if let Typed::Change(verb) = typed {
            let selection = Selection {
                destroy: *verb == Verb::Destroy,
                ..Selection::default()
            };
            let options = ApplyOptions::default();
            return driver
                .command(&session, *verb, &selection, &options, &mut Shown::default())
                .await;
        }
        let _lock = session.lock(&holder()).map_err(|error| match error {
            LockError::State(error) => error,
            LockError::Held { .. } => unreachable!("one run at a time"),
        })?;
        match typed {
            Typed::Change(_) => unreachable!("run above"),
            Typed::Forget => session.forget(&session.draft_forget(&["service.web".to_owned()])?)?,
            Typed::Rename => drop(session.rename("node-0", "edge-0").await?),
            Typed::Restore(serial) => drop(session.restore(&session.draft_restore(*serial)?)?),
            Typed::Rebuild => drop(session.rebuild(&session.draft_rebuild(&[]).await?)?),
        }
        Ok(Exit::Done)
    };
    tokio::select! {
        biased;
        () = driver.sim.killed() => Ended::Exit(Exit::Killed),
        ended = ran => match ended {
            _ if faulty.is_killed() => Ended::Exit(Exit::Killed),
            Ok(exit) => Ended::Exit(exit),
            Err(error) => Ended::Error(error),
        },
    }
}

fn faulty(driver: &Driver) -> Faulty {
    driver.sim.begin_run(&[], None).expect("no faults");
    let sim = driver.sim.clone();
    Faulty::with_kill(driver.memory.clone(), move || sim.kill_run())
}

/// Calls of this run that change the world.
fn changes(driver: &Driver) -> u64 {
    let made = driver.sim.calls();
    calls::MUTATING.iter().filter_map(|call| made.get(*call)).sum()
}

/// Whether the world is what it was, or what it was to be.
async fn is(driver: &Driver, manifest: Option<&Manifest>) -> Result<(), String> {
    driver.pass(std::time::Duration::from_secs(60)).await;
    match manifest {
        Some(manifest) => match expect::difference(&driver.sim, manifest) {
            None => Ok(()),
            Some((what, which)) => Err(format!("{what}: {which}")),
        },
        None => nothing_left(driver).await,
    }
}

async fn nothing_left(driver: &Driver) -> Result<(), String> {
    let left = driver.sim.world().cloud.residue(super::cluster::NAME).await;
    match left.map_err(|error| error.to_string())?.first() {
        None => Ok(()),
        Some(one) => Err(format!("{} is left", one.what)),
    }
}

/// Tries a case; what is broken.
async fn tried(case: &Case) -> Result<(), String> {
    let scene = Scene::before(case.command).await;
    let driver = &scene.driver;
    let state = driver.state();
    let store = faulty(driver).at(case.operation, case.fault);
    let ended = typed(driver, &scene.after, &case.command.typed(), &store).await;
    truthful(case, &scene, &ended, state.as_ref()).await?;
    drop(store);
    let again = matches!(case.command, Command::Rename | Command::Restore) || case.command.rebuilds();
    if matches!(ended, Ended::Error(SessionError::Late(_))) && again && case.next != Verb::Destroy {
        // As `help:` has it.
        match typed(driver, &scene.after, &case.command.typed(), &faulty(driver)).await {
            Ended::Exit(Exit::Done) => {}
            Ended::Error(SessionError::Unknown(_)) if case.command == Command::Rename => {}
            Ended::Exit(other) => return Err(format!("run again: {other:?}")),
            Ended::Error(error) => return Err(format!("run again: {error}")),
        }
    }
    next(case, &scene).await?;
    if case.next != Verb::Apply {
        goes_on(driver, &scene.after, Verb::Apply).await?;
    }
    is(driver, Some(&scene.after))
        .await
        .map_err(|why| format!("one more apply: {why}"))?;
    let plan = driver.plan(&scene.after).await?;
    if let Some(step) = plan.steps.first() {
        return Err(format!(
            "the next plan is not empty: {} {}",
            step.action(),
            step.address
        ));
    }
    goes_on(driver, &scene.after, Verb::Destroy).await?;
    nothing_left(driver)
        .await
        .map_err(|why| format!("a destroy: {why}"))
}

/// What the command said is true.
async fn truthful(case: &Case, scene: &Scene, ended: &Ended, state: Option<&Vec<u8>>) -> Result<(), String> {
    let driver = &scene.driver;
    match ended {
        // What the command line takes for an error before anything changed, or for a refusal.
        Ended::Error(error) if !matches!(error, SessionError::Late(_)) => {
            let made = changes(driver);
            if made > 0 {
                return Err(format!("{made} calls, but it says that nothing changed: {error}"));
            }
            if driver.state().as_ref() != state {
                return Err(format!(
                    "the state is another, but it says that nothing changed: {error}"
                ));
            }
            Ok(())
        }
        Ended::Exit(Exit::RolledBack(why)) => is(driver, scene.before.as_ref())
            .await
            .map_err(|differs| format!("exit 3 ({why}): {differs}")),
        Ended::Exit(Exit::Done) => {
            let wanted = match case.command {
                Command::Destroy => None,
                Command::FirstBack | Command::ChangeBack => scene.before.as_ref(),
                _ if !case.command.changes() => return Ok(()),
                _ => Some(&scene.after),
            };
            is(driver, wanted).await.map_err(|why| format!("exit 0: {why}"))
        }
        Ended::Exit(Exit::Refused(why) | Exit::Early(why) | Exit::Unfit(why) | Exit::Circular(why)) => {
            Err(format!("refused: {why}"))
        }
        Ended::Exit(Exit::Hung) => Err("it hangs".to_owned()),
        Ended::Exit(Exit::Nothing | Exit::Killed | Exit::Remains(_)) | Ended::Error(_) => Ok(()),
    }
}

/// What is run next, and what is there then.
async fn next(case: &Case, scene: &Scene) -> Result<(), String> {
    let driver = &scene.driver;
    goes_on(driver, &scene.after, case.next).await?;
    let (before, after) = (scene.before.as_ref(), Some(&scene.after));
    match case.next {
        Verb::Apply => is(driver, after)
            .await
            .map_err(|why| format!("the next apply: {why}")),
        Verb::Destroy => nothing_left(driver)
            .await
            .map_err(|why| format!("the next destroy: {why}")),
        _ if !case.command.changes() => Ok(()),
        Verb::Park | Verb::Resume | Verb::Rebalance => unreachable!("none of NEXT"),
        Verb::Back | Verb::Forward => {
            let either = match case.command {
                Command::Destroy => [before, None],
                _ => [before, after],
            };
            let mut whys = Vec::new();
            for manifest in either {
                match is(driver, manifest).await {
                    Ok(()) => return Ok(()),
                    Err(why) => whys.push(why),
                }
            }
            Err(format!(
                "neither before nor after, after {:?}: {}",
                case.next,
                whys.join("; ")
            ))
        }
    }
}

/// Runs a command without trouble, by the way out that is said where it cannot.
async fn goes_on(driver: &Driver, manifest: &Manifest, verb: Verb) -> Result<(), String> {
    let mut said = Vec::new();
    let mut now = vec![Typed::Change(verb)];
    while let Some(command) = now.pop() {
        let failed = match typed(driver, manifest, &command, &faulty(driver)).await {
            Ended::Exit(Exit::Done | Exit::Nothing) => continue,
            Ended::Exit(other) => return Err(format!("{command:?} after {said:?}: {other:?}")),
            Ended::Error(error) => error,
        };
        said.push(format!("{command:?}: {failed}"));
        if said.len() > 3 {
            return Err(format!("the ways out lead nowhere: {said:?}"));
        }
        // As `help:` of the command line has it.
        let out = match &failed {
            SessionError::State(StateError::Damaged {
                newest: Some(serial), ..
            }) => Typed::Restore(*serial),
            SessionError::State(StateError::Damaged { newest: None, .. } | StateError::Journal { .. }) => {
                Typed::Rebuild
            }
            SessionError::State(StateError::OtherBase { began, .. }) => Typed::Restore(*began),
            SessionError::PastTheLine(_) => {
                now.push(Typed::Change(Verb::Forward));
                continue;
            }
            _ => return Err(format!("no way out: {said:?}")),
        };
        now.extend([command, out]);
    }
    Ok(())
}

fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(work)
}

/// What a command does to its store without trouble.
async fn operations(command: Command) -> Vec<String> {
    let scene = Scene::before(command).await;
    let store = faulty(&scene.driver);
    let ended = typed(&scene.driver, &scene.after, &command.typed(), &store).await;
    assert!(matches!(ended, Ended::Exit(Exit::Done)), "{command:?} works");
    store.operations()
}

/// Every case there is.
fn all() -> Vec<(Case, String)> {
    let mut cases = Vec::new();
    for command in Command::ALL {
        for (index, operation) in in_virtual_time(operations(command)).into_iter().enumerate() {
            for fault in Fault::ALL {
                for next in NEXT {
                    let case = Case {
                        command,
                        operation: index as u64 + 1,
                        fault,
                        next,
                    };
                    cases.push((case, operation.clone()));
                }
            }
        }
    }
    cases
}

#[test]
fn every_storage_operation_may_fail() {
    let began = std::time::Instant::now();
    let mut cases = all();
    if let Ok(only) = std::env::var("SUBAKO_STORAGE_COMMAND") {
        cases.retain(|(case, _)| format!("{:?}", case.command) == only);
    }
    let of = cases.len();
    let seed = std::env::var("SUBAKO_SEARCH_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    let wanted = match std::env::var("SUBAKO_STORAGE_CASES") {
        Ok(text) if text == "all" => of,
        Ok(text) => text.parse().expect("a number, or `all`"),
        Err(_) => CASES,
    };
    if wanted < of {
        fastrand::Rng::with_seed(seed).shuffle(&mut cases);
        cases.truncate(wanted);
    }
    let mut broken = Vec::new();
    for (case, operation) in &cases {
        if let Err(why) = in_virtual_time(tried(case)) {
            broken.push(format!("{case:?} ({operation}): {why}"));
        }
    }
    let _ = writeln!(
        std::io::stderr(),
        "{} of {of} cases from seed {seed} in {:.1?}",
        cases.len(),
        began.elapsed()
    );
    assert!(
        broken.is_empty(),
        "{} of {} cases from seed {seed}:\n{}",
        broken.len(),
        cases.len(),
        broken.join("\n")
    );
}
