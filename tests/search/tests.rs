//! A minute of the search, and that it finds what it looks for.

use std::time::Duration;

use subako_engine::plan::Selection;
use subako_providers::sim::Simulator;

use super::case::{Case, Mode};
use super::cluster::Cluster;
use super::command::{Options, command, search};
use super::driver::{Driver, Exit};
use super::expect;
use super::family::Families;
use super::generate;
use super::shrink::shrink;
use super::standing::{Promise, Standing};
use super::trouble::Verb;
use super::try_case::try_case;
use super::verdict::{Verdict, Violation};

/// Cases of each mode: half a minute on two cores, not optimised.
const CASES: u64 = 200;

/// Tries a mode's families that hold, and fails with the smallest case of each cause.
fn minute(mode: Mode) {
    minute_of(mode, Families::holding());
}

/// Tries some families of a mode.
fn minute_of(mode: Mode, families: Families) {
    let stream = std::env::var("SUBAKO_SEARCH_SEED").unwrap_or_else(|_| "1".to_owned());
    let mut options = Options::parse(["--seed".to_owned(), stream].into_iter()).expect("a number");
    options.modes = vec![mode];
    options.cases = CASES;
    options.families = families;
    options.shrink = 3;
    let mut out = Vec::new();
    let report = search(&options, &mut out).expect("memory can be written to");
    let words = String::from_utf8_lossy(&out);
    assert_eq!(report.violations(), 0, "from seed {}: {words}", options.from);
    assert!(
        report.kept * 10 > report.cases * 9,
        "most cases are tried: {words}"
    );
}

#[test]
fn accepted_plans_keep_their_word() {
    minute(Mode::Plans);
}

#[test]
fn what_means_the_same_plans_nothing() {
    minute_of(
        Mode::Plans,
        Families::parse("respellings,pinned,ranged").expect("families"),
    );
}

#[test]
fn runs_that_fail_or_are_killed_are_survived() {
    minute(Mode::Runs);
}

#[test]
fn a_seed_gives_the_same_case_and_the_same_end() {
    let families = Families::all();
    for seed in 0..6 {
        for mode in [Mode::Plans, Mode::Runs] {
            let (one, other) = (Case::of(mode, seed, &families), Case::of(mode, seed, &families));
            assert_eq!(one, other);
            assert_eq!(try_case(&one), try_case(&other), "seed {seed}");
            let text = serde_json::to_string(&one).expect("a case is data");
            assert_eq!(
                serde_json::from_str::<Case>(&text).expect("and is read again"),
                one
            );
        }
    }
}

/// A cluster of three managers and two workers that has been applied, and what differs after
/// something was done to it.
fn noticed(tamper: impl Fn(&Simulator)) -> Option<&'static str> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let driver = Driver::new(1);
        let manifest = driver.parse(&example()).expect("a manifest");
        let ended = driver.apply(&manifest, &Selection::default()).await;
        assert_eq!(ended.exit, Exit::Done);
        assert_eq!(expect::difference(&driver.sim, &manifest), None);
        tamper(&driver.sim);
        driver.pass(Duration::from_secs(60)).await;
        expect::difference(&driver.sim, &manifest).map(|(what, _)| what)
    })
}

fn example() -> Cluster {
    let families = Families::parse("counts").expect("a family");
    let mut rng = fastrand::Rng::with_seed(1);
    let mut cluster = generate::cluster(&mut rng, &families);
    cluster.pools.clear();
    cluster.services.clear();
    for (name, manager, count) in [("manager", true, 3), ("node", false, 2)] {
        let pool = generate::pool(&mut rng, &families, &cluster, name, manager, count);
        cluster.pools.push(pool);
    }
    let mut service = generate::service(&mut rng, &families, &cluster, "web");
    service.replicas = Some(4);
    service.constraints.clear();
    cluster.services.push(service);
    cluster
}

#[test]
fn a_world_that_is_not_the_manifest_is_noticed() {
    let ok = |result: Result<(), _>| result.expect("the world does it");
    assert_eq!(noticed(|_| {}), None);
    assert_eq!(
        noticed(|sim| ok(sim.terminate_instance("node-1"))),
        Some("an instance is missing")
    );
    assert_eq!(
        noticed(|sim| ok(sim.stop_instance("node-1"))),
        Some("an instance does not run")
    );
    assert_eq!(
        noticed(|sim| ok(sim.set_instance_tag("node-1", "subako:address", "instance.node-0"))),
        Some("an instance has a twin")
    );
    assert_eq!(
        noticed(|sim| ok(sim.set_instance_tag("node-1", "subako:address", "instance.other"))),
        Some("an instance is missing")
    );
    assert_eq!(
        noticed(|sim| ok(sim.scale_service("web", 2))),
        Some("a service has another spec")
    );
    assert_eq!(
        noticed(|sim| ok(sim.remove_service("web"))),
        Some("the services differ")
    );
    assert_eq!(
        noticed(|sim| ok(sim.add_secret("theirs"))),
        Some("the secrets differ")
    );
}

#[test]
fn a_case_in_a_file_is_tried_again() {
    let case = Case::of(Mode::Plans, 3, &Families::parse("replicas").expect("a family"));
    let file = tempfile::NamedTempFile::new().expect("a file");
    serde_json::to_writer(&file, &case).expect("written");
    let path = file.path().to_str().expect("a plain path").to_owned();
    let mut out = Vec::new();
    let code = command(["--replay".to_owned(), path].into_iter(), &mut out);
    let words = String::from_utf8(out).expect("text");
    assert_eq!(code, 0, "{words}");
    assert!(
        words.contains("[cluster]") && words.ends_with("Kept\n"),
        "{words}"
    );
    let code = command(["--families=nonsense".to_owned()].into_iter(), &mut Vec::new());
    assert_eq!(code, 2, "an unknown family is said");
}

#[test]
fn a_case_is_shrunk_to_what_breaks_the_promise() {
    let mut case = Case::of(Mode::Plans, 3, &Families::parse("replicas").expect("a family"));
    // A wait that no task ends: the image cannot be had.
    case.before = example();
    case.before.services[0].image = "does-not-exist".to_owned();
    let Verdict::Broken(violation) = try_case(&case) else {
        panic!("an image that cannot be had converges: {:?}", try_case(&case));
    };
    let (smallest, found) = shrink(&case, &violation);
    assert_eq!(
        (found.property, &found.cause),
        (violation.property, &violation.cause)
    );
    assert!(smallest.edits.is_empty() && smallest.before.networks.is_empty());
    assert_eq!(smallest.before.services.len(), 1);
    assert_eq!(smallest.before.pools.len(), 1);
    let named = Violation::new("a promise", "member.node-0 failed 3 times in manager-1");
    assert_eq!(named.cause, "member.… failed … times in NODE");
}

#[test]
fn what_is_promised_follows_from_how_the_commands_ended() {
    let mut standing = Standing::Before;
    assert_eq!(standing.go_on(Verb::Apply, &Exit::Killed), None);
    assert_eq!(standing, Standing::Between);
    assert_eq!(standing.go_on(Verb::Back, &Exit::Killed), None);
    let back = standing.go_on(Verb::Back, &Exit::Done);
    assert_eq!(back, Some(Promise::Before("a recovery back is exactly before")));
    assert_eq!(standing.go_on(Verb::Apply, &Exit::Killed), None);
    assert_eq!(standing.go_on(Verb::Apply, &Exit::Killed), None);
    assert_eq!(standing, Standing::Unknown, "it began in the middle");
    let end = standing.go_on(Verb::Apply, &Exit::RolledBack(String::new()));
    assert_eq!(end, None, "before what?");
}
