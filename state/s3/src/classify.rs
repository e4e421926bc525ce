//! What a failed attempt means: may it be repeated, and may it have had an effect?

use std::error::Error;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use subako_state::Trouble;

/// Codes with which S3 refuses for the moment, and has done nothing.
const BUSY: [&str; 6] = [
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequests",
    "ConditionalRequestConflict",
];

/// Codes with which S3 says that it does not know.
const UNSURE: [&str; 4] = [
    "InternalError",
    "ServiceUnavailable",
    "RequestTimeout",
    "OperationAborted",
];

/// What is done about an answer, for people.
fn help(code: &str) -> Option<&'static str> {
    Some(match code {
        "NoSuchBucket" => {
            "create the bucket (in the region that [state] names), or correct `bucket` under [state]"
        }
        "AccessDenied" | "AllAccessDisabled" => {
            "the credentials have to be allowed to read, write, delete and list below the prefix: see \"The policy\" in docs/state.md"
        }
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => {
            "the credentials have expired: log in again (for SSO `aws sso login`)"
        }
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" => {
            "the service does not know these credentials: set AWS_PROFILE, or run `aws configure`"
        }
        "RequestTimeTooSkewed" => "set this machine's clock",
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
            "the bucket is in another region: correct `region` under [state]"
        }
        "NotImplemented" => {
            "the service does not know conditional writes, without which a state cannot be shared: use another"
        }
        _ => return None,
    })
}

/// Says what a failed attempt means.
pub(crate) fn classify<E>(error: &SdkError<E, HttpResponse>) -> Trouble
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(context) => {
            let answer = context.err();
            of_answer(context.raw().status().as_u16(), answer.code(), answer.message())
        }
        SdkError::ConstructionFailure(_) => Trouble::Refused {
            why: chain(error),
            help: None,
        },
        SdkError::DispatchFailure(failure) => {
            let text = chain(error);
            let credentials = text.contains("credential") || text.contains("identity");
            if credentials && !failure.is_io() && !failure.is_timeout() {
                Trouble::Refused {
                    why: text,
                    help: help("ExpiredToken").map(str::to_owned),
                }
            } else if never_sent(&text) {
                Trouble::Busy(text)
            } else {
                Trouble::Lost(text)
            }
        }
        // A timeout of an attempt, or an answer that is no answer.
        _ => Trouble::Lost(chain(error)),
    }
}

fn of_answer(status: u16, code: Option<&str>, message: Option<&str>) -> Trouble {
    let said = match (code, message) {
        (Some(code), Some(message)) => format!("{code}: {}", message.trim_end_matches('.')),
        (Some(code), None) => code.to_owned(),
        (None, _) => format!("the answer had status {status} and no error in it that could be read"),
    };
    match code {
        _ if status == 412 => Trouble::Unmet,
        // Under a condition on an entity tag: there is nothing with it.
        Some("NoSuchKey") => Trouble::Unmet,
        Some(code) if BUSY.contains(&code) => Trouble::Busy(said),
        Some(code) if UNSURE.contains(&code) => Trouble::Lost(said),
        _ if status == 429 || status == 409 => Trouble::Busy(said),
        Some("NotImplemented") => refused(said, "NotImplemented"),
        _ if status >= 500 => Trouble::Lost(said),
        Some(code) => refused(said, code),
        // Every refusal of S3's has a code: this came from something in between.
        None => Trouble::Lost(said),
    }
}

fn refused(why: String, code: &str) -> Trouble {
    Trouble::Refused {
        why,
        help: help(code).map(str::to_owned),
    }
}

/// Whether the connection never came about, by the texts of hyper and of the connector's own
/// timeout, which offer no type to ask.
fn never_sent(text: &str) -> bool {
    [
        "(Connect)",
        "HTTP connect timeout",
        "dns error",
        "tcp connect error",
    ]
    .iter()
    .any(|mark| text.contains(mark))
}

/// The error and its sources in one line, without repetitions.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_does_not_hold_is_not_a_conflict_of_two_writes() {
        assert_eq!(of_answer(412, Some("PreconditionFailed"), None), Trouble::Unmet);
        assert_eq!(of_answer(412, None, None), Trouble::Unmet);
        assert_eq!(of_answer(404, Some("NoSuchKey"), None), Trouble::Unmet);
        let conflict = of_answer(409, Some("ConditionalRequestConflict"), Some("Try again."));
        let said = "ConditionalRequestConflict: Try again";
        assert_eq!(conflict, Trouble::Busy(said.to_owned()));
    }

    #[test]
    fn an_answer_that_says_nothing_leaves_the_outcome_open() {
        for (status, code) in [
            (500, Some("InternalError")),
            (500, None),
            (502, None),
            (503, Some("ServiceUnavailable")),
            (403, None),
            (400, Some("RequestTimeout")),
        ] {
            let trouble = of_answer(status, code, None);
            assert!(
                matches!(trouble, Trouble::Lost(_)),
                "{status} {code:?}: {trouble:?}"
            );
        }
        assert!(matches!(of_answer(503, Some("SlowDown"), None), Trouble::Busy(_)));
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        for code in ["AccessDenied", "NoSuchBucket", "ExpiredToken", "NotImplemented"] {
            match of_answer(if code == "NotImplemented" { 501 } else { 403 }, Some(code), None) {
                Trouble::Refused { why, help: Some(_) } => assert_eq!(why, code),
                other => panic!("{code}: {other:?}"),
            }
        }
    }
}
