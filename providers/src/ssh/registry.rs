//! Logins to registries, from the Docker client's own configuration: what `docker login` left.
//!
//! A login is read when a call needs it, handed to the engine with that call, and dropped.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use subako_world::{Code, Failure, Secret};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::base64;

/// Docker Hub, as the Docker client's configuration calls it.
const HUB: &str = "https://index.docker.io/v1/";
/// How long a credential helper may take: it may ask a person to unlock a keychain.
const HELPER: Duration = Duration::from_secs(60);
/// What a helper answers when it knows of no login (docker-credential-helpers, `errors.go`).
const NOT_FOUND: &str = "credentials not found in native keychain";

/// Why there is no login.
#[derive(Debug, thiserror::Error)]
pub(super) enum RegistryError {
    /// The configuration cannot be read.
    #[error("the Docker configuration {} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what the Docker client writes. What is wrong is not said: it may be a password.
    #[error("the Docker configuration {} is not what `docker login` writes for {registry}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Whose login.
        registry: String,
    },
    /// A helper does not work.
    #[error("the credential helper {helper} gave no login to {registry}: {why}")]
    Helper {
        /// Its program.
        helper: String,
        /// Whose login.
        registry: String,
        /// What went wrong.
        why: String,
    },
}

impl RegistryError {
    /// The failure of the call that needed the login: nothing was sent.
    pub(super) fn into_failure(self, doing: &str) -> Failure {
        Failure::not_applied(doing, self.to_string())
            .with_code(Code::Credentials)
            .with_hint("log in again with `docker login`, or correct `docker_config` under [registry]")
    }
}

/// The registry of an image, as the Docker client's configuration calls it.
fn registry_of(image: &str) -> &str {
    match image.split_once('/') {
        Some(("docker.io" | "index.docker.io", _)) => HUB,
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => HUB,
    }
}

/// The login to the image's registry, as the Engine API's `X-Registry-Auth` wants it; `None`
/// where there is none.
pub(super) async fn login(config: &Path, image: &str) -> Result<Option<Secret>, RegistryError> {
    let registry = registry_of(image);
    let form = || RegistryError::Form {
        path: config.to_owned(),
        registry: registry.to_owned(),
    };
    let text = tokio::fs::read(config)
        .await
        .map_err(|source| RegistryError::Read {
            path: config.to_owned(),
            source,
        })?;
    let config: Value = serde_json::from_slice(&text).map_err(|_| form())?;
    let text_at = |value: &Value, key: &str| {
        let text = value.get(key).and_then(Value::as_str).unwrap_or_default();
        Some(text.to_owned()).filter(|text| !text.is_empty())
    };
    let helper = config
        .get("credHelpers")
        .and_then(|helpers| text_at(helpers, registry))
        .or_else(|| text_at(&config, "credsStore"));
    if let Some(helper) = helper
        && let Some(answer) = ask(&format!("docker-credential-{helper}"), registry).await?
    {
        let secret = text_at(&answer, "Secret").ok_or_else(form)?;
        let login = match text_at(&answer, "Username").ok_or_else(form)?.as_str() {
            "<token>" => json!({ "identitytoken": secret, "serveraddress": registry }),
            user => json!({ "username": user, "password": secret, "serveraddress": registry }),
        };
        return Ok(Some(header(&login)));
    }
    let auths = config.get("auths").and_then(Value::as_object);
    let entry = auths
        .into_iter()
        .flatten()
        .find(|(key, _)| host(key) == host(registry));
    let Some((_, entry)) = entry else {
        return Ok(None);
    };
    if let Some(token) = text_at(entry, "identitytoken") {
        let login = json!({ "identitytoken": token, "serveraddress": registry });
        return Ok(Some(header(&login)));
    }
    // With a store, an empty entry only says that there once was a login.
    let Some(auth) = text_at(entry, "auth") else {
        return Ok(None);
    };
    let pair = base64::decode(&auth).and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = pair.ok_or_else(form)?;
    let (user, password) = pair.split_once(':').ok_or_else(form)?;
    let password = password.trim_end_matches('\0');
    Ok(Some(header(
        &json!({ "username": user, "password": password, "serveraddress": registry }),
    )))
}

fn header(login: &Value) -> Secret {
    Secret::new(base64::encode_for_url(login.to_string().as_bytes()))
}

/// The host in a key of the configuration, which may be a URL.
fn host(key: &str) -> &str {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest);
    key.split('/').next().unwrap_or(key)
}

/// What a helper has for a registry. The registry goes to its input, the login comes from its
/// output: neither stands in an argument list.
async fn ask(program: &str, registry: &str) -> Result<Option<Value>, RegistryError> {
    let failed = |why: String| RegistryError::Helper {
        helper: program.to_owned(),
        registry: registry.to_owned(),
        why,
    };
    let work = async {
        let mut child = Command::new(program)
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(registry.as_bytes()).await?;
        }
        child.wait_with_output().await
    };
    let output = tokio::time::timeout(HELPER, work)
        .await
        .map_err(|_| failed(format!("no answer within {} s", HELPER.as_secs())))?
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        // Only a failure's words: a success has the login there.
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        return match said.contains(NOT_FOUND) {
            true => Ok(None),
            false => Err(failed(format!("it ended with {}", output.status))),
        };
    }
    serde_json::from_slice(&output.stdout)
        .map(Some)
        .map_err(|_| failed("its answer is not JSON".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn found(config: &Value, image: &str) -> Result<Option<Value>, RegistryError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, config.to_string()).unwrap();
        let header = login(&path, image).await?;
        Ok(header.map(|header| {
            let text = header.expose().replace('-', "+").replace('_', "/");
            serde_json::from_slice(&base64::decode(&text).unwrap()).unwrap()
        }))
    }

    fn auth(text: &str) -> Value {
        json!({ "auth": base64::encode(text.as_bytes()) })
    }

    #[test]
    fn an_image_tells_its_registry() {
        for (image, registry) in [
            ("nginx", HUB),
            ("library/nginx:1", HUB),
            ("docker.io/library/nginx", HUB),
            ("localhost/a", "localhost"),
            ("r.example.com/a/b:1", "r.example.com"),
            ("10.0.0.1:5000/a", "10.0.0.1:5000"),
        ] {
            assert_eq!(registry_of(image), registry);
        }
    }

    #[tokio::test]
    async fn a_login_is_found_under_its_registrys_name() {
        let config = json!({ "auths": {
            "https://index.docker.io/v1/": auth("me:pa:ss"),
            "https://r.example.com/v2/": auth("you:word"),
            "token.example.com": { "identitytoken": "t" },
            "empty.example.com": {},
        } });
        let of = async |image: &str| found(&config, image).await.unwrap();
        assert_eq!(
            of("nginx").await,
            Some(json!({ "username": "me", "password": "pa:ss", "serveraddress": HUB }))
        );
        assert_eq!(of("r.example.com/a").await.unwrap()["username"], "you");
        assert_eq!(of("token.example.com/a").await.unwrap()["identitytoken"], "t");
        assert_eq!(of("empty.example.com/a").await, None);
        assert_eq!(of("other.example.com/a").await, None);
    }

    #[tokio::test]
    async fn a_helper_is_asked_on_its_input() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("docker-credential-test");
        let script = format!(
            "#!/bin/sh\n[ \"$*\" = get ] || exit 9\nread -r server\ncase $server in\n\
             r.example.com) echo '{{\"ServerURL\":\"r\",\"Username\":\"me\",\"Secret\":\"pw\"}}';;\n\
             none.example.com) echo '{NOT_FOUND}'; exit 1;;\n*) echo locked; exit 1;;\nesac\n"
        );
        // Written by another process: one that this one has open for writing cannot be started
        // while another test's child holds it.
        let mut writer = std::process::Command::new("sh");
        writer
            .arg("-c")
            .arg("cat > \"$0\"")
            .arg(&program)
            .stdin(Stdio::piped());
        let mut writer = writer.spawn().unwrap();
        std::io::Write::write_all(&mut writer.stdin.take().unwrap(), script.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        let of = async |registry: &str| ask(program.to_str().unwrap(), registry).await;
        assert_eq!(of("r.example.com").await.unwrap().unwrap()["Secret"], "pw");
        assert_eq!(of("none.example.com").await.unwrap(), None);
        let error = of("locked.example.com").await.unwrap_err();
        assert!(
            error.to_string().contains("locked.example.com: it ended with"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_not_shown() {
        let config = json!({ "auths": { "r.example.com": { "auth": "hunter2*" } } });
        let error = found(&config, "r.example.com/a").await.unwrap_err();
        let failure = error.into_failure("create service web");
        assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
        assert!(failure.to_string().contains("r.example.com"), "{failure}");
        let missing = login(Path::new("/no/such/config.json"), "nginx").await;
        assert!(matches!(missing, Err(RegistryError::Read { .. })));
        let config = json!({ "credsStore": "no-such-helper-anywhere" });
        let error = found(&config, "nginx").await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("docker-credential-no-such-helper-anywhere")
        );
    }
}
