//! SIGINT, SIGTERM and SIGHUP.

use std::future::Future;
use std::io::IsTerminal as _;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{CliError, Result};

/// Listens from when it is made, so that no signal is missed.
pub struct Signals {
    streams: Vec<(&'static str, Signal)>,
}

impl Signals {
    /// Begins to listen. Signals that the parent has had ignored (`nohup`) stay ignored.
    pub fn listen() -> Result<Self> {
        let ignored = ignored();
        let mut streams = Vec::new();
        for (name, kind) in [
            ("SIGINT", SignalKind::interrupt()),
            ("SIGTERM", SignalKind::terminate()),
            ("SIGHUP", SignalKind::hangup()),
        ] {
            if ignored & (1 << (kind.as_raw_value() - 1)) == 0 {
                let stream = signal(kind).map_err(|error| CliError::io("listen for", name, &error))?;
                streams.push((name, stream));
            }
        }
        Ok(Self { streams })
    }

    /// The name of the next signal.
    pub async fn next(&mut self) -> &'static str {
        std::future::poll_fn(|cx| {
            for (name, stream) in &mut self.streams {
                if stream.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready(*name);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }

    /// Does something that changes nothing, until it is done or a signal comes.
    pub async fn guard<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            result = work => result,
            name = self.next() => {
                let mut error = CliError::new(format!("interrupted by {name}; nothing was changed"));
                // The terminal shows ^C without a line end.
                if std::io::stderr().is_terminal() {
                    error.report = Some(String::new());
                }
                Err(error)
            }
        }
    }
}

/// The mask of signals that are ignored, as the kernel shows it; 0 where it does not.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
