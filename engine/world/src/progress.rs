//! What a long operation is waiting for, as it changes.

use std::fmt;
use std::sync::Arc;

/// Receives short present-tense notes from an operation in flight, for example
/// `waiting for ssh: connection refused`.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(String) + Send + Sync>);

impl Progress {
    /// Sends every note to `sink`.
    pub fn new(sink: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    /// Drops every note.
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Says what the operation is doing now.
    pub fn note(&self, text: impl Into<String>) {
        (self.0)(text.into());
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}
