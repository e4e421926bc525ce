//! The async runtime of a command.

use std::future::Future;

use crate::error::{CliError, Result};

/// Runs a future to its end on this thread. `paused` makes tokio's clock virtual: for the
/// simulator on instant time.
pub fn block_on<T>(paused: bool, future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(paused)
        .build()
        .map_err(|error| CliError::io("start", "the async runtime", &error))?;
    let result = runtime.block_on(future);
    // A question that nobody answered must not keep the process alive.
    runtime.shutdown_background();
    result
}
