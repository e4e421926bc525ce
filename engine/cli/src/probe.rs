//! The crash tests' probe: with `SUBAKO_CRASH_AFTER_ENTRY=n` the process kills itself once it
//! has made n journal entries durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use subako_engine::run::Probe;

use crate::error::{CliError, Result};

const VARIABLE: &str = "SUBAKO_CRASH_AFTER_ENTRY";

/// The probe, if the environment asks for one.
pub fn from_environment() -> Result<Option<Probe>> {
    let Some(text) = std::env::var_os(VARIABLE) else {
        return Ok(None);
    };
    let after: u64 = text
        .to_str()
        .and_then(|text| text.parse().ok())
        .filter(|after| *after > 0)
        .ok_or_else(|| CliError::new(format!("{VARIABLE} has to be a number from 1")))?;
    let written = AtomicU64::new(0);
    Ok(Some(Arc::new(move |_| {
        if written.fetch_add(1, Ordering::SeqCst) + 1 == after {
            // SIGKILL runs no destructor and flushes nothing, as a power loss would.
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            // The signal may take a moment; nothing may happen in it.
            loop {
                std::thread::park();
            }
        }
    })))
}
