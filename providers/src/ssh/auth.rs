//! The key to log in with: a file or the agent.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::client::{AuthResult, Handle, Handler};
use russh::keys::agent::client::AgentClient;
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg};
use subako_world::{Code, Failure};

use super::dial::DialError;

/// What to log in with.
#[derive(Clone)]
pub(super) enum Credentials {
    /// A key read from a file.
    File { path: PathBuf, key: Arc<PrivateKey> },
    /// The agent behind `SSH_AUTH_SOCK`, asked at each login.
    Agent,
}

impl Credentials {
    /// Reads the key file, if there is one. It must be readable by its owner only, and not be
    /// protected by a passphrase.
    pub(super) fn load(private_key: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = private_key else {
            return Ok(Self::Agent);
        };
        let shown = path.display();
        let doing = format!("read the private key {shown}");
        let metadata =
            std::fs::metadata(path).map_err(|error| Failure::not_applied(&doing, error.to_string()))?;
        if let Some(mode) = open_to_others(&metadata) {
            return Err(Failure::not_applied(
                &doing,
                format!("its permissions {mode:04o} let others read or change it"),
            )
            .with_code(Code::Credentials)
            .with_hint(format!("chmod 600 {shown}")));
        }
        let key = russh::keys::load_secret_key(path, None).map_err(|error| {
            let failure = Failure::not_applied(&doing, error.to_string());
            if matches!(error, russh::keys::Error::KeyIsEncrypted) {
                failure.with_code(Code::Credentials).with_hint(format!(
                    "add it to the SSH agent (`ssh-add {shown}`) and leave private_key out of [ssh]"
                ))
            } else {
                failure
            }
        })?;
        Ok(Self::File {
            path: path.to_owned(),
            key: Arc::new(key),
        })
    }

    /// Logs in as `user` on a connection whose host key has been accepted.
    pub(super) async fn log_in<H: Handler>(
        &self,
        handle: &mut Handle<H>,
        user: &str,
    ) -> Result<(), DialError> {
        match self {
            Self::File { path, key } => {
                let hash = signature_hash(handle, key.algorithm().is_rsa()).await?;
                let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
                match handle
                    .authenticate_publickey(user, key)
                    .await
                    .map_err(handshake)?
                {
                    AuthResult::Success => Ok(()),
                    AuthResult::Failure { .. } => Err(DialError::Denied {
                        user: user.to_owned(),
                        with: format!("key {}", path.display()),
                    }),
                }
            }
            Self::Agent => log_in_by_agent(handle, user).await,
        }
    }
}

/// Tries the agent's keys in its own order.
async fn log_in_by_agent<H: Handler>(handle: &mut Handle<H>, user: &str) -> Result<(), DialError> {
    let unusable = |error: &dyn std::fmt::Display| DialError::Agent(error.to_string());
    if std::env::var_os("SSH_AUTH_SOCK").is_none() {
        return Err(DialError::Agent("SSH_AUTH_SOCK is not set".to_owned()));
    }
    let mut agent = AgentClient::connect_env()
        .await
        .map_err(|error| unusable(&error))?;
    let identities = agent
        .request_identities()
        .await
        .map_err(|error| unusable(&error))?;
    if identities.is_empty() {
        return Err(DialError::Agent("it holds no key".to_owned()));
    }
    let mut tried = 0;
    for identity in &identities {
        let key = identity.public_key().into_owned();
        let hash = signature_hash(handle, key.algorithm().is_rsa()).await?;
        // A server hangs up after MaxAuthTries (6): what was tried until then is the answer.
        if handle.is_closed() {
            break;
        }
        tried += 1;
        match handle
            .authenticate_publickey_with(user, key, hash, &mut agent)
            .await
        {
            Ok(AuthResult::Success) => return Ok(()),
            // An agent may decline one key and sign with the next.
            Ok(AuthResult::Failure { .. }) | Err(_) => {}
        }
    }
    Err(DialError::Denied {
        user: user.to_owned(),
        with: format!("{tried} of the SSH agent's {} keys", identities.len()),
    })
}

/// SHA-512 or SHA-256 for RSA keys: SHA-1 signatures are refused by today's servers.
async fn signature_hash<H: Handler>(handle: &Handle<H>, rsa: bool) -> Result<Option<HashAlg>, DialError> {
    if !rsa {
        return Ok(None);
    }
    let best = handle.best_supported_rsa_hash().await.map_err(handshake)?;
    Ok(best.flatten().or(Some(HashAlg::Sha256)))
}

fn handshake(error: russh::Error) -> DialError {
    DialError::Handshake(error.to_string())
}

/// The permissions of a file that others than its owner may use.
#[cfg(unix)]
fn open_to_others(metadata: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_to_others(_: &std::fs::Metadata) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use russh::keys::Algorithm;
    use russh::keys::key::safe_rng;
    use russh::keys::ssh_key::LineEnding;

    use super::*;

    fn written(contents: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), contents).unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    fn ed25519() -> PrivateKey {
        PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap()
    }

    fn failure(path: &Path) -> Failure {
        match Credentials::load(Some(path)) {
            Ok(_) => panic!("the key was accepted"),
            Err(failure) => failure,
        }
    }

    #[test]
    fn a_key_only_its_owner_can_read_is_taken() {
        let file = written(&ed25519().to_openssh(LineEnding::LF).unwrap(), 0o400);
        assert!(matches!(
            Credentials::load(Some(file.path())),
            Ok(Credentials::File { .. })
        ));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_cure() {
        let file = written(&ed25519().to_openssh(LineEnding::LF).unwrap(), 0o644);
        let failure = failure(file.path());
        assert_eq!(failure.code, Code::Credentials);
        assert!(failure.message.contains("0644"), "{failure}");
        assert_eq!(failure.hint, Some(format!("chmod 600 {}", file.path().display())));
    }

    #[test]
    fn a_key_with_a_passphrase_is_referred_to_the_agent() {
        let key = ed25519().encrypt(&mut safe_rng(), "secret").unwrap();
        let file = written(&key.to_openssh(LineEnding::LF).unwrap(), 0o600);
        let failure = failure(file.path());
        assert_eq!(failure.code, Code::Credentials, "{failure}");
        assert!(failure.hint.unwrap().contains("ssh-add"));
    }

    #[test]
    fn a_missing_file_and_one_that_is_no_key_are_refused() {
        assert!(
            failure(Path::new("/nonexistent/key"))
                .to_string()
                .contains("No such file")
        );
        assert!(Credentials::load(Some(written("hello", 0o600).path())).is_err());
    }
}
