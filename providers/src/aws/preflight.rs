//! Preflight: EC2's DryRun for each kind of call that a plan would make.

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::primitives::Blob;
use aws_sdk_ec2::types::{
    AttributeBooleanValue, AttributeValue, DomainType, InstanceCreditSpecificationRequest, ResourceType, Tag,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use futures::future::try_join_all;
use std::error::Error;
use subako_world::{
    Failure, PermissionFinding, PermissionVerdict as Verdict, PlannedCall, Port, Protocol, Result, Rule,
    Source,
};

use super::cloud::AwsCloud;
use super::convert::{all_tags, tag_specification};
use super::operations::Op;
use super::rules::permission;

impl AwsCloud {
    /// Asks EC2 about every call, without making any: all missing permissions at once.
    /// Fails only where EC2 cannot be asked.
    pub async fn preflight(&self, calls: &[PlannedCall]) -> Result<Vec<PermissionFinding>> {
        try_join_all(calls.iter().map(|call| self.ask(call))).await
    }

    async fn ask(&self, call: &PlannedCall) -> Result<PermissionFinding> {
        let ec2 = &self.inner.api;
        match call {
            PlannedCall::ImportKeyPair(request) => {
                let tags = all_tags(&request.tags, &request.ownership);
                self.dry(Op::ImportKeyPair, &request.name, || {
                    ec2.ec2
                        .import_key_pair()
                        .dry_run(true)
                        .key_name(&request.name)
                        .public_key_material(Blob::new(request.public_key.as_bytes()))
                        .tag_specifications(tag_specification(ResourceType::KeyPair, &tags))
                        .send()
                })
                .await
            }
            PlannedCall::DeleteKeyPair(name) => {
                self.dry(Op::DeleteKeyPair, name, || {
                    ec2.ec2.delete_key_pair().dry_run(true).key_name(name).send()
                })
                .await
            }
            PlannedCall::CreateSecurityGroup(request) => {
                let tags = all_tags(&request.tags, &request.ownership);
                self.dry(Op::CreateSecurityGroup, &request.name, || {
                    ec2.ec2
                        .create_security_group()
                        .dry_run(true)
                        .group_name(&request.name)
                        .description(&request.description)
                        .vpc_id(&request.vpc_id)
                        .tag_specifications(tag_specification(ResourceType::SecurityGroup, &tags))
                        .send()
                })
                .await
            }
            PlannedCall::AuthorizeIngress(id) => {
                self.dry(Op::AuthorizeSecurityGroupIngress, id, || {
                    ec2.ec2
                        .authorize_security_group_ingress()
                        .dry_run(true)
                        .group_id(id)
                        .ip_permissions(permission(&any_rule(), id, false))
                        .send()
                })
                .await
            }
            PlannedCall::DescribeIngress(id) => {
                self.dry(Op::UpdateSecurityGroupRuleDescriptionsIngress, id, || {
                    ec2.ec2
                        .update_security_group_rule_descriptions_ingress()
                        .dry_run(true)
                        .group_id(id)
                        .ip_permissions(permission(&any_rule(), id, true))
                        .send()
                })
                .await
            }
            PlannedCall::RevokeIngress(id) => {
                self.dry(Op::RevokeSecurityGroupIngress, id, || {
                    ec2.ec2
                        .revoke_security_group_ingress()
                        .dry_run(true)
                        .group_id(id)
                        .ip_permissions(permission(&any_rule(), id, false))
                        .send()
                })
                .await
            }
            PlannedCall::DeleteSecurityGroup(id) => {
                self.dry(Op::DeleteSecurityGroup, id, || {
                    ec2.ec2.delete_security_group().dry_run(true).group_id(id).send()
                })
                .await
            }
            PlannedCall::RunInstance(request) => {
                let doing = format!("ask whether {} may run", request.name);
                let device = self.inner.root_device(&request.image_id, &doing).await?;
                self.dry(Op::RunInstances, &request.name, || {
                    self.inner.run_request(request, &device).dry_run(true).send()
                })
                .await
            }
            PlannedCall::AllocateAddress(request) => {
                let tags = all_tags(&request.tags, &request.ownership);
                self.dry(Op::AllocateAddress, &request.ownership.address, || {
                    ec2.ec2
                        .allocate_address()
                        .dry_run(true)
                        .domain(DomainType::Vpc)
                        .tag_specifications(tag_specification(ResourceType::ElasticIp, &tags))
                        .send()
                })
                .await
            }
            other => self.ask_about_existing(other).await,
        }
    }

    async fn ask_about_existing(&self, call: &PlannedCall) -> Result<PermissionFinding> {
        let ec2 = &self.inner.api;
        match call {
            PlannedCall::StartInstance(id) => {
                self.dry(Op::StartInstances, id, || {
                    ec2.ec2.start_instances().dry_run(true).instance_ids(id).send()
                })
                .await
            }
            PlannedCall::StopInstance(id) => {
                self.dry(Op::StopInstances, id, || {
                    ec2.ec2.stop_instances().dry_run(true).instance_ids(id).send()
                })
                .await
            }
            PlannedCall::TerminateInstance(id) => {
                self.dry(Op::TerminateInstances, id, || {
                    ec2.ec2
                        .terminate_instances()
                        .dry_run(true)
                        .instance_ids(id)
                        .send()
                })
                .await
            }
            PlannedCall::AssociateAddress(id, instance) => {
                self.dry(Op::AssociateAddress, id, || {
                    ec2.ec2
                        .associate_address()
                        .dry_run(true)
                        .allocation_id(id)
                        .instance_id(instance)
                        .send()
                })
                .await
            }
            PlannedCall::ReleaseAddress(id) => {
                self.dry(Op::ReleaseAddress, id, || {
                    ec2.ec2.release_address().dry_run(true).allocation_id(id).send()
                })
                .await
            }
            PlannedCall::ModifyInstanceCredits(id) => {
                let credits = InstanceCreditSpecificationRequest::builder()
                    .instance_id(id)
                    .cpu_credits("standard")
                    .build();
                self.dry(Op::ModifyInstanceCreditSpecification, id, || {
                    ec2.ec2
                        .modify_instance_credit_specification()
                        .dry_run(true)
                        .instance_credit_specifications(credits.clone())
                        .send()
                })
                .await
            }
            PlannedCall::ModifyInstanceType(id, kind) => {
                self.dry(Op::ModifyInstanceAttribute, id, || {
                    ec2.ec2
                        .modify_instance_attribute()
                        .dry_run(true)
                        .instance_id(id)
                        .instance_type(AttributeValue::builder().value(kind).build())
                        .send()
                })
                .await
            }
            PlannedCall::ModifyVolume(id, gib) => {
                let size = i32::try_from(*gib).unwrap_or(i32::MAX);
                let doing = format!("ask whether the disk of {id} may grow");
                let seen = self.inner.see(id, &doing).await?;
                let Some(volume) = seen.and_then(|seen| seen.root_volume) else {
                    return Ok(PermissionFinding {
                        action: format!("ec2:{}", Op::ModifyVolume.name()),
                        about: id.clone(),
                        verdict: Verdict::Unclear("EC2 shows no root volume".to_owned()),
                    });
                };
                self.dry(Op::ModifyVolume, id, || {
                    ec2.ec2
                        .modify_volume()
                        .dry_run(true)
                        .volume_id(&volume)
                        .size(size)
                        .send()
                })
                .await
            }
            PlannedCall::SetTags(id) => {
                let tag = Tag::builder().key("Name").value(id).build();
                self.dry(Op::CreateTags, id, || {
                    ec2.ec2
                        .create_tags()
                        .dry_run(true)
                        .resources(id)
                        .tags(tag.clone())
                        .send()
                })
                .await
            }
            PlannedCall::RemoveTags(id) => {
                let tag = Tag::builder().key("Name").build();
                self.dry(Op::DeleteTags, id, || {
                    ec2.ec2
                        .delete_tags()
                        .dry_run(true)
                        .resources(id)
                        .tags(tag.clone())
                        .send()
                })
                .await
            }
            PlannedCall::ModifyInstance(id) => {
                let protect = AttributeBooleanValue::builder().value(true).build();
                self.dry(Op::ModifyInstanceAttribute, id, || {
                    ec2.ec2
                        .modify_instance_attribute()
                        .dry_run(true)
                        .instance_id(id)
                        .disable_api_termination(protect.clone())
                        .send()
                })
                .await
            }
            new => Err(Failure::not_applied(
                "ask EC2 for permissions",
                format!("{new:?} is about nothing that exists"),
            )),
        }
    }

    async fn dry<T, E, F>(&self, op: Op, about: &str, send: impl Fn() -> F) -> Result<PermissionFinding>
    where
        F: Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + 'static,
    {
        let doing = format!("ask EC2 whether {} is permitted", op.name());
        let verdict = match self.inner.api.call(op, &doing, send).await {
            // An API that does not know DryRun would have made the call.
            Ok(_) => Verdict::Unclear("the API made the call instead of only checking it".to_owned()),
            Err(failure) => match failure.service_code.as_deref() {
                Some("DryRunOperation") => Verdict::Allowed,
                Some("UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException") => {
                    Verdict::Denied(failure.hint.unwrap_or(failure.message))
                }
                Some(code) => Verdict::Unclear(format!("{code}: {}", failure.message)),
                None => return Err(failure),
            },
        };
        Ok(PermissionFinding {
            action: format!("ec2:{}", op.name()),
            about: about.to_owned(),
            verdict,
        })
    }
}

/// A rule to ask with; it is never made.
fn any_rule() -> Rule {
    Rule {
        description: String::new(),
        ports: Port { from: 22, to: 22 },
        protocol: Protocol::Tcp,
        source: Source::SelfGroup,
    }
}
