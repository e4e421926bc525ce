//! `secret` and `config`: files that the swarm keeps for services.
//!
//! Their names in the swarm are made from their contents, so that another content is another
//! object: it is made, the services switch to it, and then the old one goes. That no recorded
//! spec has a content is why a removal cannot be taken back, and so belongs past the line.

use std::collections::HashMap;
use std::time::Duration;

use super::labels;
use super::sighting::{Typed, reference, swarm_view};
use super::specs::{File, NoOutputs, Which};
use super::swarm_access::Managers;
use super::wait::Wait;
use crate::kind::{
    Claim, Impact, Intent, Item, Kind, KnownBy, Listed, LivesOn, Phase, Plane, Sighting, StepCall,
    StepContext, Traits, Verb,
};
use crate::reference::Ref;
use crate::survey::{Survey, SwarmView};
use crate::value::Value;
use crate::world::{Code, Failure, FileKind, FileSpec, Result, SwarmFile};

/// How long a file may stay in use by a service that was told to do without.
const DELETE_LIMIT: Duration = Duration::from_secs(60);
/// Between two attempts.
const EVERY: Duration = Duration::from_secs(1);

impl<W: Which> File<W> {
    async fn live(&self, managers: &mut Managers<'_>) -> Result<Option<SwarmFile>> {
        let files = managers.files(W::KIND).await?;
        Ok(files.into_iter().find(|file| file.spec.name == self.object))
    }
}

/// Those of the two kinds.
fn files_of<W: Which>(view: &SwarmView) -> &[SwarmFile] {
    match W::KIND {
        FileKind::Secret => &view.secrets,
        FileKind::Config => &view.configs,
    }
}

impl<W: Which> Kind for File<W> {
    const NAME: &'static str = W::NAME;
    const GROUPED: bool = false;
    type Outputs = NoOutputs;

    fn traits() -> Traits {
        Traits {
            lives_on: LivesOn::Dependency("swarm"),
            delete_is_undoable: false,
            refers_to: &["swarm"],
            known_by: KnownBy::Field("object"),
            ..Traits::of(Plane::Swarm, Phase::SERVICES)
        }
    }

    fn impact(field: &str, _before: &Value, _after: &Value) -> Impact {
        match field {
            "swarm" => Impact::Replaces("it belongs to another swarm"),
            _ => Impact::Replaces("its content differs"),
        }
    }

    fn claims(&self) -> Vec<Claim> {
        vec![Claim::swarm_name(W::NAME, &self.object)]
    }

    fn calls(intent: Intent<'_, Self>) -> Vec<StepCall> {
        let (create, remove) = match W::KIND {
            FileKind::Secret => ("create_secret", "remove_secret"),
            FileKind::Config => ("create_config", "remove_config"),
        };
        match intent.verb() {
            Verb::Create => vec![StepCall::of(create)],
            Verb::Update => Vec::new(),
            Verb::Delete => vec![StepCall::of(remove)],
        }
    }

    fn list(survey: &Survey, is_known: &dyn Fn(&str) -> bool) -> Vec<Listed<Self>> {
        let Some(view) = survey.view() else {
            return Vec::new();
        };
        let swarm = labels::swarm(survey, view);
        let ours = files_of::<W>(view).iter();
        let ours = ours.filter(|file| {
            labels::of_cluster(&file.spec.labels, &survey.cluster) && !is_known(&file.spec.name)
        });
        let listed = ours.map(|file| {
            let spec = Self::new(&file.spec.name, Ref::Value(view.id.clone()));
            let (address, generation) = labels::listed(Self::NAME, &file.spec.labels, &file.spec.name);
            Listed {
                depends_on: vec![swarm.clone()],
                ..Listed::of(address, generation, spec, NoOutputs {})
            }
        });
        listed.collect()
    }

    async fn sight(survey: &Survey, items: &[Item]) -> Result<Vec<Sighting>> {
        let view = match swarm_view(survey) {
            Ok(view) => view,
            Err(sighting) => return Ok(vec![sighting; items.len()]),
        };
        let files = files_of::<W>(view).iter();
        let by_name: HashMap<&str, &SwarmFile> = files.map(|file| (file.spec.name.as_str(), file)).collect();
        items
            .iter()
            .map(|item| {
                let typed = Typed::<Self>::new(item)?;
                let Some(live) = by_name.get(typed.spec.object.as_str()) else {
                    return Ok(Sighting::Absent);
                };
                if !labels::of_cluster(&live.spec.labels, &survey.cluster) {
                    return Ok(Sighting::Foreign(format!(
                        "the {} {}, which Subako did not make",
                        W::NAME,
                        live.id
                    )));
                }
                let spec = Self::new(&live.spec.name, reference(survey, &typed.spec.swarm, &view.id));
                typed.there(&spec, &NoOutputs {}, labels::generation(&live.spec.labels))
            })
            .collect()
    }

    async fn create(&self, cx: &StepContext) -> Result<Self::Outputs> {
        let doing = || format!("create the {} {}", W::NAME, self.object);
        let Some(content) = cx.world.vault.content(W::KIND, &self.object) else {
            return Err(Failure::not_applied(
                doing(),
                "the manifest has no such content any more: it has changed since this was planned",
            )
            .with_hint("put the content back, or go back with `recover --back` and plan again"));
        };
        let mut managers = Managers::new(cx);
        let spec = FileSpec {
            labels: labels::owned(&Default::default(), &cx.ownership),
            name: self.object.clone(),
        };
        match managers.create_file(W::KIND, &spec, content).await {
            Ok(_) => Ok(NoOutputs {}),
            Err(failure) if failure.code == Code::AlreadyExists => match self.live(&mut managers).await? {
                Some(live) if labels::same_object(&live.spec.labels, &cx.ownership) => Ok(NoOutputs {}),
                _ => Err(failure.with_hint(format!(
                    "a {} `{}` that this run did not make is there: remove it",
                    W::NAME,
                    self.object
                ))),
            },
            Err(failure) => Err(failure),
        }
    }

    async fn update(&self, from: &Self, outputs: Self::Outputs, _cx: &StepContext) -> Result<Self::Outputs> {
        if from == self {
            return Ok(outputs);
        }
        Err(Failure::not_applied(
            format!("change the {} {}", W::NAME, self.object),
            format!("Swarm cannot change a {}", W::NAME),
        ))
    }

    async fn delete(&self, _outputs: Self::Outputs, cx: &StepContext) -> Result<()> {
        let mut managers = Managers::new(cx);
        let doing = format!("remove the {} {}", W::NAME, self.object);
        let mut wait = Wait::new(cx, doing, EVERY, DELETE_LIMIT);
        loop {
            // Removed by name, so that one which somebody else has made meanwhile is spared.
            match self.live(&mut managers).await? {
                Some(live) if labels::of_cluster(&live.spec.labels, &cx.ownership.cluster) => {}
                _ => return Ok(()),
            }
            match managers.remove_file(W::KIND, &self.object).await {
                Ok(()) => return Ok(()),
                Err(failure) if failure.code == Code::InUse => {
                    wait.tick("waiting until no service uses it any more").await?;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn find(&self, outputs: Option<Self::Outputs>, cx: &StepContext) -> Result<Option<Self::Outputs>> {
        let live = self.live(&mut Managers::new(cx)).await?;
        Ok(live
            .filter(|live| match outputs {
                Some(_) => labels::of_cluster(&live.spec.labels, &cx.ownership.cluster),
                None => labels::same_object(&live.spec.labels, &cx.ownership),
            })
            .map(|_| NoOutputs {}))
    }
}

#[cfg(test)]
mod tests {
    use subako_state::Address;

    use super::*;
    use crate::kinds::Secrets;
    use crate::kinds::testing;

    fn wanted() -> File<Secrets> {
        File::new(
            "pw-0123456789abcdef",
            Ref::to(Address::new("swarm", "sandbox"), "cluster_id"),
        )
    }

    fn sighted(change: impl FnOnce(&mut Vec<SwarmFile>)) -> Sighting {
        let mut view = testing::view();
        view.secrets = vec![SwarmFile {
            id: "x1".into(),
            spec: FileSpec {
                labels: labels::owned(&Default::default(), &testing::ownership("secret.pw", 0)),
                name: wanted().object,
            },
        }];
        // A config of the same name is another thing.
        view.configs = view.secrets.clone();
        change(&mut view.secrets);
        let item = testing::item("secret.pw", &wanted(), Some(&NoOutputs {}));
        testing::sight::<File<Secrets>>(&testing::survey_of_swarm(view), &item)
    }

    #[test]
    fn the_json_of_a_file_is_canonical() {
        testing::assert_canonical(&wanted());
    }

    #[test]
    fn a_file_is_there_gone_or_somebody_elses() {
        assert_eq!(sighted(|_| {}), Sighting::AsRecorded);
        assert_eq!(sighted(Vec::clear), Sighting::Absent);
        assert!(matches!(
            sighted(|files| files[0].spec.labels.clear()),
            Sighting::Foreign(_)
        ));
    }
}
