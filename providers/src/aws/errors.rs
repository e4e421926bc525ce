//! What to do about EC2's errors.

use super::classify::CREDENTIALS;
use super::operations::{Op, Scope};

/// By code: what to do. Codes that need the request's own words are in `instance`.
const HINTS: [(&str, &str); 23] = [
    (
        "AddressLimitExceeded",
        "an account has 5 elastic addresses in a region unless it asks for more: raise the quota \"EC2-VPC Elastic IPs\" in Service Quotas, or set public_ip = true on pools that need none",
    ),
    (
        "AuthFailure",
        "the credentials are wrong or belong to another partition: check `aws sts get-caller-identity`",
    ),
    (
        "InvalidClientTokenId",
        "the access key does not exist: check AWS_ACCESS_KEY_ID or the profile in AWS_PROFILE",
    ),
    (
        "UnrecognizedClientException",
        "the access key does not exist: check AWS_ACCESS_KEY_ID or the profile in AWS_PROFILE",
    ),
    (
        "SignatureDoesNotMatch",
        "the secret key does not belong to the access key: check AWS_SECRET_ACCESS_KEY or the profile",
    ),
    (
        "RequestExpired",
        "the session has expired or this machine's clock is wrong: log in again (for SSO `aws sso login`), and check the clock",
    ),
    (
        "ExpiredToken",
        "the session has expired: log in again (for SSO `aws sso login`)",
    ),
    (
        "ExpiredTokenException",
        "the session has expired: log in again (for SSO `aws sso login`)",
    ),
    (
        CREDENTIALS,
        "log in again (for SSO `aws sso login`), or set AWS_PROFILE to a profile that works",
    ),
    (
        "OptInRequired",
        "this account has not enabled the region or EC2: enable it in the console under Account, AWS Regions",
    ),
    (
        "PendingVerification",
        "AWS is still verifying the account for this region; try again later",
    ),
    ("Blocked", "AWS has blocked the account: contact AWS Support"),
    (
        "VcpuLimitExceeded",
        "the account's vCPU quota is used up: use fewer or smaller instances, or raise the quota \"Running On-Demand Standard instances\" in Service Quotas",
    ),
    (
        "InstanceLimitExceeded",
        "the account's instance quota is used up: use fewer instances, or raise it in Service Quotas",
    ),
    (
        "MaxSpotInstanceCountExceeded",
        "raise the quota in Service Quotas",
    ),
    (
        "VolumeLimitExceeded",
        "the account's gp3 storage quota is used up: use smaller disks, or raise it in Service Quotas",
    ),
    (
        "SecurityGroupLimitExceeded",
        "the VPC has as many security groups as its quota allows: delete unused ones, or raise the quota in Service Quotas",
    ),
    (
        "RulesPerSecurityGroupLimitExceeded",
        "a security group holds 60 rules a direction by default: use fewer ranges, or raise the quota in Service Quotas",
    ),
    (
        "InvalidSubnet.NotFound",
        "the subnet is not in this region and account: check `subnets` under [aws]",
    ),
    (
        "InvalidIPAddress.InUse",
        "the private address is taken: choose another in `private_ips`, or wait until the instance that has it is terminated",
    ),
    (
        "OperationNotPermitted",
        "the instance is protected against termination: set `protect = false` and apply first",
    ),
    (
        "DependencyViolation",
        "something still uses it: it can be deleted once that is gone",
    ),
    (
        "VolumeModificationRateExceeded",
        "a volume can be changed again six hours after its last change",
    ),
];

/// What to do about a code, if there is something to be said.
pub(super) fn hint(op: Op, code: Option<&str>, message: &str) -> Option<String> {
    let code = code?;
    if matches!(
        code,
        "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException"
    ) {
        let action = denied_action(message).or_else(|| op.action())?;
        let tags = if op.entry().scope == Scope::New && action.ends_with(op.name()) {
            " (and ec2:CreateTags in the same call)"
        } else {
            ""
        };
        return Some(format!(
            "these credentials lack {action}{tags}: have it allowed; the README has the least policy"
        ));
    }
    HINTS
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, hint)| (*hint).to_owned())
}

/// The action that EC2 names in "not authorized to perform: ec2:CreateTags on resource …".
fn denied_action(message: &str) -> Option<String> {
    let rest = message.split("perform: ").nth(1)?;
    let action: String = rest
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-'))
        .collect();
    action.contains(':').then_some(action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_action_that_is_missing() {
        let said = "User: arn:aws:iam::1:user/x is not authorized to perform: ec2:CreateTags on resource: arn:aws:ec2:::instance/*";
        let hint = hint(Op::RunInstances, Some("UnauthorizedOperation"), said).unwrap_or_default();
        assert!(hint.contains("lack ec2:CreateTags:"), "{hint}");
    }

    #[test]
    fn a_refusal_without_words_names_the_operations_own_action() {
        let said = "You are not authorized to perform this operation";
        let hint = hint(Op::TerminateInstances, Some("UnauthorizedOperation"), said).unwrap_or_default();
        assert!(hint.contains("lack ec2:TerminateInstances:"), "{hint}");
    }

    #[test]
    fn no_code_stands_in_the_table_twice() {
        for (index, (code, _)) in HINTS.iter().enumerate() {
            assert!(
                HINTS[index + 1..].iter().all(|(other, _)| other != code),
                "{code}"
            );
        }
    }
}
