//! The seam `Hosts`: finds the way to hosts and waits for them to boot.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use subako_world::{Clock, Code, Failure, Host, HostTarget, Hosts, Progress, Result};

use super::auth::Credentials;
use super::dial::DialError;
use super::host::SshHost;
use super::link::{Bastion, Link, Shared};
use super::options::{Login, SshOptions};

/// Between two attempts to reach a machine that boots.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a machine that is up may refuse the key: cloud-init may not have put it in place yet.
const DENIED: Duration = Duration::from_secs(45);
/// How long `reach` may take in all.
const REACH: Duration = Duration::from_secs(15);

/// Hosts over SSH. Cheap to share; each host has one connection, opened when first asked for.
pub struct SshHosts {
    shared: Arc<Shared>,
    links: Mutex<BTreeMap<String, Arc<Link>>>,
}

impl SshHosts {
    /// Reads and checks the private key. Fails when the file is missing, open to others, no key
    /// or protected by a passphrase, and when `jump` cannot be understood.
    pub fn new(options: SshOptions, clock: Arc<dyn Clock>) -> std::result::Result<Self, Failure> {
        let credentials = Credentials::load(options.private_key.as_deref())?;
        let bastion = match &options.jump {
            Some(jump) => Some(Bastion::new(Login::parse(jump).map_err(|message| {
                Failure::not_applied("read jump in [ssh]", message).with_code(Code::Invalid)
            })?)),
            None => None,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                options,
                credentials,
                clock,
                bastion,
                logins: Mutex::default(),
            }),
            links: Mutex::default(),
        })
    }

    /// The one link of a target. A machine that moved (a stop and start changes the public
    /// address) gets a new one.
    fn link(&self, target: &HostTarget, doing: &str) -> Result<Arc<Link>> {
        let mut links = self
            .links
            .lock()
            .map_err(|_| Failure::not_applied(doing, "an earlier login ended abnormally"))?;
        let known = links
            .get(&target.instance_id)
            .filter(|link| link.leads_to(target));
        let new = || Arc::new(Link::new(target.clone(), Arc::clone(&self.shared)));
        match known.map(|link| (link, link.shown())) {
            Some((link, Some(shown))) => match &target.host_key {
                // Whoever insists on another key is judged by a handshake of their own, and the
                // others' connection is left alone.
                Some(pinned) if *pinned != shown => Ok(new()),
                _ => Ok(Arc::clone(link)),
            },
            Some((link, None))
                if link.target.host_key == target.host_key && link.target.is_new == target.is_new =>
            {
                Ok(Arc::clone(link))
            }
            _ => {
                let link = new();
                links.insert(target.instance_id.clone(), Arc::clone(&link));
                Ok(link)
            }
        }
    }
}

#[async_trait]
impl Hosts for SshHosts {
    async fn connect(&self, target: &HostTarget, progress: &Progress) -> Result<Arc<dyn Host>> {
        let doing = format!("log in to {}", target.name);
        let link = self.link(target, &doing)?;
        let clock = &self.shared.clock;
        let started = clock.now();
        let mut denied_since = None;
        let mut said = String::new();
        loop {
            let error = match link.answering().await {
                Ok(live) => return Ok(Arc::new(SshHost::new(link, live.connection.host_key.clone()))),
                Err(error) => error,
            };
            let now = clock.now();
            let waited = now.saturating_sub(started);
            denied_since = error.denied().then(|| denied_since.unwrap_or(now));
            let refused = denied_since.is_some_and(|since: Duration| now.saturating_sub(since) >= DENIED);
            if !error.passing() || refused || waited >= self.shared.options.boot_timeout {
                return Err(gave_up(error, &doing, target, waited));
            }
            let note = format!("waiting for ssh: {error}");
            if note != said {
                progress.note(&*note);
                said = note;
            }
            clock.sleep(PAUSE).await;
        }
    }

    fn bastion(&self) -> Option<String> {
        self.shared.bastion.as_ref().map(|bastion| bastion.login.place())
    }

    fn expect_bastion(&self, host_key: &str) {
        if let Some(bastion) = &self.shared.bastion {
            bastion.expect(host_key);
        }
    }

    async fn greet_bastion(&self) -> Result<String> {
        let doing = "log in to the bastion";
        let Some(bastion) = &self.shared.bastion else {
            return Err(Failure::not_applied(doing, "there is none").with_code(Code::Invalid));
        };
        match tokio::time::timeout(REACH, bastion.connection(&self.shared)).await {
            Ok(Ok(connection)) => Ok(connection.host_key.clone()),
            Ok(Err(error)) => Err(error.into_failure(doing, "", "")),
            Err(_) => {
                let message = format!("no login within {} s", REACH.as_secs());
                Err(Failure::not_applied(doing, message).with_code(Code::Unreachable))
            }
        }
    }

    async fn reach(&self, target: &HostTarget) -> Result<Arc<dyn Host>> {
        let doing = format!("reach {} over ssh", target.name);
        let link = self.link(target, &doing)?;
        let attempt = tokio::time::timeout(REACH, link.answering()).await;
        match attempt {
            Ok(Ok(live)) => Ok(Arc::new(SshHost::new(link, live.connection.host_key.clone()))),
            Ok(Err(error)) => Err(error.into_failure(&doing, &target.name, &target.instance_id)),
            Err(_) => {
                let message = format!("no login within {} s", REACH.as_secs());
                Err(Failure::not_applied(doing, message).with_code(Code::Unreachable))
            }
        }
    }
}

/// The end of waiting, saying how long it was where it was long.
fn gave_up(error: DialError, doing: &str, target: &HostTarget, waited: Duration) -> Failure {
    let mut failure = error.into_failure(doing, &target.name, &target.instance_id);
    if waited >= PAUSE {
        failure.message = format!("{}, for {} s", failure.message, waited.as_secs());
    }
    failure
}
