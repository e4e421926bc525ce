//! An HTTP/1.1 proxy that stands before an EC2 API, records the calls and breaks some of them. The
//! EC2 behind it can be made as strict as the real one.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_ec2::primitives::{DateTime, DateTimeFormat};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::strict::{Answer, Call, Node, Strict};

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The call does not reach EC2; the connection is reset.
    ResetBefore,
    /// The call takes effect; the connection is reset instead of an answer.
    ResetAfter,
    /// The call does not reach EC2; this is the answer.
    Answer(u16, String),
    /// The call takes effect; this is the answer.
    AnswerAfter(u16, String),
    /// The call does not reach EC2; there is no answer.
    SilenceBefore,
    /// The call takes effect; there is no answer.
    SilenceAfter,
}

impl Fault {
    /// An answer with one of EC2's errors.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::Answer(status, ec2_error(code, message))
    }

    /// An answer with one of the errors of the Security Token Service, which has a form of its own.
    pub fn identity_error(status: u16, code: &str, message: &str) -> Self {
        Self::Answer(status, identity_error(code, message))
    }

    /// 503 without any body that could be read.
    pub fn unavailable() -> Self {
        Self::Answer(503, "<html>upstream</html>".to_owned())
    }

    /// EC2's own word for "too fast".
    pub fn throttled() -> Self {
        Self::error(503, "RequestLimitExceeded", "Request limit exceeded.")
    }
}

fn ec2_error(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Errors><Error><Code>{code}</Code>\
         <Message>{message}</Message></Error></Errors><RequestID>0</RequestID></Response>"
    )
}

fn identity_error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>"
    )
}

/// A call that was answered: what it was, and when it came and went.
#[derive(Debug, Clone)]
pub struct Span {
    pub action: String,
    pub dry_run: bool,
    pub came: Instant,
    pub went: Instant,
}

impl Span {
    pub fn took(&self) -> Duration {
        self.went.duration_since(self.came)
    }
}

struct Rule {
    action: String,
    first: u32,
    times: u32,
    fault: Fault,
    /// Another action, of which so many calls have to have come.
    once: Option<(String, u32)>,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    counts: BTreeMap<String, u32>,
    bodies: Vec<(String, String)>,
    spans: Vec<Span>,
    latency: Duration,
}

/// A proxy; it ends with the runtime that it was started in.
#[derive(Clone)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    /// Held while an instance is run: moto draws a subnet's addresses from a generator, which
    /// fails where two calls meet in it.
    launching: Arc<tokio::sync::Mutex<()>>,
    /// What EC2 does and the API behind does not.
    strict: Arc<Mutex<Arc<Mutex<Strict>>>>,
}

impl Proxy {
    /// Starts a proxy before `target`, `host:port`.
    pub async fn start(target: &str) -> io::Result<Self> {
        Self::start_before(target, Arc::default()).await
    }

    /// Another proxy, which has seen no call, before the same EC2, which remembers what it saw.
    pub async fn another(&self, target: &str) -> io::Result<Self> {
        Self::start_before(target, self.strict()).await
    }

    async fn start_before(target: &str, strict: Arc<Mutex<Strict>>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let proxy = Self {
            address: listener.local_addr()?,
            state: Arc::default(),
            launching: Arc::default(),
            strict: Arc::new(Mutex::new(strict)),
        };
        let (target, serving) = (target.to_owned(), proxy.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, serving) = (target.clone(), serving.clone());
                // A client that goes away is part of the tests.
                tokio::spawn(async move { serving.serve(client, &target).await.ok() });
            }
        });
        Ok(proxy)
    }

    /// The proxy's URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks the calls of `action` from number `first` (from 1), `times` in a row.
    pub fn fault(&self, action: &str, first: u32, times: u32, fault: Fault) {
        self.lock().rules.push(Rule {
            action: action.to_owned(),
            first,
            times,
            fault,
            once: None,
        });
    }

    /// Breaks all calls of `action` once call number `nth` of `other` has come.
    pub fn fault_once_met(&self, action: &str, other: &str, nth: u32, fault: Fault) {
        self.lock().rules.push(Rule {
            action: action.to_owned(),
            first: 1,
            times: u32::MAX / 2,
            fault,
            once: Some((other.to_owned(), nth)),
        });
    }

    /// The EC2 behind is as strict as this from now on.
    pub fn be(&self, strict: Strict) {
        *locked(&self.strict()) = strict;
    }

    /// It stands before the same EC2 as another one from now on, which remembers what both saw.
    pub fn share_strictness(&self, other: &Self) {
        let shared = other.strict();
        *self.strict.lock().unwrap_or_else(PoisonError::into_inner) = shared;
    }

    /// Holds every call back.
    pub fn latency(&self, latency: Duration) {
        self.lock().latency = latency;
    }

    /// How many calls of each action came, broken ones included.
    pub fn counts(&self) -> BTreeMap<String, u32> {
        self.lock().counts.clone()
    }

    /// Forgets what came so far.
    pub fn forget(&self) {
        let mut state = self.lock();
        state.counts.clear();
        state.bodies.clear();
    }

    /// The bodies of the calls of an action.
    pub fn bodies(&self, action: &str) -> Vec<String> {
        let state = self.lock();
        let of_action = state.bodies.iter().filter(|(name, _)| name == action);
        of_action.map(|(_, body)| body.clone()).collect()
    }

    /// The calls that went through to EC2 and back, in the order of their answers.
    pub fn spans(&self) -> Vec<Span> {
        self.lock().spans.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, mut client: TcpStream, target: &str) -> io::Result<()> {
        let (head, body) = read_request(&mut client).await?;
        let text = String::from_utf8_lossy(&body).into_owned();
        let action = text
            .split('&')
            .find_map(|pair| pair.strip_prefix("Action="))
            .unwrap_or_default()
            .to_owned();
        let (came, dry_run) = (Instant::now(), text.contains("DryRun=true"));
        let (fault, latency) = self.record(&action, text);
        tokio::time::sleep(latency).await;
        match fault {
            Some(Fault::ResetBefore) => client.set_zero_linger(),
            Some(Fault::ResetAfter) => {
                self.forward(target, &head, &body).await?;
                client.set_zero_linger()
            }
            Some(Fault::Answer(status, text)) => answer(&mut client, status, &text).await,
            Some(Fault::AnswerAfter(status, text)) => {
                self.forward(target, &head, &body).await?;
                answer(&mut client, status, &text).await
            }
            Some(Fault::SilenceBefore) => until_closed(&mut client).await,
            Some(Fault::SilenceAfter) => {
                self.forward(target, &head, &body).await?;
                until_closed(&mut client).await
            }
            None => {
                let answer = self.forward(target, &head, &body).await?;
                let went = Instant::now();
                self.lock().spans.push(Span {
                    action,
                    dry_run,
                    came,
                    went,
                });
                client.write_all(&answer).await?;
                client.shutdown().await
            }
        }
    }

    /// What EC2 answers: strictness before and after the API, and whatever others do then.
    async fn forward(&self, target: &str, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
        let mut call = Call::read(head, &String::from_utf8_lossy(body));
        let refused = locked(&self.strict()).ask(&mut call);
        match refused {
            Some(Answer::Refusal(status, code, message)) if call.action == "GetCallerIdentity" => {
                return Ok(self.stamped(status, &identity_error(code, &message)));
            }
            Some(Answer::Refusal(status, code, message)) => {
                return Ok(self.stamped(status, &ec2_error(code, &message)));
            }
            Some(Answer::Success(text)) => return Ok(response(200, &text)),
            None => {}
        }
        let answer = self.pass(target, head, &call).await?;
        let watched = !locked(&self.strict()).is_empty();
        let Some(mut tree) = watched.then(|| success(&answer)).flatten() else {
            return Ok(answer);
        };
        let then = locked(&self.strict()).answer(&call, &mut tree);
        for call in then {
            self.pass(target, head, &call).await?;
        }
        Ok(response(200, &tree.render()))
    }

    /// An answer with the time of the strict EC2.
    fn stamped(&self, status: u16, text: &str) -> Vec<u8> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
        let date = DateTime::from_secs(now + locked(&self.strict()).ahead()).fmt(DateTimeFormat::HttpDate);
        response_with(status, &format!("Date: {}\r\n", date.expect("a date")), text)
    }

    /// What the API behind answers.
    async fn pass(&self, target: &str, head: &str, call: &Call) -> io::Result<Vec<u8>> {
        let _alone = match call.action.as_str() {
            "RunInstances" => Some(self.launching.lock().await),
            _ => None,
        };
        let body = call.body();
        let kept = head.lines().filter(|line| {
            let line = line.to_ascii_lowercase();
            !line.starts_with("connection:") && !line.starts_with("content-length:")
        });
        let kept: Vec<&str> = kept.collect();
        let head = format!("{}\r\nContent-Length: {}", kept.join("\r\n"), body.len());
        forward(target, &head, body.as_bytes()).await
    }

    fn strict(&self) -> Arc<Mutex<Strict>> {
        Arc::clone(&self.strict.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn record(&self, action: &str, body: String) -> (Option<Fault>, Duration) {
        let mut state = self.lock();
        let count = state.counts.entry(action.to_owned()).or_default();
        *count += 1;
        let nth = *count;
        state.bodies.push((action.to_owned(), body));
        let counts = &state.counts;
        let met = |once: &Option<(String, u32)>| {
            let count = |other: &str| counts.get(other).copied().unwrap_or_default();
            once.as_ref().is_none_or(|(other, nth)| count(other) >= *nth)
        };
        let applies = |rule: &&Rule| {
            rule.action == action && nth >= rule.first && nth < rule.first + rule.times && met(&rule.once)
        };
        let rule = state.rules.iter().find(applies);
        (rule.map(|rule| rule.fault.clone()), state.latency)
    }
}

fn locked(strict: &Mutex<Strict>) -> std::sync::MutexGuard<'_, Strict> {
    strict.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request's head (without the connection's own fields) and its body.
async fn read_request(client: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut body = bytes.split_off(end + 4);
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .unwrap_or_default();
    while body.len() < length {
        if client.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok((head, body))
}

/// The tree of an answer that is a success.
fn success(answer: &[u8]) -> Option<Node> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let is_ok = head.split_whitespace().nth(1) == Some("200");
    is_ok.then(|| Node::parse(body)).flatten()
}

async fn forward(target: &str, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(target).await?;
    server
        .write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes())
        .await?;
    server.write_all(body).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    Ok(answer)
}

fn response(status: u16, text: &str) -> Vec<u8> {
    response_with(status, "", text)
}

fn response_with(status: u16, fields: &str, text: &str) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} Status\r\n{fields}Content-Type: text/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    [head.as_bytes(), text.as_bytes()].concat()
}

async fn answer(client: &mut TcpStream, status: u16, text: &str) -> io::Result<()> {
    client.write_all(&response(status, text)).await?;
    client.shutdown().await
}

async fn until_closed(client: &mut TcpStream) -> io::Result<()> {
    let mut nothing = [0; 64];
    while client.read(&mut nothing).await? > 0 {}
    Ok(())
}
