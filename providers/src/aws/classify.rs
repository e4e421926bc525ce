//! What a failed attempt means: may it be repeated, and may it have changed the world?

use std::error::Error;
use std::time::SystemTime;

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::primitives::{DateTime, DateTimeFormat as Format};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// What may be done about it.
    pub(super) verdict: Verdict,
    /// EC2's code, where EC2 answered.
    pub(super) code: Option<String>,
    /// What was answered, or went wrong.
    pub(super) message: String,
    /// By how many seconds this machine's clock is ahead of EC2's, where EC2 answered.
    pub(super) ahead: Option<i64>,
}

/// What may be done about a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// EC2 refused it because of the pace: nothing changed, and it may be repeated later.
    Throttled,
    /// It never reached EC2: nothing changed, and it may be repeated.
    NotSent,
    /// It may have reached EC2, and the answer is lost or says nothing.
    Lost,
    /// EC2 (or the SDK) has answered, and would answer the same again.
    Refused,
}

const THROTTLING: [&str; 9] = [
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "EC2ThrottledException",
    "TooManyRequestsException",
    "SlowDown",
];

const TRANSIENT: [&str; 7] = [
    "InternalError",
    "InternalFailure",
    "ServerInternal",
    "ServiceUnavailable",
    "Unavailable",
    "RequestTimeout",
    "RequestTimeoutException",
];

/// Says what a failed attempt means.
pub(super) fn classify<E>(error: &SdkError<E, HttpResponse>) -> Trouble
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            let answer = context.err();
            let message = match answer.message() {
                Some(message) => tidy(message),
                None => format!("the answer had status {status} and no error in it that could be read"),
            };
            Trouble {
                verdict: of_answer(status, answer.code()),
                code: answer.code().map(str::to_owned),
                message,
                ahead: ahead(context.raw()),
            }
        }
        SdkError::ConstructionFailure(_) => own(Verdict::Refused, error),
        SdkError::DispatchFailure(failure) => {
            let text = chain(error);
            let credentials = text.contains("credential") || text.contains("identity");
            if credentials && !failure.is_io() && !failure.is_timeout() {
                Trouble {
                    verdict: Verdict::Refused,
                    code: Some(CREDENTIALS.to_owned()),
                    message: text,
                    ahead: None,
                }
            } else if never_sent(&text) {
                own(Verdict::NotSent, error)
            } else {
                own(Verdict::Lost, error)
            }
        }
        // A timeout of an attempt, or an answer that is no answer.
        _ => own(Verdict::Lost, error),
    }
}

/// By how many seconds this machine's clock is ahead of the one that stamped an answer.
fn ahead(answer: &HttpResponse) -> Option<i64> {
    let stamp = DateTime::from_str(answer.headers().get("date")?, Format::HttpDate).ok()?;
    let now = DateTime::from(SystemTime::now());
    Some(now.secs() - stamp.secs())
}

/// The code given to credentials that could not be had when a call needed them.
pub(super) const CREDENTIALS: &str = "CredentialsNotAvailable";

fn own<E: Error + 'static>(verdict: Verdict, error: &SdkError<E, HttpResponse>) -> Trouble {
    Trouble {
        verdict,
        code: None,
        message: chain(error),
        ahead: None,
    }
}

fn of_answer(status: u16, code: Option<&str>) -> Verdict {
    match code {
        Some(code) if THROTTLING.contains(&code) => Verdict::Throttled,
        // Capacity errors have the status of a server's fault, but are definite.
        Some(code) if code.starts_with("Insufficient") => Verdict::Refused,
        Some(code) if TRANSIENT.contains(&code) => Verdict::Lost,
        _ if status == 429 => Verdict::Throttled,
        _ if status >= 500 => Verdict::Lost,
        Some(_) => Verdict::Refused,
        // Every refusal of EC2's has a code: this came from something in between.
        None => Verdict::Lost,
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
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = tidy(&error.to_string());
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    parts.join(": ")
}

/// One line, no full stop, without the part that only AWS can read.
fn tidy(message: &str) -> String {
    let readable = match message.find("Encoded authorization failure message") {
        Some(at) => &message[..at],
        None => message,
    };
    let line = readable.split_whitespace().collect::<Vec<_>>().join(" ");
    line.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capacity_error_is_definite_although_its_status_is_500() {
        assert_eq!(
            of_answer(500, Some("InsufficientInstanceCapacity")),
            Verdict::Refused
        );
    }

    #[test]
    fn throttling_is_known_by_code_or_by_status() {
        assert_eq!(of_answer(503, Some("RequestLimitExceeded")), Verdict::Throttled);
        assert_eq!(of_answer(400, Some("Throttling")), Verdict::Throttled);
        assert_eq!(of_answer(429, None), Verdict::Throttled);
    }

    #[test]
    fn an_answer_that_is_not_ec2s_leaves_the_outcome_open() {
        assert_eq!(of_answer(503, None), Verdict::Lost);
        assert_eq!(of_answer(403, None), Verdict::Lost);
        assert_eq!(of_answer(500, Some("InternalError")), Verdict::Lost);
        assert_eq!(of_answer(403, Some("UnauthorizedOperation")), Verdict::Refused);
    }

    #[test]
    fn the_encoded_part_of_a_refusal_is_left_out() {
        let message =
            "You are not authorized to perform this operation. Encoded authorization failure message: abc";
        assert_eq!(tidy(message), "You are not authorized to perform this operation");
    }
}
