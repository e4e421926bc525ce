//! Secrets whose contents are missing: whoever only plans need not have them.

use std::borrow::Cow;

use subako_state::{Address, Snapshot};

use super::error::LowerError;
use crate::kinds::{File, Secrets};
use crate::manifest::Manifest;

/// The manifest with the name that the state has of each secret whose content is missing. A
/// secret that was never made has none, and needs its content.
pub(super) fn named<'a>(
    manifest: &'a Manifest,
    snapshot: &Snapshot,
) -> Result<Cow<'a, Manifest>, LowerError> {
    if manifest.without_content().next().is_none() {
        return Ok(Cow::Borrowed(manifest));
    }
    let mut named = manifest.clone();
    for secret in named.secrets.iter_mut().filter(|secret| secret.content.is_none()) {
        let recorded = snapshot.get(&Address::new("secret", &secret.name));
        let recorded = recorded.and_then(|resource| resource.spec.decode::<File<Secrets>>().ok());
        let Some(recorded) = recorded else {
            return Err(LowerError::NoContent {
                name: secret.name.clone(),
                source_of_it: secret.source.clone(),
            });
        };
        secret.object = recorded.object;
    }
    Ok(Cow::Owned(named))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use subako_state::Resource;

    use super::*;
    use crate::lower::testing;
    use crate::manifest;
    use crate::testing::json_of;
    use crate::world::Content;

    fn secret(name: &str, content: Option<&str>) -> manifest::File {
        manifest::File {
            name: name.to_owned(),
            object: format!("{name}-of-its-content"),
            content: content.map(|text| Content::new(text.as_bytes().to_vec())),
            source: "the variable TOKEN of the environment".to_owned(),
        }
    }

    #[test]
    fn a_secret_without_its_content_keeps_its_recorded_name() {
        let mut cluster = testing::sandbox();
        cluster.secrets = vec![secret("known", Some("x")), secret("unknown", None)];
        let mut snapshot = Snapshot::empty("l".into(), "c".into(), "sim".into());
        let refused = named(&cluster, &snapshot).expect_err("it is new");
        assert_eq!(
            refused.to_string(),
            "secret.unknown is new, so its content is needed: the variable TOKEN of the environment is missing"
        );
        let spec = json_of(&json!({"object": "unknown-0123", "swarm": "s"}));
        snapshot.resources = vec![Resource {
            address: Address::new("secret", "unknown"),
            depends_on: vec![],
            deposed: false,
            generation: 0,
            made_with: Default::default(),
            outputs: json_of(&json!({})),
            protect: false,
            spec_sha256: spec.digest(),
            spec,
        }];
        let found = named(&cluster, &snapshot).expect("a name");
        let objects: Vec<&str> = found
            .secrets
            .iter()
            .map(|secret| secret.object.as_str())
            .collect();
        assert_eq!(objects, ["known-of-its-content", "unknown-0123"]);
    }
}
