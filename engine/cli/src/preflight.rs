//! Which calls a plan would make, for EC2's DryRun; and what EC2 said.

use std::collections::{BTreeMap, BTreeSet};

use subako_engine::kinds::{Instance, InstanceOutputs, KeyPair, SecurityGroup, SecurityGroupOutputs};
use subako_engine::plan::{Action, Plan, Step};
use subako_engine::world::{InstanceRequest, KeyPairRequest, NextCommand, Ownership, SecurityGroupRequest};
use subako_providers::aws::{AwsCloud, PermissionFinding, PlannedCall, Verdict};
use subako_state::Json;

use crate::error::{CliError, Result};
use crate::hint::Hint;
use crate::ui::Ui;

/// Asks EC2 about each kind of call of the plan, and says everything that is missing at once.
pub async fn report(cloud: &AwsCloud, plan: &Plan, ui: &Ui) -> Result<()> {
    let found = ask(cloud, plan).await?;
    for finding in &found {
        if let Verdict::Unclear(why) = &finding.verdict {
            ui.warn(&format!(
                "EC2 does not say whether {} is permitted on {}: {why}",
                finding.action, finding.about
            ));
        }
    }
    refuse_missing(&found)?;
    let asked: BTreeSet<&str> = found.iter().map(|finding| finding.action.as_str()).collect();
    ui.say(&format!(
        "Preflight: EC2 was asked about {} kinds of calls, and refuses none.",
        asked.len()
    ));
    Ok(())
}

/// The same before an apply, without a word unless something is missing: what EC2 leaves open is
/// said by the call itself.
pub async fn guard(cloud: &AwsCloud, plan: &Plan) -> Result<()> {
    refuse_missing(&ask(cloud, plan).await?)
}

async fn ask(cloud: &AwsCloud, plan: &Plan) -> Result<Vec<PermissionFinding>> {
    let mut calls = Vec::new();
    for step in &plan.steps {
        calls.extend(of_step(plan, step)?);
    }
    Ok(cloud.preflight(&once_each(calls)).await?)
}

fn refuse_missing(found: &[PermissionFinding]) -> Result<()> {
    let mut missing: BTreeMap<&str, &str> = BTreeMap::new();
    for finding in found {
        if let Verdict::Denied(why) = &finding.verdict {
            missing.entry(&finding.action).or_insert(why);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let permissions = match missing.len() {
        1 => "a permission".to_owned(),
        many => format!("{many} permissions"),
    };
    let mut error = CliError::new(format!(
        "these credentials lack {permissions} that the plan needs; nothing was changed"
    ));
    for (action, why) in missing {
        error = error.help(format!("{action}: {why}"));
    }
    Err(error.help(Hint::run(NextCommand::Policy, " prints the least policy")))
}

/// Calls that ask for the same permission in the same way are asked about once.
fn once_each(calls: Vec<PlannedCall>) -> Vec<PlannedCall> {
    let mut seen = BTreeSet::new();
    calls
        .into_iter()
        .filter(|call| {
            seen.insert(match call {
                PlannedCall::RunInstance(request) => format!(
                    "run {} {} {}",
                    request.image_id, request.instance_type, request.subnet_id
                ),
                PlannedCall::StartInstance(_) => "start".to_owned(),
                PlannedCall::StopInstance(_) => "stop".to_owned(),
                PlannedCall::TerminateInstance(_) => "terminate".to_owned(),
                PlannedCall::SetTags(_) => "tag".to_owned(),
                PlannedCall::RemoveTags(_) => "untag".to_owned(),
                other => format!("{other:?}"),
            })
        })
        .collect()
}

fn read<T: serde::de::DeserializeOwned>(json: Option<&Json>) -> Result<Option<T>> {
    let Some(json) = json else { return Ok(None) };
    serde_json::from_str(json.as_str())
        .map(Some)
        .map_err(|error| CliError::new(format!("failed to read a step of the plan: {error}")))
}

fn of_step(plan: &Plan, step: &Step) -> Result<Vec<PlannedCall>> {
    let ownership = Ownership {
        cluster: plan.cluster.clone(),
        address: step.address.to_string(),
        generation: step.generation,
        token: "preflight".to_owned(),
    };
    match step.address.kind() {
        "key_pair" => key_pair(step, ownership),
        "security_group" => security_group(step, ownership),
        "instance" => instance(plan, step, ownership),
        _ => Ok(Vec::new()),
    }
}

fn key_pair(step: &Step, ownership: Ownership) -> Result<Vec<PlannedCall>> {
    let (before, after) = (
        read::<KeyPair>(step.spec_before())?,
        read::<KeyPair>(step.spec_after())?,
    );
    Ok(match (step.action(), before, after) {
        (Action::Create, _, Some(key)) => vec![PlannedCall::ImportKeyPair(KeyPairRequest {
            name: key.name,
            public_key: key.public_key,
            tags: key.tags,
            ownership,
        })],
        (Action::Delete, Some(key), _) => vec![PlannedCall::DeleteKeyPair(key.name)],
        _ => Vec::new(),
    })
}

fn security_group(step: &Step, ownership: Ownership) -> Result<Vec<PlannedCall>> {
    let id = read::<SecurityGroupOutputs>(step.outputs_before())?.map(|outputs| outputs.group_id);
    let after = read::<SecurityGroup>(step.spec_after())?;
    Ok(match (step.action(), id, after) {
        // Whether rules may be added to it cannot be asked before it exists: the least policy
        // permits that only on groups that carry the cluster's tags.
        (Action::Create, _, Some(group)) => vec![PlannedCall::CreateSecurityGroup(SecurityGroupRequest {
            name: group.name,
            description: group.description,
            vpc_id: group.vpc_id,
            tags: group.tags,
            ownership,
        })],
        (Action::Update, Some(id), _) => {
            let mut calls = Vec::new();
            for change in &step.changes {
                if change.path.starts_with("rules") {
                    calls.push(PlannedCall::AuthorizeIngress(id.clone()));
                    calls.push(PlannedCall::RevokeIngress(id.clone()));
                } else if change.path.starts_with("tags") {
                    calls.push(PlannedCall::SetTags(id.clone()));
                }
            }
            calls
        }
        (Action::Delete, Some(id), _) => vec![PlannedCall::DeleteSecurityGroup(id)],
        _ => Vec::new(),
    })
}

fn instance(plan: &Plan, step: &Step, ownership: Ownership) -> Result<Vec<PlannedCall>> {
    let id = read::<InstanceOutputs>(step.outputs_before())?.map(|outputs| outputs.instance_id);
    let after = read::<Instance>(step.spec_after())?;
    Ok(match (step.action(), id, after) {
        (Action::Create, _, Some(wanted)) => {
            // A group that the plan makes does not exist yet: EC2 is asked without one, which
            // means the VPC's default group.
            let group = wanted.security_group.value().unwrap_or_default();
            let makes_key = plan
                .steps
                .iter()
                .any(|step| step.address.kind() == "key_pair" && step.action() == Action::Create);
            vec![PlannedCall::RunInstance(Box::new(InstanceRequest {
                security_group_id: group.to_owned(),
                key_name: wanted.key_name.filter(|_| !makes_key),
                name: wanted.name,
                image_id: wanted.image_id,
                instance_type: wanted.instance_type,
                subnet_id: wanted.subnet_id,
                zone: wanted.zone,
                private_ip: wanted.private_ip,
                public_ip: wanted.public_ip,
                disk_gib: wanted.disk_gib,
                disk_encrypted: wanted.disk_encrypted,
                protect: wanted.protect,
                tags: wanted.tags,
                ownership,
            }))]
        }
        (Action::Update, Some(id), Some(wanted)) => {
            let mut calls = Vec::new();
            for change in &step.changes {
                let path = change.path.as_str();
                match path.split('.').next().unwrap_or(path) {
                    "running" => calls.push(PlannedCall::StartInstance(id.clone())),
                    "instance_type" => calls.extend([
                        PlannedCall::StopInstance(id.clone()),
                        PlannedCall::ModifyInstanceType(id.clone(), wanted.instance_type.clone()),
                        PlannedCall::StartInstance(id.clone()),
                    ]),
                    "tags" => calls.push(PlannedCall::SetTags(id.clone())),
                    "protect" | "security_group" => calls.push(PlannedCall::ModifyInstance(id.clone())),
                    _ => {}
                }
            }
            calls
        }
        (Action::Delete, Some(id), _) => vec![PlannedCall::TerminateInstance(id)],
        _ => Vec::new(),
    })
}
