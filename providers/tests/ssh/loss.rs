//! A network that fails: never a hang, and every failure says whether the world may have changed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use subako_engine::world::{Certainty, EngineRequest, Hosts, Progress, SwarmInit};

use subako_world::Code;

use crate::docker::{Answer, Asked, Docker, ok};
use crate::proxy::Proxy;
use crate::sshd::{Sshd, available};
use crate::{connect, failure, hosts, info, only_info, options, target};

fn init() -> SwarmInit {
    SwarmInit {
        advertise_addr: "127.0.0.1".into(),
        addr_pool: vec![],
        subnet_size: 24,
        labels: BTreeMap::new(),
    }
}

/// Never answers a change, answers the first `/info` never and later ones at once.
fn slow(asked: &Asked, before: usize) -> Answer {
    match (asked.method.as_str(), before) {
        ("POST", _) | ("GET", 0) => Answer::Silence,
        _ => ok(info("inactive")),
    }
}

#[tokio::test]
async fn a_connection_lost_between_two_calls_is_opened_again() {
    if !available() {
        return;
    }
    let sshd = Sshd::started("");
    let _docker = Docker::start(sshd.dir.path(), only_info);
    let proxy = Proxy::before(sshd.port).await;
    let host = connect(options(&sshd, proxy.port, "user")).await;
    host.engine_info().await.unwrap().unwrap();
    proxy.cut();
    tokio::time::sleep(Duration::from_millis(200)).await;
    host.engine_info().await.unwrap().unwrap();
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn a_connection_lost_under_a_change_is_an_unknown_outcome_and_not_tried_again() {
    if !available() {
        return;
    }
    let sshd = Sshd::started("");
    let docker = Docker::start(sshd.dir.path(), slow);
    let proxy = Proxy::before(sshd.port).await;
    let host = connect(options(&sshd, proxy.port, "user")).await;
    let cut = async {
        docker.wait_for("POST", "/swarm/init").await;
        proxy.cut();
    };
    let init = init();
    let (answer, ()) = futures::join!(host.swarm_init(&init), cut);
    let failure = failure(answer);
    assert_eq!(failure.certainty, Certainty::Unknown, "{failure}");
    assert_eq!(failure.code, Code::ConnectionLost);
    assert_eq!(docker.count("POST", "/swarm/init"), 1);
}

#[tokio::test]
async fn a_connection_lost_under_a_read_is_opened_again_and_the_read_repeated() {
    if !available() {
        return;
    }
    let sshd = Sshd::started("");
    let docker = Docker::start(sshd.dir.path(), slow);
    let proxy = Proxy::before(sshd.port).await;
    let host = connect(options(&sshd, proxy.port, "user")).await;
    let cut = async {
        docker.wait_for("GET", "/info").await;
        proxy.cut();
    };
    let (answer, ()) = futures::join!(host.engine_info(), cut);
    assert_eq!(answer.unwrap().unwrap().version, "25.0.8");
    assert_eq!(docker.count("GET", "/info"), 2);
}

#[tokio::test]
async fn a_host_that_is_gone_before_a_change_is_sent_is_a_certain_failure() {
    if !available() {
        return;
    }
    let sshd = Sshd::started("");
    let docker = Docker::start(sshd.dir.path(), only_info);
    let proxy = Proxy::before(sshd.port).await;
    let host = connect(options(&sshd, proxy.port, "user")).await;
    host.engine_info().await.unwrap().unwrap();
    // No new login succeeds, and the old connection is reset.
    std::fs::remove_file(sshd.file("authorized_keys")).unwrap();
    proxy.cut();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let failure = failure(host.swarm_init(&init()).await);
    assert_eq!(failure.certainty, Certainty::NotApplied, "{failure}");
    assert_eq!(docker.count("POST", "/swarm/init"), 0);
}

#[tokio::test]
async fn a_network_that_swallows_everything_is_found_out_within_seconds() {
    if !available() {
        return;
    }
    let sshd = Sshd::started("");
    let docker = Docker::start(sshd.dir.path(), slow);
    let proxy = Proxy::before(sshd.port).await;
    let host = connect(options(&sshd, proxy.port, "user")).await;
    let silence = async {
        docker.wait_for("POST", "/swarm/init").await;
        proxy.silence();
        Instant::now()
    };
    let init = init();
    let (answer, since) = futures::join!(host.swarm_init(&init), silence);
    let failure = failure(answer);
    assert!(since.elapsed() < Duration::from_secs(8), "{:?}", since.elapsed());
    assert_eq!(failure.certainty, Certainty::Unknown, "{failure}");
}

/// A server that runs `script` whatever it is asked to run. It counts in `runs`, and the first one
/// goes on until `go` is there.
fn scripted() -> Sshd {
    let mut sshd = Sshd::prepared("");
    let dir = sshd.dir.path().display();
    let script = format!(
        "#!/bin/sh\necho x >>{dir}/runs\n[ $(wc -l <{dir}/runs) -gt 1 ] || until [ -e {dir}/go ] || [ ! -e {dir}/runs ]; do sleep 0.05; done\n"
    );
    std::fs::write(sshd.file("script"), script).unwrap();
    sshd.extra = format!("ForceCommand sh {}", sshd.file("script").display());
    sshd.start();
    sshd
}

fn runs(sshd: &Sshd) -> usize {
    std::fs::read_to_string(sshd.file("runs")).map_or(0, |text| text.lines().count())
}

/// Waits for the first run of the script.
async fn begun(sshd: &Sshd) {
    let end = Instant::now() + Duration::from_secs(20);
    while runs(sshd) == 0 {
        assert!(Instant::now() < end, "the script was never run");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The engine that an installation gives, to whose network something happens once the script runs, and
/// how often the script was run.
async fn installed_while(happens: impl AsyncFnOnce(&Sshd, &Proxy)) -> (String, usize) {
    let sshd = scripted();
    let _docker = Docker::start(sshd.dir.path(), only_info);
    let proxy = Proxy::before(sshd.port).await;
    let host = connect(options(&sshd, proxy.port, "user")).await;
    let meanwhile = async {
        begun(&sshd).await;
        happens(&sshd, &proxy).await;
    };
    let request = EngineRequest::default();
    let silent = Progress::silent();
    let (installed, ()) = futures::join!(host.install_engine(&request, &silent), meanwhile);
    let came = (installed.unwrap().version, runs(&sshd));
    // What still waits for it ends.
    std::fs::write(sshd.file("go"), "").unwrap();
    came
}

#[tokio::test]
async fn an_installation_whose_connection_is_lost_is_run_once_more() {
    if !available() {
        return;
    }
    let cut = async |_: &Sshd, proxy: &Proxy| proxy.cut();
    let (version, runs) = installed_while(cut).await;
    assert_eq!(version, "25.0.8");
    assert_eq!(runs, 2);
}

#[tokio::test]
async fn an_installation_outlasts_a_network_that_is_silent_for_a_while() {
    if !available() {
        return;
    }
    let gap = async |sshd: &Sshd, proxy: &Proxy| {
        proxy.hold(Duration::from_secs(7)).await;
        std::fs::write(sshd.file("go"), "").unwrap();
    };
    let (version, runs) = installed_while(gap).await;
    assert_eq!(version, "25.0.8");
    assert_eq!(runs, 1, "it was run again");
}

#[tokio::test]
async fn a_machine_that_has_gone_is_not_reached_through_its_old_connection() {
    if !available() {
        return;
    }
    let sshd = Sshd::started("");
    let proxy = Proxy::before(sshd.port).await;
    let hosts = hosts(options(&sshd, proxy.port, "user"));
    hosts.reach(&target()).await.unwrap();
    hosts.reach(&target()).await.unwrap();
    assert_eq!(proxy.connections(), 1);
    std::fs::remove_file(sshd.file("authorized_keys")).unwrap();
    proxy.silence();
    let begun = Instant::now();
    let failure = failure(hosts.reach(&target()).await);
    assert!(begun.elapsed() < Duration::from_secs(16));
    assert_eq!(failure.certainty, Certainty::NotApplied, "{failure}");
}

#[tokio::test]
async fn an_engine_that_says_nothing_is_given_up_at_the_deadline() {
    if !available() {
        return;
    }
    let sshd = Sshd::started("");
    let _docker = Docker::start(sshd.dir.path(), |_, _| Answer::Silence);
    let mut options = options(&sshd, sshd.port, "user");
    options.command_timeout = Duration::from_secs(1);
    let host = connect(options).await;
    let begun = Instant::now();
    let read = failure(host.engine_info().await);
    assert_eq!(read.certainty, Certainty::NotApplied, "{read}");
    let change = failure(host.swarm_init(&init()).await);
    assert_eq!(change.certainty, Certainty::Unknown, "{change}");
    assert!(change.message.contains("within 1 s"), "{change}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn large_answers_come_through_whole_while_others_are_asked() {
    if !available() {
        return;
    }
    let sshd = Sshd::started("");
    let _docker = Docker::start(sshd.dir.path(), |asked, before| match asked.path.as_str() {
        "/nodes" => {
            let node = |number: usize| {
                json!({ "ID": format!("{number:025}"), "Spec": { "Role": "worker", "Availability": "active",
                    "Labels": { "padding": "x".repeat(2000) } }, "Status": { "State": "ready", "Addr": "10.0.0.1" } })
            };
            ok((0..2000).map(node).collect())
        }
        _ => only_info(asked, before),
    });
    let host = connect(options(&sshd, sshd.port, "user")).await;
    let reads = futures::future::join_all((0..4).map(|_| host.nodes()));
    let infos = futures::future::join_all((0..50).map(|_| host.engine_info()));
    let (reads, infos) = futures::join!(reads, infos);
    for nodes in reads {
        assert_eq!(nodes.unwrap().len(), 2000);
    }
    assert!(infos.into_iter().all(|info| info.unwrap().is_some()));
}
