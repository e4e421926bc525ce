//! `key_pair`: a public key that EC2 puts on new instances.

use std::collections::HashMap;

use super::sighting::Typed;
use super::specs::{KeyPair, KeyPairOutputs};
use super::tags;
use super::wait::settled;
use crate::kind::{
    Claim, Impact, Intent, Item, Kind, KnownBy, Listed, Phase, Plane, Scope, Sighting, StepCall, StepContext,
    Traits,
};
use crate::survey::Survey;
use crate::value::Value;
use crate::world::{self, Failure, KeyPairRequest, Ownership, PlannedCall, Result};

/// The key without its comment, which EC2 does not always give back.
fn bare(key: &str) -> Vec<&str> {
    key.split_whitespace().take(2).collect()
}

impl KeyPair {
    /// What EC2 is asked for.
    fn request(&self, ownership: &Ownership) -> KeyPairRequest {
        KeyPairRequest {
            name: self.name.clone(),
            public_key: self.public_key.clone(),
            tags: self.tags.clone(),
            ownership: ownership.clone(),
        }
    }
}

impl Kind for KeyPair {
    const NAME: &'static str = "key_pair";
    const GROUPED: bool = false;
    const SPELLED_IN_MANY_WAYS: bool = true;
    type Outputs = KeyPairOutputs;

    fn traits() -> Traits {
        Traits {
            delete_is_undoable: true,
            known_by: KnownBy::Field("name"),
            ..Traits::of(Plane::Cloud, Phase::HOSTS)
        }
    }

    fn impact(field: &str, _before: &Value, _after: &Value) -> Impact {
        match field {
            "name" => Impact::Replaces("EC2 cannot rename a key pair"),
            "public_key" => Impact::Replaces("EC2 cannot change the key of a key pair"),
            _ => Impact::InPlace,
        }
    }

    fn claims(&self) -> Vec<Claim> {
        vec![Claim::Name {
            of: Self::NAME,
            scope: Scope::Region,
            name: self.name.clone(),
        }]
    }

    fn calls(intent: Intent<'_, Self>) -> Vec<StepCall> {
        match (intent.before, intent.after) {
            (None, Some(wanted)) => {
                let ask = PlannedCall::ImportKeyPair(wanted.request(intent.ownership));
                vec![StepCall::of("import_key_pair").asking(ask)]
            }
            (Some(_), Some(_)) => vec![StepCall::certain_if(intent.changed.contains("tags"), "retag")],
            (Some(old), None) => {
                vec![StepCall::of("delete_key_pair").asking(PlannedCall::DeleteKeyPair(old.name))]
            }
            (None, None) => Vec::new(),
        }
    }

    /// Only its owner cares about a key's comment.
    fn spelled_as(&self, other: &Self, _outputs: &Self::Outputs) -> Self {
        let mut this = self.clone();
        if bare(&self.public_key) == bare(&other.public_key) {
            this.public_key.clone_from(&other.public_key);
        }
        this
    }

    fn list(survey: &Survey, is_known: &dyn Fn(&str) -> bool) -> Vec<Listed<Self>> {
        let listed = |key: &world::KeyPair| {
            let spec = Self {
                name: key.name.clone(),
                public_key: key.public_key.clone().unwrap_or_default(),
                tags: tags::user(&key.tags),
            };
            let (address, generation) = tags::listed(Self::NAME, &key.tags, &key.id);
            Listed::of(address, generation, spec, KeyPairOutputs::from(key))
        };
        let keys = survey.cloud.key_pairs.iter();
        keys.filter(|key| !is_known(&key.name)).map(listed).collect()
    }

    async fn sight(survey: &Survey, items: &[Item]) -> Result<Vec<Sighting>> {
        let by_name: HashMap<&str, &world::KeyPair> = survey
            .cloud
            .key_pairs
            .iter()
            .map(|key| (key.name.as_str(), key))
            .collect();
        items
            .iter()
            .map(|item| {
                let typed = Typed::<Self>::new(item)?;
                let name = typed.spec.name.clone();
                let Some(key) = by_name.get(name.as_str()) else {
                    let foreign = survey.foreign.get(&(Self::NAME.to_owned(), name));
                    return Ok(foreign.cloned().map_or(Sighting::Absent, Sighting::Foreign));
                };
                let ownership = Ownership::from_tags(&key.tags);
                if item.outputs.is_none()
                    && ownership.as_ref().map(|found| found.address.as_str()) != Some(item.address.as_str())
                {
                    return Ok(Sighting::Foreign(format!(
                        "{}, which is not tagged as {}",
                        key.id, item.address
                    )));
                }
                let outputs = KeyPairOutputs::from(*key);
                let mut spec = typed.spec.clone();
                let wanted = typed.wanted()?;
                let wanted = wanted.as_ref().map(|wanted| &wanted.tags);
                spec.tags = tags::managed(&key.tags, &typed.spec.tags, wanted);
                match &key.public_key {
                    Some(live) if bare(live) != bare(&spec.public_key) => spec.public_key = live.clone(),
                    Some(_) => {}
                    // Without the key the fingerprint tells whether it is another one.
                    None => {
                        if typed
                            .outputs
                            .as_ref()
                            .is_some_and(|recorded| *recorded != outputs)
                        {
                            spec.public_key = format!("another key, {}", key.fingerprint);
                        }
                    }
                }
                let generation = ownership.map_or(item.generation, |found| found.generation);
                typed.there(&spec, &outputs, generation)
            })
            .collect()
    }

    async fn create(&self, cx: &StepContext) -> Result<Self::Outputs> {
        let request = self.request(&cx.ownership);
        let key = cx.world.cloud.import_key_pair(&request).await?;
        Ok(KeyPairOutputs::from(&key))
    }

    async fn update(&self, from: &Self, outputs: Self::Outputs, cx: &StepContext) -> Result<Self::Outputs> {
        let Some(key) = cx.world.cloud.find_key_pair(&self.name).await? else {
            return Err(Failure::not_applied(
                format!("tag the key pair {}", self.name),
                "it does not exist any more",
            ));
        };
        let (set, remove) = tags::change(&key.tags, &from.tags, &self.tags);
        if !set.is_empty() || !remove.is_empty() {
            cx.world.cloud.retag(&key.id, &set, &remove).await?;
        }
        Ok(outputs)
    }

    async fn delete(&self, _outputs: Self::Outputs, cx: &StepContext) -> Result<()> {
        // Deleted by name, so that a key somebody else has made under it meanwhile is spared.
        match cx.world.cloud.find_key_pair(&self.name).await? {
            Some(key) if tags::ours(&key.tags, &cx.ownership) => {
                cx.world.cloud.delete_key_pair(&self.name).await
            }
            _ => Ok(()),
        }
    }

    async fn find(&self, outputs: Option<Self::Outputs>, cx: &StepContext) -> Result<Option<Self::Outputs>> {
        if let Some(outputs) = outputs {
            let found = cx.world.cloud.find_key_pair(&self.name).await?;
            return Ok(found
                .filter(|key| tags::ours(&key.tags, &cx.ownership))
                .map(|key| KeyPairOutputs::from(&key))
                .filter(|found| *found == outputs));
        }
        settled(cx, || async {
            let found = cx.world.cloud.find_key_pair(&self.name).await?;
            Ok(found
                .filter(|key| tags::made_by(&key.tags, &cx.ownership))
                .map(|key| KeyPairOutputs::from(&key)))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing;

    fn key() -> KeyPair {
        KeyPair {
            name: "Sandbox-master-key".into(),
            public_key: "ssh-ed25519 AAAA me".into(),
            tags: testing::map(&[("Unit", "Sandbox")]),
        }
    }

    fn live(public_key: Option<&str>, address: &str) -> world::KeyPair {
        let mut tags = testing::ownership(address, 2).tags();
        tags.insert("Unit".into(), "Sandbox".into());
        world::KeyPair {
            id: "key-1".into(),
            name: "Sandbox-master-key".into(),
            fingerprint: "aa:bb".into(),
            public_key: public_key.map(str::to_owned),
            tags,
        }
    }

    #[test]
    fn the_json_of_a_key_pair_is_canonical() {
        testing::assert_canonical(&key());
    }

    #[test]
    fn a_key_is_the_same_key_whatever_its_comment() {
        let item = testing::item(
            "key_pair.sandbox",
            &key(),
            Some(&KeyPairOutputs {
                fingerprint: "aa:bb".into(),
            }),
        );
        for comment in [Some("ssh-ed25519 AAAA other"), None] {
            let survey = testing::survey(|cloud| cloud.key_pairs.push(live(comment, "key_pair.sandbox")));
            assert_eq!(testing::sight::<KeyPair>(&survey, &item), Sighting::AsRecorded);
        }
        let survey =
            testing::survey(|cloud| cloud.key_pairs.push(live(Some("ssh-rsa B"), "key_pair.sandbox")));
        let Sighting::There { spec, .. } = testing::sight::<KeyPair>(&survey, &item) else {
            panic!("another key is drift");
        };
        assert!(spec.as_str().contains("ssh-rsa B"));
    }

    #[test]
    fn an_unrecorded_key_pair_is_adopted_by_its_tags_only() {
        let item = testing::item::<KeyPair>("key_pair.sandbox", &key(), None);
        let survey = testing::survey(|cloud| cloud.key_pairs.push(live(None, "key_pair.sandbox")));
        assert!(matches!(
            testing::sight::<KeyPair>(&survey, &item),
            Sighting::There { generation: 2, .. }
        ));
        let survey = testing::survey(|cloud| cloud.key_pairs.push(live(None, "key_pair.other")));
        assert!(matches!(
            testing::sight::<KeyPair>(&survey, &item),
            Sighting::Foreign(_)
        ));
        let survey = testing::survey(|_| {});
        assert_eq!(testing::sight::<KeyPair>(&survey, &item), Sighting::Absent);
    }
}
