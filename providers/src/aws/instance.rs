//! Instances: run, read, start, stop.

use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types::{
    BlockDeviceMapping, CreditSpecificationRequest, EbsBlockDevice, HttpTokensState, InstanceAttributeName,
    InstanceMetadataEndpointState, InstanceMetadataOptionsRequest, InstanceNetworkInterfaceSpecification,
    InstanceType, ResourceType, VolumeType,
};
use subako_world::{
    Code, CpuCredits, Failure, Instance, InstanceRequest, InstanceState, NextCommand, Result, is_burstable,
    tag,
};

use super::cloud::Inner;
use super::convert::{Seen, all_tags, instance, tag_specification, tagged};
use super::operations::Op;
use crate::codes::Ec2Code as _;

/// EC2's own code for a token whose instance is gone; given here too where EC2 does not see it.
const TOKEN_SPENT: &str = "IdempotentInstanceTerminated";
/// The same for a token that was sent with another request.
const TOKEN_MISMATCH: &str = "IdempotentParameterMismatch";
const MISMATCH_HINT: &str =
    "an earlier run asked for something else with this token: undo that run, then plan again";

impl Inner {
    /// Runs one instance. One call each, although RunInstances can make many: the name, address
    /// and token tags differ from instance to instance, tags go into the creating call so that no
    /// instance ever exists untagged, and one ClientToken covers one call, so that a batch of
    /// which a part is lost could not be told apart.
    pub(super) async fn run_instance(&self, request: &InstanceRequest) -> Result<Instance> {
        let doing = format!("run instance {}", request.name);
        let token = &request.ownership.token;
        let root_device = self.root_device(&request.image_id, &doing).await?;
        let find = || async { own_instance(self.find_instance_by_token(token).await?, request, &doing) };
        // EC2 answers a token that it knows with the first instance. Others that speak its API
        // need not, and one look is cheap where this process has sent the token before.
        if !self.first_use(token)
            && let Some(first) = find().await?
        {
            return Ok(first);
        }
        let build = || self.run_request(request, &root_device);
        let send = || async {
            let answer = build().send().await?;
            Ok(answer
                .instances()
                .first()
                .and_then(instance)
                .map(|seen| seen.instance))
        };
        let look = || async { Ok(self.look_again(find).await?.map(Some)) };
        let begun = self.api.clock.now();
        let mut tries = 0;
        let started = loop {
            let started = self.api.settle(Op::RunInstances, &doing, &send, &look).await;
            let waited = self.api.clock.now().saturating_sub(begun);
            match started {
                // A part of EC2 may not know yet what another shows already (packer#3627): the
                // refused call has used up nothing, its token neither.
                Err(failure) if is_unseen(&failure) && waited < self.api.tuning.newborn => {
                    tries += 1;
                    self.api.clock.sleep(self.api.tuning.backoff(tries)).await;
                }
                started => break started.map_err(|failure| explain(failure, request))?,
            }
        };
        let running = match started {
            // EC2 may answer a token that it knows with success, whatever else was asked for.
            Some(running) => own_instance(Some(running), request, &doing)?,
            None => None,
        };
        let running = match running {
            Some(running) => running,
            None => self
                .look_again(find)
                .await?
                .ok_or_else(|| Failure::unknown(&doing, "the answer names no instance"))?,
        };
        self.born(&running.id);
        if let Some(public) = request.public_ip {
            self.asked_public(&running.id, public);
        }
        Ok(running)
    }

    /// The RunInstances call for a request.
    pub(super) fn run_request(
        &self,
        request: &InstanceRequest,
        root_device: &str,
    ) -> RunInstancesFluentBuilder {
        let tags = all_tags(&request.tags, &request.ownership);
        let disk = EbsBlockDevice::builder()
            .volume_type(VolumeType::Gp3)
            .volume_size(i32::try_from(request.disk_gib).unwrap_or(i32::MAX))
            .set_encrypted(request.disk_encrypted.then_some(true))
            .delete_on_termination(true);
        let root = BlockDeviceMapping::builder()
            .device_name(root_device)
            .ebs(disk.build());
        // One hop keeps containers on a bridge away from the instance's credentials.
        let metadata = InstanceMetadataOptionsRequest::builder()
            .http_endpoint(InstanceMetadataEndpointState::Enabled)
            .http_tokens(HttpTokensState::Required)
            .http_put_response_hop_limit(1);
        // A preflight asks before the group exists.
        let groups = (!request.security_group_id.is_empty()).then(|| vec![request.security_group_id.clone()]);
        let call = self
            .api
            .ec2
            .run_instances()
            .min_count(1)
            .max_count(1)
            .client_token(&request.ownership.token)
            .image_id(&request.image_id)
            .instance_type(InstanceType::from(request.instance_type.as_str()))
            .set_key_name(request.key_name.clone())
            .block_device_mappings(root.build())
            .metadata_options(metadata.build())
            .set_credit_specification(
                is_burstable(&request.instance_type).then(|| credits(request.cpu_credits)),
            )
            .set_disable_api_termination(request.protect.then_some(true))
            .tag_specifications(tag_specification(ResourceType::Instance, &tags))
            .tag_specifications(tag_specification(ResourceType::Volume, &tags))
            // What outlives its instance by mistake is found by its tags.
            .tag_specifications(tag_specification(ResourceType::NetworkInterface, &tags));
        match request.public_ip {
            None => call
                .subnet_id(&request.subnet_id)
                .set_security_group_ids(groups)
                .set_private_ip_address(request.private_ip.clone()),
            // Only an interface of its own can say something else than the subnet does.
            Some(public) => call.network_interfaces(
                InstanceNetworkInterfaceSpecification::builder()
                    .device_index(0)
                    .subnet_id(&request.subnet_id)
                    .set_groups(groups)
                    .set_private_ip_address(request.private_ip.clone())
                    .associate_public_ip_address(public)
                    .delete_on_termination(true)
                    .build(),
            ),
        }
    }

    pub(super) async fn find_instance_by_token(&self, token: &str) -> Result<Option<Instance>> {
        let filters = [tagged(tag::TOKEN, token)];
        let mut found = self
            .instances(&filters, &format!("find the instance with the token {token}"))
            .await?;
        // A stray second one would be terminated already: the living one counts.
        found.sort_by_key(|seen| is_going(seen.instance.state));
        Ok(found.into_iter().next().map(|seen| seen.instance))
    }

    /// One instance with its disk and protection: three calls, so that a survey is the better
    /// way to read many.
    pub(super) async fn instance(&self, id: &str) -> Result<Option<Instance>> {
        let doing = format!("read instance {id}");
        let Some(seen) = self.see(id, &doing).await? else {
            return Ok(None);
        };
        let mut instance = seen.instance;
        if let Some(volume) = &seen.root_volume
            && let Some((gib, encrypted)) = self.volume(volume, &doing).await?
        {
            instance.disk_gib = Some(gib);
            instance.disk_encrypted = Some(encrypted);
        }
        if !is_going(instance.state) {
            instance.protect = self.protection(id, &doing).await?;
        }
        Ok(Some(instance))
    }

    /// One instance as DescribeInstances shows it.
    pub(super) async fn see(&self, id: &str, doing: &str) -> Result<Option<Seen>> {
        self.look_for(id, || self.see_now(id, doing)).await
    }

    /// Asked for by its id, not by a filter: only so does EC2 answer while another zone is out.
    async fn see_now(&self, id: &str, doing: &str) -> Result<Option<Seen>> {
        let answer = self
            .api
            .call(Op::DescribeInstances, doing, || {
                self.api.ec2.describe_instances().instance_ids(id).send()
            })
            .await;
        match answer {
            Ok(answer) => {
                let reservations = answer.reservations().iter();
                Ok(reservations.flat_map(|r| r.instances()).find_map(instance))
            }
            Err(failure) if failure.code == Code::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn protection(&self, id: &str, doing: &str) -> Result<Option<bool>> {
        let answer = self
            .api
            .call(Op::DescribeInstanceAttribute, doing, || {
                self.api
                    .ec2
                    .describe_instance_attribute()
                    .instance_id(id)
                    .attribute(InstanceAttributeName::DisableApiTermination)
                    .send()
            })
            .await?;
        Ok(answer
            .disable_api_termination()
            .and_then(|attribute| attribute.value()))
    }

    pub(super) async fn start_instance(&self, id: &str) -> Result<()> {
        let doing = format!("start instance {id}");
        let started = self
            .change(id, || {
                self.api.call(Op::StartInstances, &doing, || {
                    self.api.ec2.start_instances().instance_ids(id).send()
                })
            })
            .await;
        started.map(drop)
    }

    pub(super) async fn stop_instance(&self, id: &str) -> Result<()> {
        let doing = format!("stop instance {id}");
        let stopped = self
            .change(id, || {
                self.api.call(Op::StopInstances, &doing, || {
                    self.api.ec2.stop_instances().instance_ids(id).send()
                })
            })
            .await;
        stopped.map(drop)
    }
}

/// Whether an instance is gone or going.
pub(super) fn is_going(state: InstanceState) -> bool {
    matches!(state, InstanceState::ShuttingDown | InstanceState::Terminated)
}

/// Whether a launch was refused for want of something that is made for it shortly before.
fn is_unseen(failure: &Failure) -> bool {
    matches!(
        failure.service_code.as_deref(),
        Some("InvalidGroup.NotFound" | "InvalidKeyPair.NotFound")
    )
}

/// Whether the instance of a token is the one that the request asks for, as EC2 itself checks:
/// there, not on its way out, and made from the same words.
fn own_instance(found: Option<Instance>, request: &InstanceRequest, doing: &str) -> Result<Option<Instance>> {
    let Some(found) = found else { return Ok(None) };
    if is_going(found.state) {
        let message = format!(
            "the instance that was run with this token ({}) is {}",
            found.id, found.state
        );
        return Err(Failure::not_applied(doing, message)
            .with_ec2_code(TOKEN_SPENT)
            .with_hint("plan again: the next plan replaces it under a new token"));
    }
    let differs = [
        ("image", &found.image_id, &request.image_id),
        ("type", &found.instance_type, &request.instance_type),
        ("subnet", &found.subnet_id, &request.subnet_id),
    ]
    .into_iter()
    .find(|(_, is, wanted)| is != wanted);
    match differs {
        None => Ok(Some(found)),
        Some((what, is, wanted)) => {
            let message = format!(
                "{} was run with this token and has the {what} {is}, not {wanted}",
                found.id
            );
            Err(Failure::not_applied(doing, message)
                .with_ec2_code(TOKEN_MISMATCH)
                .with_hint(MISMATCH_HINT)
                .with_next(NextCommand::RecoverBack))
        }
    }
}

/// T3 and T4g are unlimited unless told otherwise, which can cost more than the instance.
fn credits(wanted: CpuCredits) -> CreditSpecificationRequest {
    CreditSpecificationRequest::builder()
        .cpu_credits(wanted.word())
        .build()
}

/// Says what to try, in the words of the request.
fn explain(failure: Failure, request: &InstanceRequest) -> Failure {
    let (kind, zone) = (&request.instance_type, &request.zone);
    let hint = match failure.service_code.as_deref() {
        Some("InsufficientInstanceCapacity" | "InsufficientHostCapacity" | "InsufficientCapacity") => {
            format!(
                "AWS has no {kind} left in {zone} at the moment: name another zone in `availability_zones`, choose another `instance_type`, or try again later"
            )
        }
        Some("InsufficientFreeAddressesInSubnet") => format!(
            "{} has no free address left: name another subnet in `subnets`",
            request.subnet_id
        ),
        Some("Unsupported") => format!(
            "{zone} may not offer {kind}: name another zone in `availability_zones` or choose another `instance_type`"
        ),
        Some("InvalidParameterCombination") if failure.message.to_lowercase().contains("free tier") => {
            format!(
                "this account is on the free plan, which does not include {kind}: use t3.micro, t3.small, t4g.micro, t4g.small, c7i-flex.large or m7i-flex.large, or upgrade the account"
            )
        }
        Some("InvalidBlockDeviceMapping") => format!(
            "{} GiB may be less than the image needs: raise `disk_gib`",
            request.disk_gib
        ),
        Some(TOKEN_MISMATCH) => MISMATCH_HINT.to_owned(),
        Some("InvalidKeyPair.NotFound") => {
            "the key pair was deleted behind Subako's back: plan again".to_owned()
        }
        Some("InvalidAMIID.NotFound" | "InvalidAMIID.Unavailable") => format!(
            "{} is no longer there: plan with `--replace` for the instance to look up the newest image",
            request.image_id
        ),
        _ => return failure,
    };
    let mut failure = failure;
    if failure
        .service_code
        .as_deref()
        .is_some_and(|code| code.starts_with("Insufficient"))
        && !failure.message.contains(zone)
    {
        failure.message = format!("{} ({kind} in {zone})", failure.message);
    }
    failure.with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_t_types_have_cpu_credits() {
        for (kind, burstable) in [
            ("t2.micro", true),
            ("t4g.small", true),
            ("m5.large", false),
            ("trn1.2xlarge", false),
        ] {
            assert_eq!(is_burstable(kind), burstable, "{kind}");
        }
    }
}
