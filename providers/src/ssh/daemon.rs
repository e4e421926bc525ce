//! The engine's `daemon.json` on a host: what is there is read, and what is written is said to the
//! script that installs the engine.

use std::time::Duration;

use subako_world::{Code, DaemonConfig, Failure, Result};

use super::base64;
use super::connection::Connection;
use super::exec::{as_root, quote};
use super::options::SshOptions;

/// Where `dockerd` reads its configuration.
const FILE: &str = "/etc/docker/daemon.json";
/// What Subako wrote into it last, to know its own keys again.
const OWN: &str = "/etc/docker/daemon.subako.json";
/// How long a file may take to be read.
const READ: Duration = Duration::from_secs(30);

/// The texts of both files as they are to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Texts {
    /// What `dockerd` reads, without the last end of a line.
    pub(super) file: String,
    /// What of it is Subako's.
    pub(super) own: String,
}

/// What both files have to be for what is wanted; `None` where there is nothing to say, and nothing
/// was said before.
pub(super) async fn texts(
    connection: &Connection,
    options: &SshOptions,
    wanted: &DaemonConfig,
    doing: &str,
) -> Result<Option<Texts>> {
    let there = read(connection, options, FILE, doing).await?;
    let ours = read(connection, options, OWN, doing).await?;
    if ours.is_none() && wanted.keys().is_empty() {
        return Ok(None);
    }
    let file = wanted.written_into(there.as_deref(), ours.as_deref());
    let file = file.map_err(|conflict| {
        Failure::not_applied(doing, format!("{FILE} is somebody else's: {conflict}"))
            .with_code(Code::Taken)
            .with_hint(format!(
                "Subako changes only what it has written: take that out of {FILE} on the host, or say the same under [docker]"
            ))
    })?;
    Ok(Some(Texts {
        file: file.trim_end().to_owned(),
        own: wanted.own_text().trim_end().to_owned(),
    }))
}

/// A file of the host's; `None` if there is none.
async fn read(
    connection: &Connection,
    options: &SshOptions,
    path: &str,
    doing: &str,
) -> Result<Option<String>> {
    let quoted = quote(path);
    let root = as_root(&options.user);
    // In base64, because lines of a command's output are cut and cleaned.
    let command = format!("{root}test ! -e {quoted} || {root}base64 {quoted}");
    let mut text = String::new();
    let mut on_line = |line: &str| text.push_str(line.trim());
    let failed = |why: String| Failure::not_applied(doing, format!("{path} cannot be read: {why}"));
    let finished = connection
        .exec(&command, &[], READ, &mut on_line)
        .await
        .map_err(|error| failed(error.to_string()).with_code(Code::ConnectionLost))?;
    if finished.status != 0 {
        return Err(failed(finished.tail.join("; ")).with_code(Code::Denied));
    }
    if text.is_empty() {
        return Ok(None);
    }
    let bytes = base64::decode(&text).and_then(|bytes| String::from_utf8(bytes).ok());
    bytes
        .map(Some)
        .ok_or_else(|| failed("it is no text".to_owned()).with_code(Code::Invalid))
}
