//! How the cluster is reached, recorded beside the state by every run that may change something: who
//! looks or repairs later needs no manifest.

use subako_state::Store;

use super::{Session, SessionError};
use crate::manifest::Connection;

impl Session {
    /// Records it, if it differs from what is recorded. The lock must be held.
    pub(super) fn record_connection(&self) -> Result<(), SessionError> {
        let Some(connection) = &self.connection else {
            return Ok(());
        };
        let bad = |error: serde_json::Error| SessionError::Connection {
            place: self.store.connection_place(),
            why: error.into(),
        };
        Ok(self.store.keep_connection(&connection.render().map_err(bad)?)?)
    }
}

/// What is recorded of how a store's cluster is reached; `None` if nothing is.
pub fn recorded_connection(store: &Store) -> Result<Option<Connection>, SessionError> {
    let Some(text) = store.connection()? else {
        return Ok(None);
    };
    let read = Connection::read(&text).map_err(|why| SessionError::Connection {
        place: store.connection_place(),
        why,
    });
    read.map(Some)
}
