//! One SSH connection: dialled, its host key judged, logged in.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::client::{self, Config, Handle, Handler, Msg};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelOpenFailure};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::auth::Credentials;
use super::dial::{DialError, network};
use super::host_key::{Expectation, HostKeyError, line};
use super::options::Login;

/// How long one TCP connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long key exchange and login may take together.
const LOGIN: Duration = Duration::from_secs(15);
/// How long the server may take to open a channel.
const CHANNEL: Duration = Duration::from_secs(15);
/// How long a host may take to answer a ping.
const PING: Duration = Duration::from_secs(3);
/// Commands at a time; sshd's MaxSessions is 10, and the fallback for the socket needs some.
const SESSIONS: usize = 4;

/// How long a network may be silent before a connection is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// About four seconds: who asks a question can ask another host instead.
    Short,
    /// About half a minute: what goes on here would have to be begun again.
    Long,
}

impl Silence {
    /// How many pings, one a second, may stay without an answer.
    fn pings(self) -> usize {
        match self {
            Self::Short => 3,
            Self::Long => 30,
        }
    }
}

/// A connection, logged in. Everything on it is multiplexed.
pub(super) struct Connection {
    handle: Handle<Watcher>,
    /// The host key shown, as one line `type base64`.
    pub(super) host_key: String,
    /// Bounds the commands running at once.
    pub(super) sessions: Semaphore,
    /// The bastion it goes through, kept open as long as this.
    _bastion: Option<Arc<Connection>>,
}

impl Connection {
    /// Connects and logs in, through `bastion` if there is one.
    pub(super) async fn open(
        login: &Login,
        expectation: Expectation,
        credentials: &Credentials,
        bastion: Option<Arc<Connection>>,
        silence: Silence,
    ) -> Result<Self, DialError> {
        let address = format!("{}:{}", login.address, login.port);
        let silent = || DialError::Silent {
            address: address.clone(),
        };
        let watcher = Watcher {
            expectation: expectation.clone(),
            shown: Arc::default(),
        };
        let shown = Arc::clone(&watcher.shown);
        let config = Arc::new(Config {
            keepalive_interval: Some(Duration::from_secs(1)),
            keepalive_max: silence.pings(),
            nodelay: true,
            preferred: expectation.preferred(),
            ..Config::default()
        });
        let mut handle = match &bastion {
            None => {
                let dial = TcpStream::connect((login.address.as_str(), login.port));
                let stream = timeout(CONNECT, dial)
                    .await
                    .map_err(|_| silent())?
                    .map_err(|error| network(&error, &address))?;
                stream
                    .set_nodelay(true)
                    .map_err(|error| network(&error, &address))?;
                handshake(client::connect_stream(config, stream, watcher)).await?
            }
            Some(bastion) => {
                let stream = bastion.tunnel(login).await?.into_stream();
                handshake(client::connect_stream(config, stream, watcher)).await?
            }
        };
        timeout(LOGIN, credentials.log_in(&mut handle, &login.user))
            .await
            .map_err(|_| DialError::Handshake("the login took too long".to_owned()))??;
        let host_key = shown
            .lock()
            .map_or(None, |shown| shown.clone())
            .ok_or_else(|| DialError::Handshake("the host showed no host key".to_owned()))?;
        Ok(Self {
            handle,
            host_key,
            sessions: Semaphore::new(SESSIONS),
            _bastion: bastion,
        })
    }

    /// Whether the connection is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// Whether the host answers on it, now.
    pub(super) async fn answers(&self) -> bool {
        // A ping on a connection that ends meanwhile returns as if answered.
        !self.is_closed() && timeout(PING, self.handle.send_ping()).await.is_ok() && !self.is_closed()
    }

    /// A channel for one command.
    pub(super) async fn session(&self) -> Result<Channel<Msg>, russh::Error> {
        bounded(self.handle.channel_open_session()).await
    }

    /// A channel to a Unix socket of the host.
    pub(super) async fn socket(&self, path: &str) -> Result<Channel<Msg>, russh::Error> {
        bounded(self.handle.channel_open_direct_streamlocal(path)).await
    }

    /// A channel to another host, from this one.
    async fn tunnel(&self, login: &Login) -> Result<Channel<Msg>, DialError> {
        let address = format!("{}:{}", login.address, login.port);
        let open =
            self.handle
                .channel_open_direct_tcpip(login.address.as_str(), login.port.into(), "127.0.0.1", 0);
        match timeout(CONNECT + CONNECT, open).await {
            Err(_) => Err(DialError::Silent { address }),
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(russh::Error::ChannelOpenFailure(ChannelOpenFailure::AdministrativelyProhibited))) => {
                Err(DialError::Settings(format!(
                    "the bastion forbids forwarding to {address} (AllowTcpForwarding)"
                )))
            }
            Ok(Err(russh::Error::ChannelOpenFailure(_))) => Err(DialError::BeyondBastion { address }),
            Ok(Err(error)) => Err(DialError::Network(format!(
                "the bastion's connection was lost: {error}"
            ))),
        }
    }
}

/// Bounds the opening of a channel: a server that stalls is an error, not a wait.
async fn bounded(
    open: impl Future<Output = Result<Channel<Msg>, russh::Error>>,
) -> Result<Channel<Msg>, russh::Error> {
    timeout(CHANNEL, open)
        .await
        .map_err(|_| russh::Error::ConnectionTimeout)?
}

/// Bounds the key exchange and says what went wrong in few words.
async fn handshake(
    exchange: impl Future<Output = Result<Handle<Watcher>, WatchError>>,
) -> Result<Handle<Watcher>, DialError> {
    match timeout(LOGIN, exchange).await {
        Err(_) => Err(DialError::Handshake(
            "the host accepted the connection and says nothing".to_owned(),
        )),
        Ok(Ok(handle)) => Ok(handle),
        Ok(Err(WatchError::HostKey(error))) => Err(error.into()),
        Ok(Err(WatchError::Ssh(russh::Error::HUP | russh::Error::Disconnect))) => {
            Err(DialError::Handshake("connection closed by the host".to_owned()))
        }
        Ok(Err(WatchError::Ssh(russh::Error::IO(error)))) => Err(network(&error, "the host")),
        Ok(Err(WatchError::Ssh(error))) => Err(DialError::Handshake(error.to_string())),
    }
}

/// Judges the host key while the keys are exchanged, and keeps the one accepted.
struct Watcher {
    expectation: Expectation,
    shown: Arc<Mutex<Option<String>>>,
}

/// What may go wrong in the handshake.
#[derive(Debug)]
enum WatchError {
    HostKey(HostKeyError),
    Ssh(russh::Error),
}

impl From<russh::Error> for WatchError {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl Handler for Watcher {
    type Error = WatchError;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let key = shown.public_key();
        self.expectation.judge(&key).map_err(WatchError::HostKey)?;
        if let Ok(mut slot) = self.shown.lock() {
            *slot = Some(line(&key)?);
        }
        Ok(true)
    }
}
