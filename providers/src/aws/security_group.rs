//! Security groups. EC2 has no idempotency token for them: the name is unique in the VPC, the tag
//! says whose it is.

use aws_sdk_ec2::types::{self, Filter, ResourceType};
use subako_world::{Code, Failure, Result, Rule, SecurityGroup, SecurityGroupRequest, tag};

use super::cloud::Inner;
use super::convert::{all_tags, filter, next_page, tag_map, tag_specification, text};
use super::operations::Op;
use super::rules::{permission, rules};
use crate::codes::Ec2Code as _;

const DUPLICATE: &str = "InvalidGroup.Duplicate";

/// How many times a change of rules is corrected by what the group turns out to have.
const CORRECTIONS: usize = 4;

impl Inner {
    pub(super) async fn create_security_group(
        &self,
        request: &SecurityGroupRequest,
    ) -> Result<SecurityGroup> {
        let doing = format!("create security group {}", request.name);
        let tags = all_tags(&request.tags, &request.ownership);
        let find = || self.find_security_group(&request.vpc_id, &request.name);
        let ours = || async { own_group(self.look_again(find).await?, request, &doing) };
        let send = || async {
            self.api
                .ec2
                .create_security_group()
                .group_name(&request.name)
                .description(&request.description)
                .vpc_id(&request.vpc_id)
                .tag_specifications(tag_specification(ResourceType::SecurityGroup, &tags))
                .send()
                .await
                .map(|answer| SecurityGroup {
                    id: text(answer.group_id()),
                    name: request.name.clone(),
                    description: request.description.clone(),
                    vpc_id: request.vpc_id.clone(),
                    rules: Vec::new(),
                    tags: tags.clone(),
                })
        };
        let group = match self.api.settle(Op::CreateSecurityGroup, &doing, send, ours).await {
            Err(failure) if failure.code == Code::AlreadyExists => {
                let there = self.look_for_known(find).await?;
                own_group(there, request, &doing)?.ok_or(failure)?
            }
            result => result?,
        };
        self.born(&group.id);
        Ok(group)
    }

    pub(super) async fn security_group(&self, id: &str) -> Result<Option<SecurityGroup>> {
        let by_id = [filter("group-id", [id])];
        let doing = format!("read security group {id}");
        self.look_for(id, || async {
            Ok(self.security_groups(&by_id, &doing).await?.into_iter().next())
        })
        .await
    }

    pub(super) async fn find_security_group(
        &self,
        vpc_id: &str,
        name: &str,
    ) -> Result<Option<SecurityGroup>> {
        let by_name = [filter("vpc-id", [vpc_id]), filter("group-name", [name])];
        let groups = self
            .security_groups(&by_name, &format!("read security group {name}"))
            .await?;
        // A filter takes `*` and `?` for wildcards: only the exact name counts.
        Ok(groups.into_iter().find(|group| group.name == name))
    }

    /// All groups that the filters let through, sorted by id.
    pub(super) async fn security_groups(
        &self,
        filters: &[Filter],
        doing: &str,
    ) -> Result<Vec<SecurityGroup>> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let page = self
                .api
                .call(Op::DescribeSecurityGroups, doing, || {
                    self.api
                        .ec2
                        .describe_security_groups()
                        .set_filters(Some(filters.to_vec()))
                        .max_results(1000)
                        .set_next_token(next.clone())
                        .send()
                })
                .await?;
            found.extend(page.security_groups().iter().map(security_group));
            next = next_page(page.next_token());
            if next.is_none() {
                break;
            }
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }

    pub(super) async fn authorize_ingress(&self, group_id: &str, wanted: &[Rule]) -> Result<()> {
        let doing = format!("add rules to security group {group_id}");
        let mut missing = wanted.to_vec();
        for correction in 0.. {
            if missing.is_empty() {
                return Ok(());
            }
            let permissions: Vec<_> = missing
                .iter()
                .map(|rule| permission(rule, group_id, true))
                .collect();
            let added = self
                .change(group_id, || {
                    self.api.call(Op::AuthorizeSecurityGroupIngress, &doing, || {
                        self.api
                            .ec2
                            .authorize_security_group_ingress()
                            .group_id(group_id)
                            .set_ip_permissions(Some(permissions.clone()))
                            .send()
                    })
                })
                .await;
            // One rule that is there already makes EC2 refuse them all: send those that are not.
            match added {
                Err(failure)
                    if failure.service_code.as_deref() == Some("InvalidPermission.Duplicate")
                        && correction < CORRECTIONS =>
                {
                    let there = self.rules_of(group_id).await?;
                    missing.retain(|rule| !there.iter().any(|other| other.same_traffic(rule)));
                }
                result => return result.map(drop),
            }
        }
        Ok(())
    }

    /// EC2 changes all of them or none: one that is not there is `InvalidPermission.NotFound`.
    pub(super) async fn describe_ingress(&self, group_id: &str, rules: &[Rule]) -> Result<()> {
        if rules.is_empty() {
            return Ok(());
        }
        let doing = format!("describe rules of security group {group_id}");
        let permissions: Vec<_> = rules
            .iter()
            .map(|rule| permission(rule, group_id, true))
            .collect();
        self.change(group_id, || {
            self.api
                .call(Op::UpdateSecurityGroupRuleDescriptionsIngress, &doing, || {
                    self.api
                        .ec2
                        .update_security_group_rule_descriptions_ingress()
                        .group_id(group_id)
                        .set_ip_permissions(Some(permissions.clone()))
                        .send()
                })
        })
        .await
        .map(drop)
    }

    pub(super) async fn revoke_ingress(&self, group_id: &str, unwanted: &[Rule]) -> Result<()> {
        let doing = format!("remove rules from security group {group_id}");
        let mut there = unwanted.to_vec();
        for correction in 0.. {
            if there.is_empty() {
                return Ok(());
            }
            // EC2 wants no descriptions here, and takes wrong ones for another rule. Others that
            // speak its API want them as they stand, which is known after the first look.
            let permissions: Vec<_> = there
                .iter()
                .map(|rule| permission(rule, group_id, correction > 0))
                .collect();
            let removed = self
                .api
                .call(Op::RevokeSecurityGroupIngress, &doing, || {
                    self.api
                        .ec2
                        .revoke_security_group_ingress()
                        .group_id(group_id)
                        .set_ip_permissions(Some(permissions.clone()))
                        .send()
                })
                .await;
            let again = match &removed {
                // In a default VPC, rules that are not there are no error but listed in the answer.
                Ok(answer) => !answer.unknown_ip_permissions().is_empty(),
                Err(failure) => failure.service_code.as_deref() == Some("InvalidPermission.NotFound"),
            };
            if !again || correction == CORRECTIONS {
                return removed.map(drop);
            }
            let now = self.rules_of(group_id).await?;
            there = now
                .into_iter()
                .filter(|rule| unwanted.iter().any(|other| other.same_traffic(rule)))
                .collect();
        }
        Ok(())
    }

    async fn rules_of(&self, group_id: &str) -> Result<Vec<Rule>> {
        Ok(self
            .security_group(group_id)
            .await?
            .map(|group| group.rules)
            .unwrap_or_default())
    }

    /// An interface outlives its instance by some seconds, so that "still used" is asked again
    /// before it is believed, but only if every instance of the group is on its way out.
    pub(super) async fn delete_security_group(&self, id: &str) -> Result<()> {
        let doing = format!("delete security group {id}");
        let mut tries = 0;
        loop {
            let deleted = self
                .change(id, || {
                    self.api.call(Op::DeleteSecurityGroup, &doing, || {
                        self.api.ec2.delete_security_group().group_id(id).send()
                    })
                })
                .await;
            let failure = match deleted {
                Ok(_) => {
                    self.buried(id);
                    return Ok(());
                }
                Err(failure) if failure.code == Code::NotFound => {
                    self.buried(id);
                    return Ok(());
                }
                Err(failure) if failure.code == Code::InUse => failure,
                Err(failure) => return Err(failure),
            };
            let users = self.users_of_group(id).await?;
            tries += 1;
            if !users.is_empty() || tries >= self.api.tuning.attempts {
                return Err(still_used(failure, &users));
            }
            self.api.clock.sleep(self.api.tuning.backoff(tries)).await;
        }
    }

    /// Instances that use the group and are not terminated.
    async fn users_of_group(&self, id: &str) -> Result<Vec<String>> {
        let filters = [
            filter("instance.group-id", [id]),
            filter("instance-state-name", super::survey::NOT_TERMINATED),
        ];
        let seen = self
            .instances(&filters, &format!("read the instances of security group {id}"))
            .await?;
        Ok(seen.into_iter().map(|seen| seen.instance.id).collect())
    }
}

fn still_used(failure: Failure, users: &[String]) -> Failure {
    if users.is_empty() {
        return failure;
    }
    let hint = format!("it can be deleted once {} is terminated", users.join(", "));
    failure.with_hint(hint)
}

/// Whether the group of that name is the one that this request makes.
fn own_group(
    found: Option<SecurityGroup>,
    request: &SecurityGroupRequest,
    doing: &str,
) -> Result<Option<SecurityGroup>> {
    match found {
        Some(found) if found.tags.get(tag::TOKEN) == Some(&request.ownership.token) => Ok(Some(found)),
        Some(found) => Err(Failure::not_applied(
            doing,
            format!(
                "there is a security group of that name in {} already ({})",
                found.vpc_id, found.id
            ),
        )
        .with_ec2_code(DUPLICATE)
        .with_hint(
            "choose another `name` under [security_group], or delete the one in EC2 if nobody needs it",
        )),
        None => Ok(None),
    }
}

fn security_group(seen: &types::SecurityGroup) -> SecurityGroup {
    let id = text(seen.group_id());
    SecurityGroup {
        name: text(seen.group_name()),
        description: text(seen.description()),
        vpc_id: text(seen.vpc_id()),
        rules: rules(seen.ip_permissions(), &id),
        tags: tag_map(seen.tags()),
        id,
    }
}
