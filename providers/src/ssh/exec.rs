//! One command on a host: standard input in, lines out, a deadline.

use std::collections::VecDeque;
use std::time::Duration;

use russh::ChannelMsg;
use russh::client::Msg;
use russh::{Channel, ChannelReadHalf, ChannelWriteHalf};
use tokio::time::{Instant, timeout_at};

use super::connection::Connection;

/// Lines kept of a command's output.
const KEPT: usize = 40;
/// The longest line kept, in bytes.
const LINE: usize = 500;

/// A command that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finished {
    /// Its exit status; above 128 when a signal ended it.
    pub(super) status: u32,
    /// The last lines of its output and errors, oldest first.
    pub(super) tail: Vec<String>,
}

/// Why there is no exit status.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExecError {
    /// The command was never started.
    #[error("the command could not be started: {0}")]
    NotStarted(String),
    /// The connection went away while it ran.
    #[error("the connection was lost while the command ran")]
    Lost { tail: Vec<String> },
    /// It took too long; it was told to stop.
    #[error("the command was not done after {} s", .after.as_secs())]
    TimedOut { after: Duration, tail: Vec<String> },
}

impl Connection {
    /// Runs `command` with `input` on its standard input. Every line of output goes to `on_line`.
    pub(super) async fn exec(
        &self,
        command: &str,
        input: &[u8],
        deadline: Duration,
        on_line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Finished, ExecError> {
        let end = Instant::now() + deadline;
        let late = |tail| ExecError::TimedOut {
            after: deadline,
            tail,
        };
        let not_started = |error: russh::Error| ExecError::NotStarted(error.to_string());
        let _permit = timeout_at(end, self.sessions.acquire())
            .await
            .map_err(|_| ExecError::NotStarted("too many commands are running".to_owned()))?
            .map_err(|error| ExecError::NotStarted(error.to_string()))?;
        let mut running = Running::new(self.session().await.map_err(not_started)?);
        timeout_at(end, running.write.exec(true, command))
            .await
            .map_err(|_| ExecError::NotStarted("the connection is stuck".to_owned()))?
            .map_err(not_started)?;
        let mut lines = Lines::default();
        let mut status = None;
        // Sending and receiving go on together: a command may write before it has read all.
        let feed = async {
            running.write.data(input).await?;
            running.write.eof().await
        };
        let drain = async {
            while let Some(message) = running.read.wait().await {
                match message {
                    ChannelMsg::Failure => return Some("the host refuses to run commands"),
                    ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. } => {
                        lines.push(&data, on_line);
                    }
                    ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
                    ChannelMsg::ExitSignal { .. } => status = Some(128),
                    ChannelMsg::Close => break,
                    _ => {}
                }
            }
            None
        };
        // A command that ends without reading its input is no error: its status decides.
        let both = async { futures::join!(feed, drain).1 };
        let ended = timeout_at(end, both).await;
        lines.finish(on_line);
        let tail = lines.into_tail();
        match (ended, status) {
            (Ok(Some(refused)), _) => Err(ExecError::NotStarted(refused.to_owned())),
            (_, Some(status)) => {
                running.done = true;
                Ok(Finished { status, tail })
            }
            (Err(_), None) => Err(late(tail)),
            // Even if nothing came back at all: the request was handed over and may have been run.
            (Ok(None), None) => Err(ExecError::Lost { tail }),
        }
    }
}

/// A channel that is closed when its command is given up: dropping one of russh's is not enough,
/// and an open one counts against the server's limit.
struct Running {
    read: ChannelReadHalf,
    write: std::sync::Arc<ChannelWriteHalf<Msg>>,
    done: bool,
}

impl Running {
    fn new(channel: Channel<Msg>) -> Self {
        let (read, write) = channel.split();
        Self {
            read,
            write: std::sync::Arc::new(write),
            done: false,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let write = std::sync::Arc::clone(&self.write);
            // Nobody is left to be told: an error here means that the connection is gone.
            runtime.spawn(async move { write.close().await });
        }
    }
}

/// Cuts output into lines and keeps the last of them.
#[derive(Default)]
struct Lines {
    partial: Vec<u8>,
    tail: VecDeque<String>,
}

impl Lines {
    fn push(&mut self, data: &[u8], on_line: &mut (dyn FnMut(&str) + Send)) {
        for byte in data {
            // Progress bars go back to the line's start instead of ending it.
            if matches!(byte, b'\n' | b'\r') {
                self.finish(on_line);
            } else if self.partial.len() < LINE {
                self.partial.push(*byte);
            }
        }
    }

    fn finish(&mut self, on_line: &mut (dyn FnMut(&str) + Send)) {
        let line: String = String::from_utf8_lossy(&self.partial)
            .chars()
            .filter(|character| !character.is_control())
            .collect();
        self.partial.clear();
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        on_line(line);
        if self.tail.len() == KEPT {
            self.tail.pop_front();
        }
        self.tail.push_back(line.to_owned());
    }

    fn into_tail(self) -> Vec<String> {
        self.tail.into()
    }
}

/// What a command of an administrator's begins with.
pub(super) fn as_root(user: &str) -> &'static str {
    if user == "root" { "" } else { "sudo -n " }
}

/// Quotes one word for a POSIX shell.
pub(super) fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&str]) -> (Vec<String>, Vec<String>) {
        let mut seen = Vec::new();
        let mut lines = Lines::default();
        let mut on_line = |line: &str| seen.push(line.to_owned());
        for chunk in chunks {
            lines.push(chunk.as_bytes(), &mut on_line);
        }
        lines.finish(&mut on_line);
        let tail = lines.into_tail();
        (seen, tail)
    }

    #[test]
    fn output_is_cut_into_lines_wherever_the_packets_end() {
        let (seen, tail) = lines(&["one\ntw", "o\r\nthr", "ee"]);
        assert_eq!(seen, ["one", "two", "three"]);
        assert_eq!(tail, seen);
    }

    #[test]
    fn only_the_last_lines_are_kept_and_none_is_endless() {
        let many: String = (0..100).map(|number| format!("{number}\n")).collect();
        let (seen, tail) = lines(&[&many, &"x".repeat(10_000)]);
        assert_eq!(seen.len(), 101);
        assert_eq!(tail.len(), KEPT);
        assert_eq!(tail.last().map(String::len), Some(LINE));
    }

    #[test]
    fn control_characters_are_dropped() {
        assert_eq!(lines(&["\u{1b}[1mbold\u{7}\n"]).0, ["[1mbold"]);
    }

    #[test]
    fn a_quoted_word_is_one_word_whatever_is_in_it() {
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's; rm -rf /"), r"'it'\''s; rm -rf /'");
    }
}
