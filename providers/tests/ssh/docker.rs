//! A Docker Engine's socket, as far as the tests need it: scripted answers over HTTP.

use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

/// What was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub method: String,
    /// Without the version, percent-decoded.
    pub path: String,
    pub body: Value,
    /// The header `X-Registry-Auth`.
    pub auth: Option<String>,
}

/// What is answered.
pub enum Answer {
    Json(u16, Value),
    /// Never: the request is received and left without an answer.
    Silence,
}

/// A shorthand for an answer that went well.
pub fn ok(body: Value) -> Answer {
    Answer::Json(200, body)
}

/// A shorthand for an error of the engine.
pub fn error(status: u16, message: &str) -> Answer {
    Answer::Json(status, json!({ "message": message }))
}

type Script = dyn Fn(&Asked, usize) -> Answer + Send + Sync;

/// The engine. `_ping` is answered by itself.
pub struct Docker {
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Docker {
    /// Listens on `docker.sock` in `dir`. `script` gets each request and how many of the same method
    /// and path there were before it.
    pub fn start(dir: &Path, script: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = UnixListener::bind(dir.join("docker.sock")).unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (log, script) = (Arc::clone(&asked), Arc::new(script) as Arc<Script>);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, script) = (Arc::clone(&log), Arc::clone(&script));
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    while serve(&mut stream, &log, &*script).await.is_some() {}
                });
            }
        });
        Self { asked }
    }

    /// All requests so far, but for `_ping`.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How many requests of this method and beginning of a path there were.
    pub fn count(&self, method: &str, path: &str) -> usize {
        self.asked()
            .iter()
            .filter(|asked| asked.method == method && asked.path.starts_with(path))
            .count()
    }

    /// Waits for the first request of this method and beginning of a path.
    pub async fn wait_for(&self, method: &str, path: &str) {
        for _ in 0..500 {
            if self.count(method, path) > 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("{method} {path} never came");
    }
}

/// Serves one request; `None` at the end of the connection.
async fn serve(stream: &mut BufReader<UnixStream>, log: &Mutex<Vec<Asked>>, script: &Script) -> Option<()> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut auth) = (0, None);
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.ok()?;
        if header.trim().is_empty() {
            break;
        }
        match header.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().ok()?;
            }
            Some((name, value)) if name.eq_ignore_ascii_case("x-registry-auth") => {
                auth = Some(value.trim().to_owned());
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    if path == "/_ping" {
        return send(stream, 200, "OK").await;
    }
    let path = path
        .strip_prefix("/v1.44")
        .expect("the version negotiated is 1.44");
    let asked = Asked {
        method,
        path: decode(path),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        auth,
    };
    let before = {
        let mut log = log.lock().unwrap();
        let same = |earlier: &&Asked| earlier.method == asked.method && earlier.path == asked.path;
        let before = log.iter().filter(same).count();
        log.push(asked.clone());
        before
    };
    match script(&asked, before) {
        Answer::Json(status, body) => send(stream, status, &body.to_string()).await,
        Answer::Silence => std::future::pending().await,
    }
}

async fn send(stream: &mut BufReader<UnixStream>, status: u16, body: &str) -> Option<()> {
    let answer = format!(
        "HTTP/1.1 {status} X\r\nApi-Version: 1.44\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.ok()
}

fn decode(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let hex = |byte: u8| (byte as char).to_digit(16).unwrap() as u8;
        match byte {
            b'%' => decoded.push(hex(bytes.next().unwrap()) * 16 + hex(bytes.next().unwrap())),
            other => decoded.push(other),
        }
    }
    String::from_utf8(decoded).unwrap()
}
