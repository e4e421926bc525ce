//! A case, its outcome, and running many.

use std::time::Duration;

use futures::future::BoxFuture;
use subako_world::{Certainty, Clock, Code, Failure, Result};

/// What a case found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The implementation does as it should.
    Passed,
    /// The counterpart cannot show it; the reason.
    Skipped(&'static str),
}

/// Why a case failed.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// A call failed that should not have.
    #[error("{0}")]
    Failure(Box<Failure>),
    /// The implementation did something else than it should.
    #[error("{0}")]
    Broken(String),
}

impl From<Failure> for CaseError {
    fn from(failure: Failure) -> Self {
        Self::Failure(Box::new(failure))
    }
}

/// The result of a case.
pub type Outcome = std::result::Result<Verdict, CaseError>;

/// A named case for a bench `B`.
#[derive(Clone, Copy)]
pub struct Case<B> {
    /// The name: a sentence.
    pub name: &'static str,
    /// The case itself.
    pub run: for<'a> fn(&'a B) -> BoxFuture<'a, Outcome>,
}

/// What became of a case.
#[derive(Debug)]
pub struct CaseReport {
    /// Its name.
    pub name: &'static str,
    /// Its outcome.
    pub outcome: Outcome,
}

impl CaseReport {
    /// Whether the implementation did not do as it should.
    pub fn failed(&self) -> bool {
        self.outcome.is_err()
    }
}

/// Runs every case, one after the other, on one bench.
pub async fn run<B>(cases: &[Case<B>], bench: &B) -> Vec<CaseReport> {
    let mut reports = Vec::with_capacity(cases.len());
    for case in cases {
        reports.push(CaseReport {
            name: case.name,
            outcome: (case.run)(bench).await,
        });
    }
    reports
}

/// Lists async functions as cases named after them.
macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        vec![$($crate::conformance::Case { name: stringify!($name), run: |bench| Box::pin($name(bench)) }),+]
    };
}
pub(super) use cases;

/// Ends the case as broken unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::conformance::CaseError::Broken(format!($($message)+)));
        }
    };
}
pub(super) use ensure;

/// Takes a refusal: the call must have failed, say that it changed nothing, and say why with
/// the code that every implementation has for it.
pub(super) fn refused<T>(
    what: &str,
    code: Code,
    result: Result<T>,
) -> std::result::Result<Failure, CaseError> {
    match result {
        Ok(_) => Err(CaseError::Broken(format!("{what} succeeded"))),
        Err(failure) if failure.certainty != Certainty::NotApplied => Err(CaseError::Broken(format!(
            "{what} is of unknown effect: {failure}"
        ))),
        Err(failure) if failure.code != code => Err(CaseError::Broken(format!(
            "{what} is refused as {}, not as {code}: {failure}",
            failure.code
        ))),
        Err(failure) => Ok(failure),
    }
}

/// The first wait between two looks, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Looks until there is an answer, soon at first and then every second, for at most `patience`.
pub(super) async fn eventually<T, F>(
    clock: &dyn Clock,
    patience: Duration,
    what: &str,
    mut look: impl FnMut() -> F,
) -> std::result::Result<T, CaseError>
where
    F: Future<Output = std::result::Result<Option<T>, CaseError>>,
{
    let begun = clock.now();
    let mut wait = FIRST_WAIT;
    loop {
        if let Some(answer) = look().await? {
            return Ok(answer);
        }
        if clock.now() >= begun + patience {
            return Err(CaseError::Broken(format!(
                "not within {} s: {what}",
                patience.as_secs()
            )));
        }
        clock.sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}
