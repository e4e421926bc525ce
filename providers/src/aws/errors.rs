//! What to do about EC2's errors.

use subako_world::Code;

use super::classify::{CREDENTIALS, Trouble};
use super::operations::{Op, Scope};
use super::policy;
use crate::codes;

/// While a zone is in trouble EC2 may refuse to list instances (EC2 API reference,
/// DescribeInstances).
const EC2_IN_TROUBLE: &str = "EC2 is in trouble in this region, or one of its zones is: see https://health.aws.amazon.com; what is in the state is shown by `show` and `output` meanwhile";

/// By code: what to do. Codes that need the request's own words are in `instance`.
const HINTS: [(&str, &str); 28] = [
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
        "the instance is protected against termination: where the manifest says so, set `protect = false` and apply first; protection by somebody else is taken away with `aws ec2 modify-instance-attribute --no-disable-api-termination --instance-id ID`",
    ),
    (
        "DependencyViolation",
        "something still uses it: it can be deleted once that is gone",
    ),
    (
        "InvalidKey.Format",
        "EC2 takes ED25519 keys, and RSA keys of some lengths: make one with `ssh-keygen -t ed25519`",
    ),
    ("InternalError", EC2_IN_TROUBLE),
    ("ServiceUnavailable", EC2_IN_TROUBLE),
    ("Unavailable", EC2_IN_TROUBLE),
    (
        "IncorrectModificationState",
        "the volume's last change is still being optimized: apply again when `aws ec2 describe-volumes-modifications` says that it is completed",
    ),
    (
        "VolumeModificationRateExceeded",
        "EBS takes four changes of a volume in 24 hours: the next one has to wait",
    ),
];

/// A clock that is off by more seconds than this is what credentials are refused for (Signature
/// Version 4: requests are good for five minutes before and after their time).
const CLOCK: i64 = 240;

/// Regions that an account has to enable before any of its keys is known there: those opened since
/// 20 March 2019 (AWS Account Management guide, "Enable or disable AWS Regions in your account").
const OPT_IN: [&str; 17] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
];

/// Codes by which EC2 and the token service say that they do not know a key.
const UNKNOWN_KEY: [&str; 3] = [
    "AuthFailure",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
];

/// What to do about a failed attempt, if there is something to be said.
pub(super) fn hint(op: Op, trouble: &Trouble, region: &str) -> Option<String> {
    let code = trouble.code.as_deref()?;
    if matches!(
        code,
        "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException"
    ) {
        let action = denied_action(&trouble.message).or_else(|| op.action())?;
        return Some(lacks(op, &action));
    }
    let ahead = trouble.ahead.filter(|ahead| ahead.abs() > CLOCK);
    if let Some(ahead) = ahead
        && codes::of(code) == Code::Credentials
    {
        let side = if ahead > 0 { "ahead" } else { "behind" };
        return Some(format!(
            "this machine's clock is {} min {side} of AWS's, and AWS takes no request that is more than 5 min off: set it (`timedatectl set-ntp true`)",
            (ahead.abs() + 30) / 60
        ));
    }
    if UNKNOWN_KEY.contains(&code)
        && let Some(elsewhere) = elsewhere(region)
    {
        return Some(elsewhere);
    }
    HINTS
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, hint)| (*hint).to_owned())
}

/// Why a region may not know a key that is right elsewhere.
fn elsewhere(region: &str) -> Option<String> {
    if OPT_IN.contains(&region) {
        return Some(format!(
            "{region} knows only accounts that have enabled it: enable it in the console under Account, AWS Regions, or choose another `region` under [aws]; if it is enabled, the access key is wrong: `aws sts get-caller-identity --region us-east-1` says whose it is"
        ));
    }
    let partition = match region {
        region if region.starts_with("cn-") => "AWS China",
        region if region.starts_with("us-gov-") => "AWS GovCloud",
        _ => return None,
    };
    Some(format!(
        "{region} belongs to {partition}, which has accounts and keys of its own: set AWS_PROFILE to a profile of an account there, or choose another `region` under [aws]"
    ))
}

/// What has to be permitted, as a statement to be added to a policy.
fn lacks(op: Op, action: &str) -> String {
    let tags = if op.entry().scope == Scope::New && action.ends_with(op.name()) {
        " (and ec2:CreateTags in the same call)"
    } else {
        ""
    };
    let statement = match policy::statement(action) {
        Some(statement) => format!(": have {statement} added to their policy"),
        None => ": have it allowed".to_owned(),
    };
    format!("these credentials lack {action}{tags}{statement}; `docs/aws.md` has the minimal policy")
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
    use super::super::classify::Verdict;
    use super::*;

    fn said(op: Op, code: &str, message: &str, ahead: Option<i64>, region: &str) -> String {
        let trouble = Trouble {
            verdict: Verdict::Refused,
            code: Some(code.to_owned()),
            message: message.to_owned(),
            ahead,
        };
        hint(op, &trouble, region).unwrap_or_default()
    }

    #[test]
    fn a_clock_that_is_off_is_named_instead_of_the_key() {
        let code = "SignatureDoesNotMatch";
        let off = |ahead| said(Op::GetCallerIdentity, code, "", ahead, "us-east-1");
        assert!(off(Some(600)).contains("10 min ahead"), "{}", off(Some(600)));
        assert!(off(Some(-901)).contains("15 min behind"), "{}", off(Some(-901)));
        for fine in [Some(100), None] {
            assert!(off(fine).contains("secret key"), "{}", off(fine));
        }
        let other = said(
            Op::RunInstances,
            "InvalidParameterValue",
            "",
            Some(600),
            "us-east-1",
        );
        assert_eq!(other, "");
    }

    #[test]
    fn a_region_that_knows_no_key_is_named_before_the_key() {
        for (region, part) in [
            ("ap-east-1", "have enabled it"),
            ("cn-north-1", "AWS China"),
            ("us-gov-west-1", "AWS GovCloud"),
        ] {
            for code in UNKNOWN_KEY {
                let hint = said(Op::DescribeVpcs, code, "", None, region);
                assert!(hint.contains(region) && hint.contains(part), "{hint}");
            }
        }
        let hint = said(Op::DescribeVpcs, "InvalidClientTokenId", "", None, "eu-west-1");
        assert!(hint.contains("does not exist"), "{hint}");
    }

    #[test]
    fn a_refusal_names_the_action_that_is_missing() {
        let said = "User: arn:aws:iam::1:user/x is not authorized to perform: ec2:CreateTags on resource: arn:aws:ec2:::instance/*";
        let hint = self::said(Op::RunInstances, "UnauthorizedOperation", said, None, "");
        assert!(hint.contains("lack ec2:CreateTags: have {"), "{hint}");
    }

    #[test]
    fn a_refusal_without_words_names_the_operations_own_action() {
        let said = "You are not authorized to perform this operation";
        let hint = self::said(Op::TerminateInstances, "UnauthorizedOperation", said, None, "");
        assert!(
            hint.contains("lack ec2:TerminateInstances: have {")
                && hint.contains("aws:ResourceTag/subako:cluster"),
            "{hint}"
        );
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
