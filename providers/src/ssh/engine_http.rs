//! HTTP over the SSH connection to the Docker Engine's socket.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection as HttpConnection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use russh::ChannelStream;
use russh::client::Msg;
use serde_json::Value;
use subako_world::Secret;
use tokio::sync::OnceCell;

use super::connection::Connection;
use super::exec::quote;

/// The oldest API spoken: Docker 20.10.
const OLDEST: (u32, u32) = (1, 41);
/// The newest API whose shape this was written against.
const NEWEST: (u32, u32) = (1, 51);
/// No answer is larger, in bytes: a thousand nodes' tasks are some MiB.
const LARGEST: usize = 256 << 20;
/// How long finding out why the socket does not answer may take.
const PROBE: Duration = Duration::from_secs(15);

/// An answer of the engine.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reply {
    /// The HTTP status.
    pub(super) status: u16,
    /// The body; `Null` when there is none.
    pub(super) body: Value,
}

/// What stands behind a socket that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// No engine is installed.
    Absent,
    /// One is installed and does not run.
    Stopped,
    /// One runs and is not open to the login user.
    Denied,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallError {
    /// No engine answers on the socket; nothing was sent.
    #[error("{}", match .0 {
        Silence::Absent => "no Docker Engine is installed",
        Silence::Stopped => "the Docker Engine is not running",
        Silence::Denied => "the login user may not use the Docker Engine's socket",
    })]
    NoEngine(Silence),
    /// Nothing was sent.
    #[error("{0}")]
    NotSent(String),
    /// The request went out, and no whole answer came.
    #[error("{0}")]
    NoAnswer(String),
}

/// One request.
#[derive(Clone)]
pub(super) struct Sent<'a> {
    pub(super) method: Method,
    /// Starts with a slash and has no version.
    pub(super) path: &'a str,
    pub(super) body: Option<&'a Value>,
    /// The login to a registry, for the engine to pass on.
    pub(super) auth: Option<&'a Secret>,
    /// Whether the answer is the output of a program, and not JSON.
    pub(super) streams: bool,
}

impl<'a> Sent<'a> {
    /// A request of no body.
    pub(super) fn new(method: Method, path: &'a str) -> Self {
        Self {
            method,
            path,
            body: None,
            auth: None,
            streams: false,
        }
    }
}

/// The engine behind one connection.
pub(super) struct Engine {
    connector: Connector,
    client: Client<Connector, Full<Bytes>>,
    version: OnceCell<String>,
}

impl Engine {
    /// The engine that listens on `socket` of the host at the other end.
    pub(super) fn new(connection: Arc<Connection>, socket: &str) -> Self {
        let connector = Connector {
            connection,
            socket: socket.into(),
            through_command: Arc::default(),
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .pool_max_idle_per_host(4)
            .build(connector.clone());
        Self {
            connector,
            client,
            version: OnceCell::new(),
        }
    }

    /// One call within `deadline`.
    pub(super) async fn call(&self, sent: &Sent<'_>, deadline: Duration) -> Result<Reply, CallError> {
        let version = self.version.get_or_try_init(|| self.negotiate()).await?;
        let path = format!("/v{version}{}", sent.path);
        self.request(
            &Sent {
                path: &path,
                ..sent.clone()
            },
            deadline,
        )
        .await
        .map(|(reply, _)| reply)
    }

    /// The newest API that both sides speak. Finds out, too, which way leads to the socket.
    async fn negotiate(&self) -> Result<String, CallError> {
        let ping = self.request(&Sent::new(Method::GET, "/_ping"), PROBE).await;
        let offered = match ping {
            Ok((_, offered)) => offered,
            Err(CallError::NotSent(message)) if !self.connector.connection.is_closed() => {
                self.find_way(message).await?
            }
            Err(error) => return Err(error),
        };
        choose(offered.as_deref()).map_err(CallError::NotSent)
    }

    /// The socket channel was refused: sshd says the same whether the socket is missing, closed to
    /// us, or forwarding is forbidden. A command tells them apart; in the last case the docker
    /// client's own relay is the way.
    async fn find_way(&self, message: String) -> Result<Option<String>, CallError> {
        let socket = quote(&self.connector.socket);
        let script = format!(
            "if [ -S {socket} ]; then if [ -w {socket} ]; then echo open; else echo denied; fi; \
             elif command -v dockerd >/dev/null 2>&1 || [ -x /usr/sbin/dockerd ]; then echo stopped; \
             else echo absent; fi\n"
        );
        let finished = self
            .connector
            .connection
            .exec("sh -s", script.as_bytes(), PROBE, &mut |_| {})
            .await
            .map_err(|error| CallError::NotSent(format!("{message}; {error}")))?;
        match finished.tail.last().map(String::as_str) {
            Some("absent") => Err(CallError::NoEngine(Silence::Absent)),
            Some("stopped") => Err(CallError::NoEngine(Silence::Stopped)),
            Some("denied") => Err(CallError::NoEngine(Silence::Denied)),
            Some("open") => {
                self.connector.through_command.store(true, Ordering::Relaxed);
                match self.request(&Sent::new(Method::GET, "/_ping"), PROBE).await {
                    Ok((_, offered)) => Ok(offered),
                    Err(_) => {
                        self.connector.through_command.store(false, Ordering::Relaxed);
                        Err(CallError::NoEngine(Silence::Stopped))
                    }
                }
            }
            _ => Err(CallError::NotSent(message)),
        }
    }

    /// One request; with the answer, the API version that the engine offers.
    async fn request(
        &self,
        sent: &Sent<'_>,
        deadline: Duration,
    ) -> Result<(Reply, Option<String>), CallError> {
        let mut builder = Request::builder()
            .method(sent.method.clone())
            .uri(format!("http://docker{}", sent.path));
        if let Some(auth) = sent.auth {
            builder = builder.header("x-registry-auth", auth.expose());
        }
        let request = match sent.body {
            Some(body) => builder
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from(body.to_string()))),
            None => builder.body(Full::default()),
        }
        .map_err(|error| CallError::NotSent(error.to_string()))?;
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|error| {
                if error.is_connect() {
                    CallError::NotSent(innermost(&error))
                } else {
                    CallError::NoAnswer(innermost(&error))
                }
            })?;
            let status = answer.status().as_u16();
            let offered = answer
                .headers()
                .get("api-version")
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned);
            let body = Limited::new(answer.into_body(), LARGEST)
                .collect()
                .await
                .map_err(|error| CallError::NoAnswer(format!("the answer broke off: {error}")))?
                .to_bytes();
            let reply = Reply {
                status,
                body: match sent.streams && (200..300).contains(&status) {
                    true => Value::String(super::stream::text(&body)),
                    false => decode(status, &body)?,
                },
            };
            Ok((reply, offered))
        };
        tokio::time::timeout(deadline, exchange).await.map_err(|_| {
            CallError::NoAnswer(format!(
                "no answer from the Docker Engine within {} s",
                deadline.as_secs()
            ))
        })?
    }
}

/// JSON where there is any. Errors may be plain text; `_ping` answers `OK`.
fn decode(status: u16, body: &[u8]) -> Result<Value, CallError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    match serde_json::from_slice(body) {
        Ok(value) => Ok(value),
        Err(_) if body == b"OK" || status >= 400 => {
            Ok(Value::String(String::from_utf8_lossy(body).trim().to_owned()))
        }
        Err(error) => Err(CallError::NoAnswer(format!("the answer cannot be read: {error}"))),
    }
}

/// The version to speak to an engine that offers up to `offered`.
fn choose(offered: Option<&str>) -> Result<String, String> {
    let offered = offered.ok_or("what listens on the Docker socket is no Docker Engine")?;
    let parsed = offered
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)))
        .ok_or_else(|| format!("the Docker Engine names its API version as \"{offered}\""))?;
    if parsed < OLDEST {
        return Err(format!(
            "the Docker Engine is too old: it speaks API {offered}, and {}.{} (Docker 20.10) is the least",
            OLDEST.0, OLDEST.1
        ));
    }
    let (major, minor) = parsed.min(NEWEST);
    Ok(format!("{major}.{minor}"))
}

/// The last error of a chain: hyper's own say little.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// Opens channels to the engine's socket for the HTTP client.
#[derive(Clone)]
struct Connector {
    connection: Arc<Connection>,
    socket: Arc<str>,
    /// Whether to go through `docker system dial-stdio` instead of a socket channel.
    through_command: Arc<AtomicBool>,
}

impl tower_service::Service<Uri> for Connector {
    type Response = SocketIo;
    type Error = russh::Error;
    type Future = Pin<Box<dyn Future<Output = Result<SocketIo, russh::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let channel = if this.through_command.load(Ordering::Relaxed) {
                let channel = this.connection.session().await?;
                let relay = format!(
                    "docker -H {} system dial-stdio",
                    quote(&format!("unix://{}", this.socket))
                );
                channel.exec(false, relay).await?;
                channel
            } else {
                this.connection.socket(&this.socket).await?
            };
            Ok(SocketIo(TokioIo::new(channel.into_stream())))
        })
    }
}

/// A channel as hyper wants it.
struct SocketIo(TokioIo<ChannelStream<Msg>>);

impl HttpConnection for SocketIo {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for SocketIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl hyper::rt::Write for SocketIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_api_that_both_speak_is_chosen() {
        assert_eq!(choose(Some("1.41")), Ok("1.41".into()));
        assert_eq!(choose(Some("1.44")), Ok("1.44".into()));
        assert_eq!(choose(Some("1.99")), Ok("1.51".into()));
        assert_eq!(choose(Some("2.0")), Ok("1.51".into()));
    }

    #[test]
    fn an_engine_too_old_and_anything_that_is_none_are_refused() {
        assert!(choose(Some("1.40")).unwrap_err().contains("Docker 20.10"));
        assert!(choose(None).is_err());
        assert!(choose(Some("latest")).is_err());
    }

    #[test]
    fn an_error_in_plain_text_is_kept_and_a_torn_answer_is_none() {
        assert_eq!(decode(204, b""), Ok(Value::Null));
        assert_eq!(
            decode(500, b"page not found\n"),
            Ok(Value::String("page not found".into()))
        );
        assert!(matches!(decode(200, b"{\"ID\":"), Err(CallError::NoAnswer(_))));
    }
}
