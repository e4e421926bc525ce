//! Who runs this process: what the lock says of its holder, and the history of who wrote a state.

use std::ffi::OsString;

use subako_state::Holder;

use crate::hint::Invocation;
use crate::render::date;

/// A CI's variables.
struct Ci {
    /// The one that is set in its jobs and nowhere else.
    mark: &'static str,
    /// Pieces of the address of a job, one after the other.
    url: &'static [Piece],
    /// Who started it.
    user: Option<&'static str>,
}

enum Piece {
    /// The value of a variable.
    Of(&'static str),
    /// A text.
    Text(&'static str),
}

use Piece::{Of, Text};

/// The CIs that say where a run of theirs is shown, by the variables that each documents. Forgejo and
/// Gitea set those of GitHub. The more special one comes first.
const CIS: [Ci; 9] = [
    Ci {
        mark: "GITHUB_RUN_ID",
        url: &[
            Of("GITHUB_SERVER_URL"),
            Text("/"),
            Of("GITHUB_REPOSITORY"),
            Text("/actions/runs/"),
            Of("GITHUB_RUN_ID"),
        ],
        user: Some("GITHUB_ACTOR"),
    },
    Ci {
        mark: "CI_JOB_URL",
        url: &[Of("CI_JOB_URL")],
        user: Some("GITLAB_USER_LOGIN"),
    },
    Ci {
        mark: "BUILDKITE_BUILD_URL",
        url: &[Of("BUILDKITE_BUILD_URL")],
        user: Some("BUILDKITE_BUILD_CREATOR"),
    },
    Ci {
        mark: "CIRCLE_BUILD_URL",
        url: &[Of("CIRCLE_BUILD_URL")],
        user: Some("CIRCLE_USERNAME"),
    },
    Ci {
        mark: "BITBUCKET_BUILD_NUMBER",
        url: &[
            Of("BITBUCKET_GIT_HTTP_ORIGIN"),
            Text("/pipelines/results/"),
            Of("BITBUCKET_BUILD_NUMBER"),
        ],
        user: None,
    },
    Ci {
        mark: "TF_BUILD",
        url: &[
            Of("SYSTEM_COLLECTIONURI"),
            Of("SYSTEM_TEAMPROJECT"),
            Text("/_build/results?buildId="),
            Of("BUILD_BUILDID"),
        ],
        user: Some("BUILD_REQUESTEDFOR"),
    },
    Ci {
        mark: "CI_PIPELINE_URL",
        url: &[Of("CI_PIPELINE_URL")],
        user: Some("CI_COMMIT_AUTHOR"),
    },
    Ci {
        mark: "DRONE_BUILD_LINK",
        url: &[Of("DRONE_BUILD_LINK")],
        user: Some("DRONE_COMMIT_AUTHOR"),
    },
    Ci {
        mark: "JENKINS_URL",
        url: &[Of("BUILD_URL")],
        user: None,
    },
];

/// This process as a holder of the lock, busy with `command`.
pub fn this_process(command: &str, typed: &Invocation) -> Holder {
    holder(command, typed, &|name| std::env::var_os(name))
}

fn holder(command: &str, typed: &Invocation, env: &dyn Fn(&str) -> Option<OsString>) -> Holder {
    let value = |name: &str| {
        let value = env(name)?.into_string().ok()?;
        (!value.is_empty()).then_some(value)
    };
    let ci = CIS.iter().find(|ci| value(ci.mark).is_some());
    let started_by = ci.and_then(|ci| value(ci.user?));
    Holder {
        pid: std::process::id(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        command: command.to_owned(),
        since: date::rfc3339(std::time::SystemTime::now()),
        user: started_by.or_else(|| value("USER")).or_else(|| value("LOGNAME")),
        line: Some(typed.without_values()),
        run_url: ci.and_then(|ci| url(ci, &value)),
    }
}

/// The address of a CI's run; `None` if a variable that it takes is missing.
fn url(ci: &Ci, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let pieces = ci.url.iter().map(|piece| match piece {
        Of(name) => value(name),
        Text(text) => Some((*text).to_owned()),
    });
    pieces.collect()
}

/// Who that is, for people: the user, and the machine.
pub fn name(holder: &Holder) -> String {
    match &holder.user {
        Some(user) => format!("{user} on {}", holder.host),
        None => holder.host.clone(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::Cli;

    fn held(typed: &[&str], env: &[(&str, &str)]) -> Holder {
        let cli = Cli::try_parse_from(["subako"].iter().chain(typed)).expect("valid");
        let typed = Invocation::new(typed.iter().map(|word| (*word).to_owned()), &cli.global);
        holder("apply", &typed, &|name| {
            let found = env.iter().find(|(key, _)| *key == name)?;
            Some(found.1.into())
        })
    }

    #[test]
    fn a_ci_run_is_named_by_its_address_and_by_who_started_it() {
        let github = [
            ("GITHUB_RUN_ID", "17"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/infra"),
            ("GITHUB_ACTOR", "alice"),
            ("USER", "runner"),
        ];
        let seen = held(&["apply"], &github);
        assert_eq!(
            seen.run_url.as_deref(),
            Some("https://github.com/acme/infra/actions/runs/17")
        );
        assert_eq!(seen.user.as_deref(), Some("alice"));
        let gitlab = [
            ("CI_JOB_URL", "https://gitlab.com/acme/infra/-/jobs/3"),
            ("CI_PIPELINE_URL", "https://gitlab.com/acme/infra/-/pipelines/2"),
        ];
        let seen = held(&["apply"], &gitlab);
        assert_eq!(
            seen.run_url.as_deref(),
            Some("https://gitlab.com/acme/infra/-/jobs/3")
        );
        assert_eq!(seen.user, None);
    }

    #[test]
    fn a_machine_of_ones_own_has_a_user_and_no_run() {
        let seen = held(&["apply"], &[("USER", ""), ("LOGNAME", "bob")]);
        assert_eq!((seen.user.as_deref(), seen.run_url), (Some("bob"), None));
        // Half of an address is none.
        let seen = held(&["apply"], &[("GITHUB_RUN_ID", "17")]);
        assert_eq!(seen.run_url, None);
    }

    #[test]
    fn no_value_of_a_variable_is_in_the_command_line() {
        for typed in [
            &["apply", "--var", "password=hunter2", "--yes"][..],
            &["apply", "--var=password=hunter2", "--yes"],
            &["--var", "password=hunter2=hunter2", "apply", "--yes"],
        ] {
            let line = held(typed, &[]).line.expect("a line");
            assert!(!line.contains("hunter2"), "{line}");
            for word in ["subako", "apply", "--yes", "password="] {
                assert!(line.contains(word), "{line}");
            }
        }
    }
}
