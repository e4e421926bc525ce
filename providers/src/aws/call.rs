//! The one loop that every call goes through: pace, retries, counts, certainty.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::future::{Future, ready};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use subako_world::{Certainty, Clock, Code, Failure, Result};

use super::bucket::Buckets;
use super::classify::{Trouble, Verdict, classify};
use super::errors;
use super::operations::{Effect, Op};
use super::tuning::Tuning;
use crate::codes;

/// One attempt at a call, for a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// The operation, as the API calls it.
    pub operation: &'static str,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// `None` if it succeeded, else EC2's code or what went wrong.
    pub error: Option<String>,
    /// How long it was held back to keep the pace.
    pub held: Duration,
    /// How long the attempt took.
    pub took: Duration,
}

impl fmt::Display for CallRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ms", self.operation, self.took.as_millis())?;
        if self.attempt > 1 {
            write!(f, ", attempt {}", self.attempt)?;
        }
        if !self.held.is_zero() {
            write!(f, ", held back {} ms", self.held.as_millis())?;
        }
        match &self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

/// Where attempts are reported to.
pub(super) type Log = Arc<dyn Fn(CallRecord) + Send + Sync>;

/// The clients, and everything that calls share.
pub(super) struct Api {
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tuning: Tuning,
    region: String,
    buckets: Buckets,
    log: Option<Log>,
    calls: Mutex<BTreeMap<String, u64>>,
    retries: Mutex<BTreeMap<String, u64>>,
}

/// What one operation has been through.
struct Attempts {
    started: Duration,
    /// Time spent waiting for the pace: it does not count against the operation's deadline.
    held: Duration,
    made: u32,
    failed: u32,
    throttled: u32,
    /// Whether an attempt may have changed the world.
    unsure: bool,
}

impl Api {
    pub(super) fn new(
        ec2: aws_sdk_ec2::Client,
        sts: aws_sdk_sts::Client,
        clock: Arc<dyn Clock>,
        tuning: Tuning,
        region: String,
        log: Option<Log>,
    ) -> Self {
        Self {
            ec2,
            sts,
            clock,
            buckets: Buckets::new(tuning.rate),
            tuning,
            region,
            log,
            calls: Mutex::default(),
            retries: Mutex::default(),
        }
    }

    /// First attempts by operation.
    pub(super) fn calls(&self) -> BTreeMap<String, u64> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Further attempts by operation.
    pub(super) fn retries(&self) -> BTreeMap<String, u64> {
        self.retries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Makes a call that may be repeated as it is: a read, or a change that a second time
    /// changes nothing more.
    pub(super) async fn call<T, E, F>(&self, op: Op, doing: &str, send: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + 'static,
    {
        self.settle(op, doing, send, || ready(Ok(None))).await
    }

    /// Makes a call whose effect can be seen: when an answer is lost, `look` says whether the
    /// call has taken effect, before it is sent again or given up.
    pub(super) async fn settle<T, E, F, G>(
        &self,
        op: Op,
        doing: &str,
        send: impl Fn() -> F,
        look: impl Fn() -> G,
    ) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
        G: Future<Output = Result<Option<T>>>,
        E: ProvideErrorMetadata + Error + 'static,
    {
        let mut so_far = Attempts {
            started: self.clock.now(),
            held: Duration::ZERO,
            made: 0,
            failed: 0,
            throttled: 0,
            unsure: false,
        };
        loop {
            let trouble = match self.attempt(op, &mut so_far, &send).await {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            let reads = op.entry().effect == Effect::Read;
            so_far.unsure |= trouble.verdict == Verdict::Lost && !reads;
            let settles = matches!(trouble.verdict, Verdict::Lost | Verdict::Refused);
            if so_far.unsure && settles {
                match look().await {
                    Ok(Some(found)) => return Ok(found),
                    Ok(None) => {}
                    Err(failure) => return Err(self.unsettled(failure, op, doing, &trouble)),
                }
            }
            match self.next_wait(op, &mut so_far, trouble.verdict) {
                Some(wait) => self.clock.sleep(wait).await,
                None => return Err(self.failure(op, doing, &so_far, trouble)),
            }
        }
    }

    async fn attempt<T, E, F>(
        &self,
        op: Op,
        so_far: &mut Attempts,
        send: &impl Fn() -> F,
    ) -> std::result::Result<T, Trouble>
    where
        F: Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + 'static,
    {
        let held = self.buckets.take(op.entry().family, self.clock.now());
        if !held.is_zero() {
            self.clock.sleep(held).await;
        }
        so_far.held += held;
        so_far.made += 1;
        let counts = if so_far.made == 1 {
            &self.calls
        } else {
            &self.retries
        };
        *counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(op.name().to_owned())
            .or_default() += 1;
        let sent = self.clock.now();
        let result = send().await.map_err(|error| classify(&error));
        if let Some(log) = &self.log {
            log(CallRecord {
                operation: op.name(),
                attempt: so_far.made,
                error: result
                    .as_ref()
                    .err()
                    .map(|t| t.code.clone().unwrap_or_else(|| t.message.clone())),
                held,
                took: self.clock.now().saturating_sub(sent),
            });
        }
        result
    }

    /// How long to wait before the next attempt; `None` for no more.
    fn next_wait(&self, op: Op, so_far: &mut Attempts, verdict: Verdict) -> Option<Duration> {
        let now = self.clock.now();
        let elapsed = now.saturating_sub(so_far.started);
        match verdict {
            Verdict::Refused => None,
            Verdict::Throttled => {
                so_far.throttled += 1;
                let wait = self.tuning.backoff(so_far.throttled);
                self.buckets.shut(op.entry().family, now + wait);
                so_far.held += wait;
                (elapsed + wait < self.tuning.throttle_deadline).then_some(wait)
            }
            Verdict::NotSent | Verdict::Lost => {
                so_far.failed += 1;
                let wait = self.tuning.backoff(so_far.failed);
                let spent = elapsed.saturating_sub(so_far.held) + wait;
                (so_far.failed < self.tuning.attempts && spent < self.tuning.operation_deadline)
                    .then_some(wait)
            }
        }
    }

    fn failure(&self, op: Op, doing: &str, so_far: &Attempts, trouble: Trouble) -> Failure {
        let times = match so_far.made {
            1 => String::new(),
            made => format!(" ({made} attempts)"),
        };
        let message = format!("{}{times}", trouble.message);
        let hint = errors::hint(op, &trouble, &self.region)
            .or_else(|| no_answer(trouble.verdict).map(str::to_owned));
        let mut failure = if so_far.unsure {
            Failure::unknown(doing, message)
        } else {
            Failure::not_applied(doing, message)
        };
        failure.code = meaning(&trouble);
        failure.service_code = trouble.code;
        failure.hint = hint;
        failure
    }

    /// An answer was lost, and the look for its effect did not work out either.
    fn unsettled(&self, look: Failure, op: Op, doing: &str, lost: &Trouble) -> Failure {
        let mut failure = Failure::unknown(
            doing,
            format!("{}; and looking for its effect: {}", lost.message, look.message),
        );
        // A look that is certain of its answer (another object has the name, the token is spent)
        // decides the call.
        if look.certainty == Certainty::NotApplied
            && matches!(look.code, Code::AlreadyExists | Code::TokenSpent)
        {
            return look;
        }
        failure.code = match look.code {
            Code::Other => meaning(lost),
            code => code,
        };
        failure.service_code = look.service_code.or_else(|| lost.code.clone());
        failure.hint = look.hint.or_else(|| errors::hint(op, lost, &self.region));
        failure
    }
}

/// What a failed attempt means: what EC2's code says, else how it failed.
fn meaning(trouble: &Trouble) -> Code {
    match (&trouble.code, trouble.verdict) {
        (Some(code), _) => codes::of(code),
        (None, Verdict::Throttled) => Code::Throttled,
        (None, Verdict::NotSent) => Code::Unreachable,
        (None, Verdict::Lost) => Code::ConnectionLost,
        (None, Verdict::Refused) => Code::Other,
    }
}

fn no_answer(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::NotSent => Some(
            "check the network, the region's name, AWS_ENDPOINT_URL, and HTTPS_PROXY where there is a proxy",
        ),
        Verdict::Throttled => Some("the account's calls are throttled; try again when other tools are quiet"),
        Verdict::Lost | Verdict::Refused => None,
    }
}
