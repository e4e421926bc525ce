//! Changes of an instance in place, and tags.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{AttributeBooleanValue, AttributeValue, InstanceCreditSpecificationRequest, Tag};
use subako_world::{CpuCredits, Failure, Instance, InstanceChange, Result, tag};

use super::cloud::Inner;
use super::convert::{filter, tag_list, text};
use super::operations::Op;
use super::survey::Volume;
use crate::codes::Ec2Code as _;

impl Inner {
    /// One ModifyInstanceAttribute an attribute (EC2 takes one at a time), protection first, so
    /// that a failure later on leaves an instance that is protected as wanted.
    pub(super) async fn modify_instance(&self, id: &str, change: &InstanceChange) -> Result<()> {
        let doing = format!("modify instance {id}");
        let mut changed = false;
        if let Some(protect) = change.protect {
            self.set_protection(id, protect, &doing).await?;
            changed = true;
        }
        let rest = self.modify_rest(id, change, &doing, &mut changed).await;
        rest.map_err(|failure| if changed { failure.after_effect() } else { failure })
    }

    async fn modify_rest(
        &self,
        id: &str,
        change: &InstanceChange,
        doing: &str,
        changed: &mut bool,
    ) -> Result<()> {
        if let Some(group) = &change.security_group_id {
            self.change(id, || {
                self.api.call(Op::ModifyInstanceAttribute, doing, || {
                    self.api
                        .ec2
                        .modify_instance_attribute()
                        .instance_id(id)
                        .groups(group)
                        .send()
                })
            })
            .await?;
            *changed = true;
        }
        if let Some(kind) = &change.instance_type {
            self.change(id, || {
                self.api.call(Op::ModifyInstanceAttribute, doing, || {
                    self.api
                        .ec2
                        .modify_instance_attribute()
                        .instance_id(id)
                        .instance_type(AttributeValue::builder().value(kind).build())
                        .send()
                })
            })
            .await
            .map_err(must_be_stopped)?;
            *changed = true;
        }
        if let Some(wanted) = change.cpu_credits {
            self.set_credits(id, wanted, doing).await?;
            *changed = true;
        }
        if change.disk_gib.is_none() && change.set_tags.is_empty() && change.remove_tags.is_empty() {
            return Ok(());
        }
        let Some(seen) = self.see(id, doing).await? else {
            return Err(Failure::not_applied(doing, "the instance does not exist")
                .with_ec2_code("InvalidInstanceID.NotFound"));
        };
        if let Some(gib) = change.disk_gib {
            let Some(volume) = &seen.root_volume else {
                return Err(Failure::not_applied(doing, "the instance has no root volume"));
            };
            self.grow(volume, gib, doing).await?;
            *changed = true;
        }
        if change.set_tags.is_empty() && change.remove_tags.is_empty() {
            return Ok(());
        }
        let mut tagged = vec![id.to_owned()];
        tagged.extend(self.own_volumes(&seen.instance, doing).await?);
        self.retag(&tagged, doing, &change.set_tags, &change.remove_tags)
            .await
    }

    /// The volumes of an instance that were made with it, by their tags: others that somebody
    /// attached have tags of their own.
    async fn own_volumes(&self, instance: &Instance, doing: &str) -> Result<Vec<String>> {
        let attached = [filter("attachment.instance-id", [&instance.id])];
        let volumes = self.volumes(&attached, doing).await?.into_iter();
        let same = |volume: &Volume| {
            volume.tags.contains_key(tag::CLUSTER)
                && volume.tags.get(tag::ADDRESS) == instance.tags.get(tag::ADDRESS)
        };
        Ok(volumes.filter(same).map(|volume| volume.id).collect())
    }

    pub(super) async fn set_protection(&self, id: &str, protect: bool, doing: &str) -> Result<()> {
        let value = AttributeBooleanValue::builder().value(protect).build();
        let set = self
            .change(id, || {
                self.api.call(Op::ModifyInstanceAttribute, doing, || {
                    self.api
                        .ec2
                        .modify_instance_attribute()
                        .instance_id(id)
                        .disable_api_termination(value.clone())
                        .send()
                })
            })
            .await;
        set.map(drop)
    }

    /// What an instance does without CPU credits. EC2 answers with those that it refused.
    async fn set_credits(&self, id: &str, wanted: CpuCredits, doing: &str) -> Result<()> {
        let request = InstanceCreditSpecificationRequest::builder()
            .instance_id(id)
            .cpu_credits(wanted.word())
            .build();
        let answer = self
            .change(id, || {
                self.api.call(Op::ModifyInstanceCreditSpecification, doing, || {
                    self.api
                        .ec2
                        .modify_instance_credit_specification()
                        .instance_credit_specifications(request.clone())
                        .send()
                })
            })
            .await?;
        let refused = answer.unsuccessful_instance_credit_specifications().first();
        let Some(error) = refused.and_then(|refused| refused.error()) else {
            return Ok(());
        };
        let code = error
            .code()
            .map(|code| code.as_str().to_owned())
            .unwrap_or_default();
        Err(Failure::not_applied(doing, text(error.message())).with_ec2_code(&code))
    }

    /// Makes a volume at least `gib` large. A volume is changed four times a day at most, so that a
    /// lost answer is settled by the size that the volume then has.
    async fn grow(&self, volume: &str, gib: u32, doing: &str) -> Result<()> {
        let large_enough = || async {
            let size = self.volume(volume, doing).await?;
            Ok(size.is_some_and(|(size, _)| size >= gib).then_some(()))
        };
        if large_enough().await?.is_some() {
            return Ok(());
        }
        let size = i32::try_from(gib).unwrap_or(i32::MAX);
        let send = || async {
            let grown = self.api.ec2.modify_volume().volume_id(volume).size(size).send();
            grown.await.map(drop)
        };
        self.api
            .settle(Op::ModifyVolume, doing, send, large_enough)
            .await?;
        // The new size is in effect once the volume is `optimizing`, usually within seconds, and shown
        // only then; what is optimized for hours after that is speed alone (EBS user guide, "Monitor
        // the progress of Amazon EBS volume modifications"). A change that was accepted comes.
        self.look_for_known(large_enough).await.map(drop)
    }

    /// Sets and removes tags on any objects, by id.
    pub(super) async fn retag(
        &self,
        ids: &[String],
        doing: &str,
        set: &BTreeMap<String, String>,
        remove: &[String],
    ) -> Result<()> {
        let Some(first) = ids.first() else {
            return Ok(());
        };
        if !set.is_empty() {
            self.change(first, || {
                self.api.call(Op::CreateTags, doing, || {
                    self.api
                        .ec2
                        .create_tags()
                        .set_resources(Some(ids.to_vec()))
                        .set_tags(Some(tag_list(set)))
                        .send()
                })
            })
            .await?;
        }
        if !remove.is_empty() {
            // A key without a value is removed whatever its value.
            let keys: Vec<Tag> = remove.iter().map(|key| Tag::builder().key(key).build()).collect();
            self.change(first, || {
                self.api.call(Op::DeleteTags, doing, || {
                    self.api
                        .ec2
                        .delete_tags()
                        .set_resources(Some(ids.to_vec()))
                        .set_tags(Some(keys.clone()))
                        .send()
                })
            })
            .await
            .map_err(|failure| {
                if set.is_empty() {
                    failure
                } else {
                    failure.after_effect()
                }
            })?;
        }
        Ok(())
    }
}

fn must_be_stopped(failure: Failure) -> Failure {
    match failure.service_code.as_deref() {
        Some("IncorrectInstanceState") => {
            failure.with_hint("the type changes only while the instance is stopped")
        }
        _ => failure,
    }
}
