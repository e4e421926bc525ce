//! The exit codes: one table.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// An error before anything changed.
    Error,
    /// Changes are pending (`--detailed-exitcode`), something drifted (`--drift`) or is degraded
    /// (`status --check`), or what is kept does not hold (`state verify`).
    Changes,
    /// Failed, and everything was undone.
    RolledBack,
    /// Failed, or kept on request, and something remains.
    Remains,
    /// Refused: nothing was called that changes anything.
    Refused,
}

/// Every exit code and what it means, for `--help`.
pub const TABLE: [(Exit, u8, &str); 6] = [
    (Exit::Done, 0, "done, or nothing to do"),
    (Exit::Error, 1, "an error before anything changed"),
    (
        Exit::Changes,
        2,
        "changes are pending (plan --detailed-exitcode), something drifted (plan --drift) or is degraded (status --check), or the state does not hold (state verify)",
    ),
    (Exit::RolledBack, 3, "failed, and everything was undone"),
    (
        Exit::Remains,
        4,
        "failed, and something remains (see `recover`), was kept on request, or is not as before",
    ),
    (
        Exit::Refused,
        5,
        "refused: stale or edited plan, digest not as expected, lock held, protected, an invariant broken",
    ),
];

impl Exit {
    /// The code for the operating system.
    pub fn code(self) -> u8 {
        TABLE
            .iter()
            .find(|(exit, ..)| *exit == self)
            .map_or(1, |(_, code, _)| *code)
    }

    /// The table as text.
    pub fn help() -> String {
        let mut text = String::from("Exit codes:");
        for (_, code, meaning) in TABLE {
            text.push_str(&format!("\n  {code}  {meaning}"));
        }
        text
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_has_the_code_that_the_documentation_promises() {
        let promised = [
            (Exit::Done, 0),
            (Exit::Error, 1),
            (Exit::Changes, 2),
            (Exit::RolledBack, 3),
            (Exit::Remains, 4),
            (Exit::Refused, 5),
        ];
        for (exit, code) in promised {
            assert_eq!(exit.code(), code, "{exit:?}");
        }
        assert_eq!(Exit::help().lines().count(), TABLE.len() + 1);
    }
}
