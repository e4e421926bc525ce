//! Logging in: keys, host keys, waiting for boot, a bastion, ways to the socket.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use subako_engine::world::{Certainty, HostTarget, Hosts, NextCommand, Progress, ScaledClock};
use subako_providers::ssh::{SshHosts, SshOptions};

use subako_world::Code;

use crate::docker::Docker;
use crate::proxy::Proxy;
use crate::sshd::{Sshd, available, user};
use crate::{connect, failure, hosts, notes, only_info, options, target};

#[tokio::test]
async fn ed25519_and_rsa_keys_log_in_and_the_engine_answers_through_the_socket_channel() {
    if !available() {
        return;
    }
    let sshd = Sshd::started("");
    let _docker = Docker::start(sshd.dir.path(), only_info);
    for key in ["user", "rsa"] {
        let host = connect(options(&sshd, sshd.port, key)).await;
        assert_eq!(host.host_key(), sshd.public("host"), "{key}");
        let info = host.engine_info().await.unwrap().unwrap();
        assert_eq!(info.version, "25.0.8");
    }
}

#[tokio::test]
async fn the_pinned_host_key_is_accepted_and_any_other_refused_at_once() {
    if !available() {
        return;
    }
    let sshd = Sshd::started("");
    let hosts = hosts(options(&sshd, sshd.port, "user"));
    let mut target = target();
    target.host_key = Some(sshd.public("host"));
    hosts.connect(&target, &Progress::silent()).await.unwrap();
    // The open connection does not excuse another pin.
    target.host_key = Some(sshd.public("other"));
    let begun = Instant::now();
    let failure = failure(hosts.connect(&target, &Progress::silent()).await);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(failure.code, Code::Untrusted, "{failure}");
    assert_eq!(failure.certainty, Certainty::NotApplied);
    assert_eq!(
        failure.next,
        Some(NextCommand::StateRm("docker.manager-0".into()))
    );
    // Nor does the other pin spoil it for the rest.
    target.host_key = None;
    hosts.reach(&target).await.unwrap();
}

#[tokio::test]
async fn known_hosts_is_honoured() {
    if !available() {
        return;
    }
    let sshd = Sshd::started("");
    for (key, works) in [("host", true), ("other", false)] {
        let file = sshd.file("known_hosts");
        std::fs::write(&file, format!("[127.0.0.1]:{} {}\n", sshd.port, sshd.public(key))).unwrap();
        let options = SshOptions {
            known_hosts: Some(file),
            ..options(&sshd, sshd.port, "user")
        };
        match hosts(options).reach(&target()).await {
            Ok(_) => assert!(works),
            Err(failure) => {
                assert!(!works, "{failure}");
                assert_eq!(failure.code, Code::Untrusted);
            }
        }
    }
}

#[tokio::test]
async fn a_key_that_the_host_does_not_know_is_denied_and_one_open_to_others_never_sent() {
    if !available() {
        return;
    }
    let sshd = Sshd::started("");
    let denied = failure(hosts(options(&sshd, sshd.port, "other")).reach(&target()).await);
    assert_eq!(denied.code, Code::Denied, "{denied}");
    assert!(denied.message.contains(&user()), "{denied}");
    std::fs::set_permissions(sshd.file("user"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let open = options(&sshd, sshd.port, "user");
    let open = failure(SshHosts::new(open, Arc::new(ScaledClock::new(1))));
    assert_eq!(open.code, Code::Credentials, "{open}");
}

#[tokio::test]
async fn a_machine_that_boots_is_waited_for_and_the_wait_is_shown() {
    if !available() {
        return;
    }
    let mut sshd = Sshd::prepared("");
    let hosts = hosts(options(&sshd, sshd.port, "user"));
    let (progress, notes) = notes();
    let boot = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(1500));
        sshd.start();
        sshd
    });
    hosts.connect(&target(), &progress).await.unwrap();
    assert_eq!(*notes.lock().unwrap(), ["waiting for ssh: connection refused"]);
    boot.await.unwrap();
}

#[tokio::test]
async fn a_machine_that_never_boots_is_given_up_at_the_deadline() {
    if !available() {
        return;
    }
    let sshd = Sshd::prepared("");
    let options = SshOptions {
        boot_timeout: Duration::from_secs(2),
        ..options(&sshd, sshd.port, "user")
    };
    let begun = Instant::now();
    let failure = failure(hosts(options).connect(&target(), &Progress::silent()).await);
    assert!(begun.elapsed() < Duration::from_secs(6));
    assert_eq!(failure.code, Code::Unreachable);
    assert_eq!(failure.certainty, Certainty::NotApplied);
    assert!(
        failure.message.starts_with("connection refused, for "),
        "{failure}"
    );
}

#[tokio::test]
async fn a_machine_without_a_public_address_says_what_to_set() {
    if !available() {
        return;
    }
    let sshd = Sshd::prepared("");
    let options = SshOptions {
        private: false,
        ..options(&sshd, sshd.port, "user")
    };
    let failure = failure(hosts(options).connect(&target(), &Progress::silent()).await);
    assert_eq!(failure.code, Code::Unreachable);
}

#[tokio::test]
async fn one_connection_serves_all_who_ask_for_a_host() {
    if !available() {
        return;
    }
    let sshd = Sshd::started("");
    let docker = Docker::start(sshd.dir.path(), only_info);
    let proxy = Proxy::before(sshd.port).await;
    let hosts = hosts(options(&sshd, proxy.port, "user"));
    let (target, silent) = (target(), Progress::silent());
    let asks = (0..20).map(|_| async {
        let host = hosts.connect(&target, &silent).await.unwrap();
        host.engine_info().await.unwrap().unwrap()
    });
    futures::future::join_all(asks).await;
    assert_eq!(proxy.connections(), 1);
    assert_eq!(docker.count("GET", "/info"), 20);
}

#[tokio::test]
async fn a_bastion_is_gone_through_and_its_own_refusals_are_told_apart() {
    if !available() {
        return;
    }
    let bastion = Sshd::started("");
    let mut inner = Sshd::prepared("");
    // One key opens both.
    std::fs::copy(bastion.file("authorized_keys"), inner.file("authorized_keys")).unwrap();
    inner.start();
    let _docker = Docker::start(inner.dir.path(), only_info);
    let proxy = Proxy::before(bastion.port).await;
    let through = |user: &str, port| SshOptions {
        jump: Some(format!("{user}@127.0.0.1:{}", proxy.port)),
        docker_socket: inner.file("docker.sock").display().to_string(),
        ..options(&bastion, port, "user")
    };
    let host = connect(through(&user(), inner.port)).await;
    assert_eq!(host.host_key(), inner.public("host"));
    assert!(host.engine_info().await.unwrap().is_some());
    assert_eq!(proxy.connections(), 1);

    let nothing_there = Sshd::prepared("");
    let beyond = failure(hosts(through(&user(), nothing_there.port)).reach(&target()).await);
    assert!(
        beyond
            .message
            .starts_with("the bastion cannot connect to 127.0.0.1:"),
        "{beyond}"
    );
    let denied = failure(
        hosts(through("nobody-of-that-name", inner.port))
            .reach(&target())
            .await,
    );
    assert_eq!(denied.code, Code::Denied, "{denied}");
    assert!(
        denied.message.starts_with("bastion nobody-of-that-name@"),
        "{denied}"
    );
}

/// A host behind a bastion, the key that opens both, and the way there.
struct Beyond {
    bastion: Sshd,
    inner: Sshd,
}

impl Beyond {
    fn started() -> Self {
        let bastion = Sshd::started("");
        let mut inner = Sshd::prepared("");
        std::fs::copy(bastion.file("authorized_keys"), inner.file("authorized_keys")).unwrap();
        inner.start();
        Self { bastion, inner }
    }

    fn through(&self) -> SshOptions {
        SshOptions {
            jump: Some(format!("{}@127.0.0.1:{}", user(), self.bastion.port)),
            ..options(&self.bastion, self.inner.port, "user")
        }
    }
}

#[tokio::test]
async fn a_bastion_is_held_to_the_key_that_is_pinned_for_it() {
    if !available() {
        return;
    }
    let beyond = Beyond::started();
    let first = hosts(beyond.through());
    assert_eq!(
        first.bastion(),
        Some(format!("127.0.0.1:{}", beyond.bastion.port))
    );
    let key = first.greet_bastion().await.unwrap();
    assert_eq!(key, beyond.bastion.public("host"));
    let pinned = hosts(beyond.through());
    pinned.expect_bastion(&key);
    pinned.reach(&target()).await.unwrap();

    let changed = hosts(beyond.through());
    changed.expect_bastion(&beyond.bastion.public("other"));
    let greeted = failure(changed.greet_bastion().await);
    let reached = failure(changed.reach(&target()).await);
    let waited = failure(changed.connect(&target(), &Progress::silent()).await);
    for failure in [greeted, reached, waited] {
        assert_eq!(failure.code, Code::Untrusted, "{failure}");
        assert_eq!(failure.next, Some(NextCommand::StateUnpin), "{failure}");
        assert!(failure.message.contains("has changed"), "{failure}");
    }
    // Without a bastion there is nobody to greet.
    let none = hosts(options(&beyond.inner, beyond.inner.port, "user"));
    assert_eq!(none.bastion(), None);
    assert_eq!(failure(none.greet_bastion().await).code, Code::Invalid);
}

#[tokio::test]
async fn a_named_known_hosts_lists_the_bastion_and_every_host_but_those_just_launched() {
    if !available() {
        return;
    }
    let beyond = Beyond::started();
    let file = beyond.bastion.file("known_hosts");
    let named = || SshOptions {
        known_hosts: Some(file.clone()),
        ..beyond.through()
    };
    let list = |of: &[(&Sshd, &str)]| {
        let lines = of
            .iter()
            .map(|(sshd, key)| format!("[127.0.0.1]:{} {}\n", sshd.port, sshd.public(key)));
        std::fs::write(&file, lines.collect::<String>()).unwrap();
    };
    let new = HostTarget {
        is_new: true,
        ..target()
    };
    // Nobody is listed: not even the way to a new host is trusted, unless it is pinned.
    list(&[]);
    let refused = failure(hosts(named()).reach(&new).await);
    assert_eq!(refused.code, Code::Untrusted, "{refused}");
    assert!(refused.message.contains("is not in"), "{refused}");
    let pinned = hosts(named());
    pinned.expect_bastion(&beyond.bastion.public("host"));
    pinned.reach(&new).await.unwrap();
    // The bastion is listed: hosts that are not new have to be as well, or pinned.
    list(&[(&beyond.bastion, "host")]);
    let hosts_now = hosts(named());
    assert_eq!(failure(hosts_now.reach(&target()).await).code, Code::Untrusted);
    hosts_now.connect(&new, &Progress::silent()).await.unwrap();
    let known = HostTarget {
        host_key: Some(beyond.inner.public("host")),
        ..target()
    };
    hosts(named()).reach(&known).await.unwrap();
    list(&[(&beyond.bastion, "host"), (&beyond.inner, "host")]);
    hosts(named()).reach(&target()).await.unwrap();
    // What is listed otherwise is refused, however new it is.
    list(&[(&beyond.bastion, "host"), (&beyond.inner, "other")]);
    assert_eq!(failure(hosts(named()).reach(&new).await).code, Code::Untrusted);
}

#[tokio::test]
async fn a_host_without_an_engine_has_none_and_forbidden_forwarding_is_gone_around() {
    if !available() {
        return;
    }
    let sshd = Sshd::started("");
    let host = connect(options(&sshd, sshd.port, "user")).await;
    assert_eq!(host.engine_info().await.unwrap(), None);
    let failure = failure(host.nodes().await);
    assert_eq!(failure.code, Code::NoEngine, "{failure}");

    // A stand-in for `docker system dial-stdio`.
    let dir = tempfile::tempdir().unwrap();
    let strict = Sshd::started(&format!(
        "AllowStreamLocalForwarding no\nSetEnv PATH={}:/usr/bin:/bin",
        dir.path().display()
    ));
    let relay = "#!/usr/bin/env python3\nimport os, socket, sys, threading\n\
        assert sys.argv[1] == '-H' and sys.argv[3:] == ['system', 'dial-stdio']\n\
        s = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[2].removeprefix('unix://'))\n\
        def forth():\n    while (b := os.read(0, 65536)): s.sendall(b)\n    s.shutdown(socket.SHUT_WR)\n\
        threading.Thread(target=forth, daemon=True).start()\n\
        while (b := s.recv(65536)): os.write(1, b)\n";
    let path = dir.path().join("docker");
    std::fs::write(&path, relay).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let docker = Docker::start(strict.dir.path(), only_info);
    let host = connect(options(&strict, strict.port, "user")).await;
    for _ in 0..3 {
        assert_eq!(host.engine_info().await.unwrap().unwrap().version, "25.0.8");
    }
    assert_eq!(docker.count("GET", "/info"), 3);
}

#[tokio::test]
async fn the_agents_keys_log_in_and_a_missing_agent_says_so() {
    if !available() {
        return;
    }
    // The agent's socket is an environment variable of the whole process: a child process of this
    // test is where it can be set.
    if std::env::var_os("SUBAKO_TEST_AGENT").is_none() {
        let sshd = Sshd::started("");
        let socket = sshd.file("agent.sock");
        let mut agent = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while !socket.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // The key that does not fit is tried first.
        for key in ["other", "rsa"] {
            let add = Command::new("ssh-add")
                .arg("-q")
                .arg(sshd.file(key))
                .env("SSH_AUTH_SOCK", &socket)
                .status();
            assert!(add.unwrap().success());
        }
        let status = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "login::the_agents_keys_log_in_and_a_missing_agent_says_so",
            ])
            .env("SUBAKO_TEST_AGENT", sshd.port.to_string())
            .env("SSH_AUTH_SOCK", &socket)
            .status();
        let bare = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "login::the_agents_keys_log_in_and_a_missing_agent_says_so",
            ])
            .env("SUBAKO_TEST_AGENT", sshd.port.to_string())
            .env_remove("SSH_AUTH_SOCK")
            .status();
        let _ = agent.kill();
        let _ = agent.wait();
        assert!(status.unwrap().success());
        assert!(bare.unwrap().success());
        return;
    }
    let port: u16 = std::env::var("SUBAKO_TEST_AGENT").unwrap().parse().unwrap();
    let nowhere = Sshd::prepared("");
    let options = SshOptions {
        private_key: None,
        ..options(&nowhere, port, "user")
    };
    let reached = hosts(options).reach(&target()).await;
    if std::env::var_os("SSH_AUTH_SOCK").is_some() {
        reached.unwrap();
    } else {
        assert_eq!(failure(reached).code, Code::Credentials);
    }
}
