//! Sends requests over a host's link and answers with JSON or a failure.

use std::time::Duration;

use hyper::Method;
use serde_json::Value;
use subako_world::{Code, Failure, Result, Secret};

use super::answer::{Effect, failure, out_of_sequence};
use crate::ssh::engine_http::{CallError, Reply, Sent};
use crate::ssh::link::{Link, Live};

/// How long one call may take; never longer than the manifest's command_timeout. The engine gives
/// up its own longest call, a join, after 20 s.
const CALL: Duration = Duration::from_secs(60);
/// How often an update is tried against concurrent ones.
const TRIES: u32 = 10;
/// Between two such tries; each waits a little longer.
const PAUSE: Duration = Duration::from_millis(50);

/// The Engine API of one host.
pub(in crate::ssh) struct Api<'a> {
    pub(super) link: &'a Link,
}

impl<'a> Api<'a> {
    /// The Engine API of the host that `link` leads to.
    pub(in crate::ssh) fn new(link: &'a Link) -> Self {
        Self { link }
    }

    /// What is being tried, with the host's name.
    pub(super) fn doing(&self, what: &str) -> String {
        format!("{what} on {}", self.link.target.name)
    }

    /// How long one call may take.
    pub(super) fn deadline(&self) -> Duration {
        CALL.min(self.link.shared.options.command_timeout)
    }

    /// Waits, in the world's own time.
    pub(super) async fn pause(&self, duration: Duration) {
        self.link.shared.clock.sleep(duration).await;
    }

    /// Reads; what is not there is a failure.
    pub(super) async fn get(&self, doing: &str, path: &str) -> Result<Value> {
        let reply = self
            .exchange(doing, Effect::Reads, Sent::new(Method::GET, path))
            .await?;
        accept(doing, Effect::Reads, reply)
    }

    /// Changes something.
    pub(super) async fn post(&self, doing: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        self.post_with(doing, path, body, None).await
    }

    /// Changes something, with a login to a registry for the engine to pass on.
    pub(super) async fn post_with(
        &self,
        doing: &str,
        path: &str,
        body: Option<&Value>,
        auth: Option<&Secret>,
    ) -> Result<Value> {
        let sent = Sent {
            body,
            auth,
            ..Sent::new(Method::POST, path)
        };
        let reply = self.exchange(doing, Effect::Changes, sent).await?;
        accept(doing, Effect::Changes, reply)
    }

    /// Removes something; fine if it is not there.
    pub(super) async fn delete(&self, doing: &str, path: &str) -> Result<()> {
        let reply = self
            .exchange(doing, Effect::Changes, Sent::new(Method::DELETE, path))
            .await?;
        match accept(doing, Effect::Changes, reply) {
            Err(failure) if failure.code == Code::NotFound => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Reads an object at `path`, lets `change` rewrite its spec and sends that back; starts over
    /// when somebody else was faster. `change` answers `None` when there is nothing to change.
    pub(super) async fn modify(
        &self,
        doing: &str,
        path: &str,
        change: impl Fn(&Value) -> Option<Value> + Send + Sync,
    ) -> Result<()> {
        self.modify_with(doing, path, None, change).await
    }

    /// As [`Api::modify`], with a login to a registry for the engine to pass on.
    pub(super) async fn modify_with(
        &self,
        doing: &str,
        path: &str,
        auth: Option<&Secret>,
        change: impl Fn(&Value) -> Option<Value> + Send + Sync,
    ) -> Result<()> {
        for attempt in 1.. {
            let object = self.get(doing, path).await?;
            let version = object
                .pointer("/Version/Index")
                .and_then(Value::as_u64)
                .ok_or_else(|| Failure::not_applied(doing, "the Docker Engine names no version of it"))?;
            let spec = object.get("Spec").unwrap_or(&Value::Null);
            let Some(changed) = change(spec) else {
                return Ok(());
            };
            let update = format!("{path}/update?version={version}");
            let sent = Sent {
                body: Some(&changed),
                auth,
                ..Sent::new(Method::POST, &update)
            };
            let reply = self.exchange(doing, Effect::Changes, sent).await?;
            if !out_of_sequence(&reply) || attempt == TRIES {
                return accept(doing, Effect::Changes, reply).map(drop);
            }
            self.pause(PAUSE * attempt).await;
        }
        unreachable!("the loop ends by returning")
    }

    /// One exchange. A connection found dead before anything was sent is opened again, once; so is
    /// one that dies under a read.
    pub(super) async fn exchange(&self, doing: &str, effect: Effect, sent: Sent<'_>) -> Result<Reply> {
        self.exchange_within(doing, effect, sent, self.deadline()).await
    }

    /// As [`Api::exchange`], each try within `limit`.
    pub(super) async fn exchange_within(
        &self,
        doing: &str,
        effect: Effect,
        sent: Sent<'_>,
        limit: Duration,
    ) -> Result<Reply> {
        let mut again = true;
        loop {
            let live = self.live(doing).await?;
            let error = match live.engine.call(&sent, limit).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            let harmless = effect == Effect::Reads || matches!(error, CallError::NotSent(_));
            if again && harmless && live.connection.is_closed() {
                again = false;
                continue;
            }
            return Err(unanswered(doing, effect, &error, live.connection.is_closed()));
        }
    }

    /// The open connection, or a new one; not getting one changes nothing.
    pub(in crate::ssh) async fn live(&self, doing: &str) -> Result<Live> {
        let target = &self.link.target;
        self.link
            .live()
            .await
            .map_err(|error| error.into_failure(doing, &target.name, &target.instance_id))
    }
}

pub(super) fn accept(doing: &str, effect: Effect, reply: Reply) -> Result<Value> {
    if (200..300).contains(&reply.status) {
        Ok(reply.body)
    } else {
        Err(failure(doing, effect, &reply))
    }
}

/// The failure of a call that got no answer.
fn unanswered(doing: &str, effect: Effect, error: &CallError, closed: bool) -> Failure {
    match error {
        CallError::NoAnswer(_) if effect == Effect::Changes => {
            let message = if closed {
                format!("the ssh connection was lost before the answer came ({error})")
            } else {
                error.to_string()
            };
            Failure::unknown(doing, message).with_code(Code::ConnectionLost)
        }
        CallError::NoEngine(_) => Failure::not_applied(doing, error.to_string()).with_code(Code::NoEngine),
        CallError::NotSent(_) | CallError::NoAnswer(_) => {
            Failure::not_applied(doing, error.to_string()).with_code(Code::ConnectionLost)
        }
    }
}

/// A query string's value: everything but unreserved characters is percent-encoded.
pub(super) fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        encoded
    })
}

/// A query `filters=…` from names and values.
pub(super) fn filters(wanted: &[(&str, &str)]) -> String {
    let object: serde_json::Map<String, Value> = wanted
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(vec![*value])))
        .collect();
    format!("filters={}", encode(&Value::Object(object).to_string()))
}

#[cfg(test)]
mod tests {
    use subako_world::Certainty;

    use super::*;

    #[test]
    fn filters_are_json_in_percent_encoding() {
        assert_eq!(
            filters(&[("name", "reply")]),
            "filters=%7B%22name%22%3A%5B%22reply%22%5D%7D"
        );
    }

    #[test]
    fn a_lost_connection_is_certain_when_nothing_was_sent_or_nothing_changes() {
        let lost = CallError::NoAnswer("connection closed".into());
        let unsent = CallError::NotSent("connection closed".into());
        let certainty = |effect, error| unanswered("do it", effect, error, true).certainty;
        assert_eq!(certainty(Effect::Changes, &lost), Certainty::Unknown);
        assert_eq!(certainty(Effect::Changes, &unsent), Certainty::NotApplied);
        assert_eq!(certainty(Effect::Reads, &lost), Certainty::NotApplied);
    }
}
