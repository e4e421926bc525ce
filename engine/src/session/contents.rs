//! Contents of secrets: needed by who makes one, and by nobody else.

use subako_state::Address;

use super::{NoContent, Session, SessionError};
use crate::plan::{Operation, Step};

impl Session {
    /// Fails if a step makes a secret whose content is not at hand. Nothing has been called by then.
    pub(super) fn contents_for<'a>(
        &self,
        steps: impl IntoIterator<Item = &'a Step>,
    ) -> Result<(), SessionError> {
        let missing: Vec<(Address, &str)> = self
            .manifest
            .without_content()
            .map(|secret| (Address::new("secret", &secret.name), secret.source.as_str()))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut made = steps
            .into_iter()
            .filter(|step| step.operation == Operation::Create);
        let needed = made.find_map(|step| missing.iter().find(|(address, _)| *address == step.address));
        match needed {
            None => Ok(()),
            Some((address, source)) => Err(SessionError::NoContent(Box::new(NoContent {
                address: address.clone(),
                source_of_it: (*source).to_owned(),
            }))),
        }
    }
}
