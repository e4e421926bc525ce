//! Contents of secrets and configs: needed by who creates one, and by nobody else.

use serde::Deserialize;
use subako_state::Address;

use super::{NoContent, Session, SessionError};
use crate::plan::{Operation, Step};
use crate::world::FileKind;

/// What a step says of the object that it creates.
#[derive(Deserialize)]
struct Named {
    object: String,
}

impl Session {
    /// Fails if a step creates a secret or config whose content is missing, or is another one by
    /// now. Nothing has been called by then.
    pub(super) fn contents_for<'a>(
        &self,
        steps: impl IntoIterator<Item = &'a Step>,
    ) -> Result<(), SessionError> {
        let made = steps
            .into_iter()
            .filter(|step| step.operation == Operation::Create);
        for step in made {
            let kinds = [FileKind::Secret, FileKind::Config];
            let Some(kind) = kinds.into_iter().find(|kind| kind.word() == step.address.kind()) else {
                continue;
            };
            let named = step
                .after
                .as_ref()
                .and_then(|record| record.spec.decode::<Named>().ok());
            let content = named.and_then(|named| self.world.vault.content(kind, &named.object));
            if content.is_none() {
                return Err(SessionError::NoContent(Box::new(
                    self.no_content(&step.address, kind),
                )));
            }
        }
        Ok(())
    }

    fn no_content(&self, address: &Address, kind: FileKind) -> NoContent {
        let files = match kind {
            FileKind::Secret => &self.manifest.secrets,
            FileKind::Config => &self.manifest.configs,
        };
        let written = files.iter().find(|file| file.name == address.name());
        NoContent {
            address: address.clone(),
            why: match written {
                None => "the manifest names where it comes from".to_owned(),
                Some(file) if file.content.is_none() => format!("{} is missing", file.source),
                Some(file) => format!("{} has another one by now", file.source),
            },
        }
    }
}
