//! The key pair that instances are logged in to with.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{CliError, Result};

/// Makes a key pair with ssh-keygen, without a passphrase, unless it is there; a relative file
/// starts from the manifest's directory. Says whether it was made.
pub fn ensure(key: &str, directory: &Path, name: &str) -> Result<bool> {
    let private = expanded(key, directory);
    let public = PathBuf::from(format!("{}.pub", private.display()));
    match (private.exists(), public.exists()) {
        (true, true) => return Ok(false),
        (false, false) => {}
        (true, false) => {
            let error = CliError::new(format!("{key} has no public key beside it"));
            return Err(error.help(format!(
                "`ssh-keygen -y -f {0} > {0}.pub` writes it",
                shlex::try_quote(&private.to_string_lossy()).unwrap_or_default()
            )));
        }
        (false, true) => {
            return Err(
                CliError::new(format!("{key}.pub is there, but its private key {key} is not"))
                    .help("name another file: `--key FILE`"),
            );
        }
    }
    if let Some(directory) = private.parent() {
        make_private(directory)?;
    }
    let ran = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
        .arg(&private)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            CliError::io("run", "ssh-keygen", &error)
                .help("install OpenSSH's client, or name a key that is there")
        })?;
    if ran.status.success() {
        return Ok(true);
    }
    let said = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
    Err(CliError::new(format!("failed to make the key {key}: {said}")))
}

/// A file as the manifest names it, `~` being the home directory.
fn expanded(file: &str, directory: &Path) -> PathBuf {
    match (file.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => directory.join(file),
    }
}

/// Makes a directory that only its owner can read, unless it is there.
fn make_private(directory: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory);
    made.map_err(|error| CliError::io("create", directory.display(), &error))
}
