//! What EC2's error codes mean, for the adapter that calls EC2 and for its simulator.

use subako_world::{Code, Failure};

/// Codes by their whole text. Source: "Error codes for the Amazon EC2 API", and for credentials
/// "Common errors" of the same reference. Those that follow a rule are in [`of`].
const EC2: [(&str, Code); 51] = [
    ("AccessDenied", Code::Denied),
    ("AccessDeniedException", Code::Denied),
    ("AmbiguousSubnet", Code::Invalid),
    ("AuthFailure", Code::Credentials),
    ("Blocked", Code::Denied),
    ("CredentialsNotAvailable", Code::Credentials),
    ("CredentialsTimeout", Code::Credentials),
    ("DefaultVpcDoesNotExist", Code::NotFound),
    ("DependencyViolation", Code::InUse),
    ("EC2ThrottledException", Code::Throttled),
    ("ExpiredToken", Code::Credentials),
    ("ExpiredTokenException", Code::Credentials),
    ("IdempotentInstanceTerminated", Code::TokenSpent),
    ("IdempotentParameterMismatch", Code::TokenSpent),
    ("IncorrectInstanceState", Code::WrongState),
    ("IncorrectState", Code::WrongState),
    ("InstanceCreditSpecification.NotSupported", Code::Unsupported),
    ("InstanceTerminated", Code::WrongState),
    ("InstanceTimeout", Code::Timeout),
    ("InternalError", Code::Unavailable),
    ("InternalFailure", Code::Unavailable),
    ("InvalidAMIID.Unavailable", Code::NotFound),
    ("InvalidClientTokenId", Code::Credentials),
    ("InvalidCredentialsConfiguration", Code::Credentials),
    ("InvalidGroup.InUse", Code::InUse),
    ("InvalidIPAddress.InUse", Code::Taken),
    ("MissingParameter", Code::Invalid),
    ("NoCredentials", Code::Credentials),
    ("NoRegion", Code::Invalid),
    ("OperationNotPermitted", Code::Protected),
    ("OptInRequired", Code::Denied),
    ("PendingVerification", Code::Denied),
    ("RequestExpired", Code::Credentials),
    ("RequestLimitExceeded", Code::Throttled),
    ("RequestThrottled", Code::Throttled),
    ("RequestThrottledException", Code::Throttled),
    ("RequestTimeout", Code::Unavailable),
    ("RequestTimeoutException", Code::Unavailable),
    ("ServerInternal", Code::Unavailable),
    ("ServiceUnavailable", Code::Unavailable),
    ("SignatureDoesNotMatch", Code::Credentials),
    ("SlowDown", Code::Throttled),
    ("ThrottledException", Code::Throttled),
    ("Throttling", Code::Throttled),
    ("ThrottlingException", Code::Throttled),
    ("TooManyRequestsException", Code::Throttled),
    ("UnauthorizedOperation", Code::Denied),
    ("Unavailable", Code::Unavailable),
    ("UnrecognizedClientException", Code::Credentials),
    ("UnsupportedOperation", Code::Unsupported),
    ("VolumeModificationRateExceeded", Code::Quota),
];

/// What a code of EC2's means. A malformed id is one that names nothing.
pub(crate) fn of(code: &str) -> Code {
    if let Some((_, known)) = EC2.iter().find(|(text, _)| *text == code) {
        return *known;
    }
    match code {
        code if code.ends_with(".NotFound") || code.ends_with(".Malformed") => Code::NotFound,
        code if code.ends_with(".Duplicate") => Code::AlreadyExists,
        code if code.ends_with("LimitExceeded") => Code::Quota,
        code if code.ends_with("CountExceeded") => Code::Quota,
        code if code.starts_with("Insufficient") => Code::NoCapacity,
        code if code.starts_with("Unsupported") => Code::Unsupported,
        code if code.starts_with("Invalid") => Code::Invalid,
        _ => Code::Other,
    }
}

/// Failures with EC2's codes.
pub(crate) trait Ec2Code {
    /// Adds a code of EC2's, and what it means.
    #[must_use]
    fn with_ec2_code(self, code: &str) -> Self;
}

impl Ec2Code for Failure {
    fn with_ec2_code(self, code: &str) -> Self {
        self.with_code(of(code)).with_service_code(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_stands_in_the_table_twice() {
        assert!(EC2.is_sorted_by_key(|(text, _)| *text));
        assert!(EC2.windows(2).all(|pair| pair[0].0 != pair[1].0));
    }

    #[test]
    fn what_a_code_says_by_its_form_counts_where_the_table_has_it_not() {
        for (text, code) in [
            ("InvalidGroup.NotFound", Code::NotFound),
            ("InvalidAMIID.Malformed", Code::NotFound),
            ("InvalidKeyPair.Duplicate", Code::AlreadyExists),
            ("VcpuLimitExceeded", Code::Quota),
            ("RequestLimitExceeded", Code::Throttled),
            ("InsufficientInstanceCapacity", Code::NoCapacity),
            ("InvalidParameterValue", Code::Invalid),
            ("InvalidIPAddress.InUse", Code::Taken),
            ("DryRunOperation", Code::Other),
        ] {
            assert_eq!(of(text), code, "{text}");
        }
    }
}
