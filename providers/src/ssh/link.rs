//! The way to one host: opened when needed, shared, opened again when it was lost.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use subako_world::{Clock, HostTarget};

use super::auth::Credentials;
use super::connection::{Connection, Silence};
use super::dial::DialError;
use super::engine_http::Engine;
use super::host_key::Expectation;
use super::options::{Login, SshOptions};

/// What all hosts have in common.
pub(super) struct Shared {
    pub(super) options: SshOptions,
    pub(super) credentials: Credentials,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) bastion: Option<Bastion>,
    /// When logins to registries were handed on last.
    pub(super) logins: Mutex<Option<Duration>>,
}

/// How long logins that were handed on count as those that there are: a run in which many nodes come
/// or go hands them on once.
const LOGINS_KEPT: Duration = Duration::from_secs(600);

impl Shared {
    /// Whether there are logins to registries that were not handed on a moment ago.
    pub(super) fn logins_are_due(&self) -> bool {
        let last = *self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = last.is_some_and(|at| self.clock.now().saturating_sub(at) < LOGINS_KEPT);
        self.options.docker_config.is_some() && !recent
    }

    /// Remembers that they were handed on now.
    pub(super) fn logins_are_handed_on(&self) {
        let mut last = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(self.clock.now());
    }
}

/// The bastion, and the connection to it that all hosts share.
pub(super) struct Bastion {
    pub(super) login: Login,
    open: tokio::sync::Mutex<Option<Arc<Connection>>>,
    /// The key that is pinned, or was shown at first contact.
    expected: Mutex<Option<String>>,
}

impl Bastion {
    pub(super) fn new(login: Login) -> Self {
        Self {
            login,
            open: tokio::sync::Mutex::default(),
            expected: Mutex::default(),
        }
    }

    /// Holds it to a key.
    pub(super) fn expect(&self, host_key: &str) {
        *self.expected.lock().unwrap_or_else(PoisonError::into_inner) = Some(host_key.to_owned());
    }

    pub(super) async fn connection(&self, shared: &Shared) -> Result<Arc<Connection>, DialError> {
        let mut open = self.open.lock().await;
        if let Some(connection) = open.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(Arc::clone(connection));
        }
        let name = format!("{}@{}:{}", self.login.user, self.login.address, self.login.port);
        let expected = self
            .expected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let expected = Expected {
            name: &name,
            pinned: expected.as_deref(),
            is_new: false,
        };
        let connection = dial(shared, &self.login, expected, None, Silence::Long)
            .await
            .map_err(|cause| DialError::Bastion {
                bastion: name.clone(),
                cause: Box::new(cause),
            })?;
        self.expect(&connection.host_key);
        *open = Some(Arc::clone(&connection));
        Ok(connection)
    }
}

/// A connection and the engine behind it.
#[derive(Clone)]
pub(super) struct Live {
    pub(super) connection: Arc<Connection>,
    pub(super) engine: Arc<Engine>,
}

/// The way to one host.
pub(super) struct Link {
    pub(super) target: HostTarget,
    pub(super) shared: Arc<Shared>,
    live: tokio::sync::Mutex<Option<Live>>,
    /// The key shown at first contact.
    shown: Mutex<Option<String>>,
}

impl Link {
    pub(super) fn new(target: HostTarget, shared: Arc<Shared>) -> Self {
        Self {
            target,
            shared,
            live: tokio::sync::Mutex::default(),
            shown: Mutex::default(),
        }
    }

    /// Whether this is the way to `target` too, as far as addresses go.
    pub(super) fn leads_to(&self, target: &HostTarget) -> bool {
        self.target.instance_id == target.instance_id
            && self.target.private_ip == target.private_ip
            && self.target.public_ip == target.public_ip
    }

    /// The host key shown at first contact; `None` before it.
    pub(super) fn shown(&self) -> Option<String> {
        self.shown.lock().map_or(None, |shown| shown.clone())
    }

    /// The open connection if the host still answers on it, or a new one.
    pub(super) async fn answering(&self) -> Result<Live, DialError> {
        let mut live = self.live.lock().await;
        if let Some(live) = live.as_ref()
            && live.connection.answers().await
        {
            return Ok(live.clone());
        }
        let opened = self.open(Silence::Short).await?;
        *live = Some(opened.clone());
        Ok(opened)
    }

    /// The open connection, or a new one.
    pub(super) async fn live(&self) -> Result<Live, DialError> {
        let mut live = self.live.lock().await;
        if let Some(live) = live.as_ref().filter(|live| !live.connection.is_closed()) {
            return Ok(live.clone());
        }
        let opened = self.open(Silence::Short).await?;
        *live = Some(opened.clone());
        Ok(opened)
    }

    /// A connection of its own for something that takes long, and would have to be begun again if a
    /// gap in the network ended it.
    pub(super) async fn patient(&self) -> Result<Live, DialError> {
        self.open(Silence::Long).await
    }

    /// A new connection in any case: a new login sees its new groups.
    pub(super) async fn fresh(&self) -> Result<Live, DialError> {
        let mut live = self.live.lock().await;
        let opened = self.open(Silence::Short).await?;
        *live = Some(opened.clone());
        Ok(opened)
    }

    async fn open(&self, silence: Silence) -> Result<Live, DialError> {
        let login = Login {
            user: self.shared.options.user.clone(),
            address: self.address()?.to_owned(),
            port: self.shared.options.port,
        };
        let bastion = match &self.shared.bastion {
            Some(bastion) => Some(bastion.connection(&self.shared).await?),
            None => None,
        };
        let expected = self.shown().or_else(|| self.target.host_key.clone());
        let expected = Expected {
            name: &self.target.name,
            pinned: expected.as_deref(),
            is_new: self.target.is_new,
        };
        let connection = dial(&self.shared, &login, expected, bastion, silence).await?;
        if let Ok(mut shown) = self.shown.lock() {
            *shown = Some(connection.host_key.clone());
        }
        let engine = Engine::new(
            Arc::clone(&connection),
            self.shared.options.docker_socket.as_str(),
        );
        Ok(Live {
            connection,
            engine: Arc::new(engine),
        })
    }

    fn address(&self) -> Result<&str, DialError> {
        if self.shared.options.private {
            return Ok(&self.target.private_ip);
        }
        match &self.target.public_ip {
            Some(address) => Ok(address),
            // Beyond a bastion the private address is the one that leads somewhere.
            None if self.shared.bastion.is_some() => Ok(&self.target.private_ip),
            None => Err(DialError::NoPublicAddress),
        }
    }
}

/// Who is expected at the other end.
struct Expected<'a> {
    /// For messages.
    name: &'a str,
    pinned: Option<&'a str>,
    is_new: bool,
}

/// Opens a connection that must show the pinned key, if there is one.
async fn dial(
    shared: &Shared,
    login: &Login,
    expected: Expected<'_>,
    bastion: Option<Arc<Connection>>,
    silence: Silence,
) -> Result<Arc<Connection>, DialError> {
    let expectation = Expectation::new(
        expected.name,
        &login.address,
        login.port,
        expected.pinned,
        shared.options.known_hosts.as_deref(),
    )
    .map_err(DialError::Settings)?
    .of_new(expected.is_new);
    let connection = Connection::open(login, expectation, &shared.credentials, bastion, silence).await?;
    Ok(Arc::new(connection))
}
