//! Installs the Docker Engine: a script does it as root, and a new login proves it.

use std::time::Duration;

use subako_world::{Code, EngineInfo, EngineRequest, Failure, Progress, Result};

use super::api::Api;
use super::daemon::{self, Texts};
use super::dial::DialError;
use super::exec::{ExecError, Finished, as_root, quote};
use super::link::{Link, Live};

/// What is run on the host, by `sh -s` from standard input.
pub(super) const SCRIPT: &str = include_str!("scripts/install.sh");
/// What the script puts before its own notes.
const NOTE: &str = "subako: ";
/// The script's exit status when it knows no way for this distribution.
const UNSUPPORTED: u32 = 10;
/// The script's exit status when the version wanted cannot be had.
const NO_SUCH_VERSION: u32 = 11;
/// How long the script may wait for others that install packages, cloud-init for one.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long an engine that was started may take to answer.
const ANSWER: Duration = Duration::from_secs(60);
/// How long the network may be away during an installation.
const GAP: Duration = Duration::from_secs(60);
/// Between two looks at it.
const PAUSE: Duration = Duration::from_millis(500);

/// Installs, enables and starts the engine, or finds it there; waits until it answers the login
/// user on its socket.
pub(super) async fn install(link: &Link, request: &EngineRequest, progress: &Progress) -> Result<EngineInfo> {
    let doing = format!("install the Docker Engine on {}", link.target.name);
    let options = &link.shared.options;
    let version = request.version.as_deref().unwrap_or_default();
    if !version
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || ".:+~_-".contains(c))
    {
        return Err(Failure::not_applied(
            doing,
            format!("\"{version}\" is no version of a package"),
        ));
    }
    let texts = match &request.daemon {
        Some(wanted) => {
            let live = link.patient().await;
            let live = live.map_err(|error| dial_failure(error, link, &doing))?;
            daemon::texts(&live.connection, options, wanted, &doing).await?
        }
        None => None,
    };
    let command = command(
        &options.user,
        version,
        &options.docker_socket,
        options.command_timeout,
        texts.as_ref(),
    );
    let finished = run(link, &doing, &command, progress).await?;
    judge(&doing, &options.user, options.command_timeout, finished)?;
    progress.note("waiting for the Docker Engine to answer");
    let info = answering(link, &doing).await?;
    if !request.is_met_by(&info.version) {
        let message = format!("version {} runs, and {version} is wanted", info.version);
        return Err(Failure::unknown(doing, message).with_code(Code::NotFound));
    }
    Ok(info)
}

/// Runs the script. A connection that is lost meanwhile ends our listening and not the script: it is
/// run once more, which waits for the first and finds its work done.
async fn run(link: &Link, doing: &str, command: &str, progress: &Progress) -> Result<Finished> {
    let live = link
        .patient()
        .await
        .map_err(|error| dial_failure(error, link, doing))?;
    match listen(&live, link, command, progress).await {
        Err(ExecError::Lost { .. }) => {}
        ended => return ended.map_err(|error| not_finished(doing, error)),
    }
    progress.note("the connection was lost: logging in again");
    let live = back(link, doing).await.map_err(Failure::after_effect)?;
    let ended = listen(&live, link, command, progress).await;
    ended.map_err(|error| not_finished(doing, error).after_effect())
}

async fn listen(
    live: &Live,
    link: &Link,
    command: &str,
    progress: &Progress,
) -> std::result::Result<Finished, ExecError> {
    let mut on_line = |line: &str| {
        if let Some(note) = line.strip_prefix(NOTE) {
            progress.note(note);
        }
    };
    // The script is told to stop a little earlier than we stop listening, so that we hear it say so.
    let deadline = link.shared.options.command_timeout + Duration::from_secs(15);
    let connection = &live.connection;
    connection
        .exec(command, SCRIPT.as_bytes(), deadline, &mut on_line)
        .await
}

/// Logs in again after the connection was lost: the network may be away for a while.
async fn back(link: &Link, doing: &str) -> Result<Live> {
    let clock = &link.shared.clock;
    let end = clock.now() + GAP;
    loop {
        match link.patient().await {
            Ok(live) => return Ok(live),
            Err(error) if error.passing() && clock.now() < end => clock.sleep(PAUSE).await,
            Err(error) => return Err(dial_failure(error, link, doing)),
        }
    }
}

fn dial_failure(error: DialError, link: &Link, doing: &str) -> Failure {
    error.into_failure(doing, &link.target.name, &link.target.instance_id)
}

/// The command: nothing secret is in it, since every user of the host can read it.
fn command(user: &str, version: &str, socket: &str, timeout: Duration, daemon: Option<&Texts>) -> String {
    let root = as_root(user);
    let (file, own) = daemon.map_or(("", ""), |texts| (&texts.file, &texts.own));
    let patience = PATIENCE.min(timeout);
    format!(
        "{root}timeout -k 10 {} sh -s -- {} {} {} {} {} {}",
        timeout.as_secs(),
        quote(user),
        quote(version),
        quote(socket),
        patience.as_secs(),
        quote(file),
        quote(own),
    )
}

fn not_finished(doing: &str, error: ExecError) -> Failure {
    let message = error.to_string();
    match error {
        ExecError::NotStarted(_) => Failure::not_applied(doing, message),
        ExecError::Lost { tail } => Failure::unknown(doing, message)
            .with_code(Code::ConnectionLost)
            .with_output(tail),
        ExecError::TimedOut { tail, .. } => Failure::unknown(doing, message)
            .with_code(Code::Timeout)
            .with_output(tail),
    }
}

/// What the script's exit status means. Whatever ran may have left something behind.
fn judge(doing: &str, user: &str, timeout: Duration, finished: Finished) -> Result<()> {
    let Finished { status, tail } = finished;
    let failure = match status {
        0 => return Ok(()),
        UNSUPPORTED => Failure::not_applied(doing, "no way is known to install it on this distribution")
            .with_code(Code::Unsupported)
            .with_hint("use an image of Amazon Linux, Debian or Ubuntu, or one with Docker in it"),
        NO_SUCH_VERSION => Failure::unknown(doing, "the version asked for could not be installed")
            .with_code(Code::NotFound)
            .with_hint("leave engine_version in [swarm] out to take the distribution's newest"),
        // `timeout` ended it.
        124 | 137 => Failure::unknown(doing, format!("it was not done after {} s", timeout.as_secs()))
            .with_code(Code::Timeout)
            .with_hint("command_timeout in [ssh] allows it longer"),
        1 if tail.len() == 1 && tail[0].starts_with("sudo:") => Failure::not_applied(
            doing,
            format!("user {user} may not become root without a password"),
        )
        .with_code(Code::Denied),
        status => Failure::unknown(doing, format!("the installation ended with exit status {status}")),
    };
    let shown = tail.into_iter().filter(|line| !line.starts_with(NOTE)).collect();
    Err(failure.with_output(shown))
}

/// Logs in again, to be in the group `docker`, until the engine answers.
async fn answering(link: &Link, doing: &str) -> Result<EngineInfo> {
    let clock = &link.shared.clock;
    let end = clock.now() + ANSWER;
    loop {
        let failure = match link.fresh().await {
            Ok(_) => match Api::new(link).info().await {
                Ok(info) => return Ok(info),
                Err(failure) => failure,
            },
            Err(error) if error.passing() => {
                error.into_failure(doing, &link.target.name, &link.target.instance_id)
            }
            Err(error) => {
                let failure = error.into_failure(doing, &link.target.name, &link.target.instance_id);
                return Err(failure.after_effect());
            }
        };
        if clock.now() >= end {
            let message = format!(
                "it was installed and does not answer after {} s: {}",
                ANSWER.as_secs(),
                failure.message
            );
            return Err(Failure { message, ..failure }.after_effect());
        }
        clock.sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use subako_world::Certainty;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(600);

    fn ended(status: u32, tail: &[&str]) -> Failure {
        let tail = tail.iter().map(|line| (*line).to_owned()).collect();
        judge(
            "install it on manager-2",
            "ec2-user",
            LIMIT,
            Finished { status, tail },
        )
        .unwrap_err()
    }

    #[test]
    fn root_needs_no_sudo_and_every_argument_is_one_word() {
        let command = |user| command(user, "25.0.8", "/var/run/docker.sock", LIMIT, None);
        assert_eq!(
            command("ec2-user"),
            "sudo -n timeout -k 10 600 sh -s -- 'ec2-user' '25.0.8' '/var/run/docker.sock' 180 '' ''"
        );
        assert!(command("root").starts_with("timeout "));
    }

    #[test]
    fn a_failed_installation_shows_its_last_lines_without_our_own_notes() {
        let failure = ended(
            1,
            &[
                "subako: installing docker",
                "Error: Unable to find a match: docker",
            ],
        );
        assert_eq!(failure.certainty, Certainty::Unknown);
        assert_eq!(failure.output, ["Error: Unable to find a match: docker"]);
        assert!(failure.to_string().contains("manager-2"));
    }

    #[test]
    fn refusals_before_anything_was_done_are_certain() {
        assert_eq!(ended(UNSUPPORTED, &[]).certainty, Certainty::NotApplied);
        let sudo = ended(1, &["sudo: a password is required"]);
        assert_eq!((sudo.certainty, sudo.code), (Certainty::NotApplied, Code::Denied));
    }

    #[test]
    fn a_script_that_was_stopped_is_uncertain_and_names_the_setting() {
        let failure = ended(124, &[]);
        assert_eq!(failure.certainty, Certainty::Unknown);
        assert!(failure.hint.unwrap().contains("command_timeout"));
    }
}
