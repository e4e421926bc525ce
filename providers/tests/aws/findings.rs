//! Preflight.

use subako_engine::world::Cloud;
use subako_world::PermissionVerdict as Verdict;
use subako_world::PlannedCall;

use super::proxy::Fault;
use super::support::*;

#[tokio::test]
async fn preflight_names_every_missing_permission_and_makes_nothing() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let name = cluster("pre");
    let (found, group, one) = with_instance(&cloud, &name).await;
    let key = key_request(&name);
    let next = instance_request(&name, "two", &found, &group.id);
    let calls = [
        PlannedCall::ImportKeyPair(key.clone()),
        PlannedCall::CreateSecurityGroup(group_request(&format!("{name}-b"), &found.vpc_id)),
        PlannedCall::AuthorizeIngress(group.id.clone()),
        PlannedCall::RevokeIngress(group.id.clone()),
        PlannedCall::RunInstance(Box::new(next)),
        PlannedCall::ModifyInstance(one.id.clone()),
        PlannedCall::ModifyInstanceType(one.id.clone(), "t3.small".to_owned()),
        PlannedCall::StopInstance(one.id.clone()),
        PlannedCall::StartInstance(one.id.clone()),
        PlannedCall::TerminateInstance(one.id.clone()),
        PlannedCall::SetTags(one.id.clone()),
        PlannedCall::RemoveTags(one.id.clone()),
        PlannedCall::DeleteSecurityGroup(group.id.clone()),
        PlannedCall::DeleteKeyPair(key.name.clone()),
    ];
    let refusal =
        "User: arn:aws:iam::123456789012:user/x is not authorized to perform: ec2:CreateTags on resource: *";
    proxy.fault(
        "RunInstances",
        2,
        1,
        Fault::error(403, "UnauthorizedOperation", refusal),
    );
    proxy.fault(
        "DeleteKeyPair",
        1,
        1,
        Fault::error(403, "UnauthorizedOperation", "No."),
    );
    let findings = cloud.preflight(&calls).await.unwrap();
    assert_eq!(findings.len(), calls.len());
    let denied: Vec<(&str, &str)> = findings
        .iter()
        .filter_map(|finding| match &finding.verdict {
            Verdict::Denied(text) => Some((finding.action.as_str(), text.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(denied.len(), 2, "{findings:?}");
    assert_eq!(denied[0].0, "ec2:RunInstances");
    assert!(denied[0].1.contains("ec2:CreateTags"), "{denied:?}");
    assert_eq!(denied[1].0, "ec2:DeleteKeyPair");
    for finding in &findings {
        if finding.action != "ec2:RunInstances" && finding.action != "ec2:DeleteKeyPair" {
            assert_eq!(finding.verdict, Verdict::Allowed, "{finding:?}");
        }
    }
    let bodies = proxy.bodies("RunInstances");
    assert!(bodies[1].contains("DryRun=true"));
    assert_eq!(ever_run(&by_hand(&moto).await, &name).await.len(), 1);
    assert_eq!(cloud.find_key_pair(&key.name).await.unwrap(), None);
    assert!(cloud.security_group(&group.id).await.unwrap().is_some());
    clean_up(&cloud, &name).await.unwrap();
}
