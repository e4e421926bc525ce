//! One case, from a world of its own to its verdict, in virtual time.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::case::{Case, Mode};
use super::verdict::{Verdict, Violation};
use super::{plans, runs};

/// Tries a case. A panic is a broken promise too.
pub fn try_case(case: &Case) -> Verdict {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let tried = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            match case.mode {
                Mode::Plans => plans::run(case).await,
                Mode::Runs => runs::run(case).await,
            }
        })
    }));
    tried.unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Verdict::Broken(Violation::new("nothing panics", said.unwrap_or_default()))
    })
}
