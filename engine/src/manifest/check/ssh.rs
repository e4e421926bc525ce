//! `[ssh]`.

use super::Surroundings;
use super::pool::DEFAULT_AMI;
use crate::manifest::decode::Context;
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::formats::Duration;
use crate::manifest::model::Ssh;
use crate::manifest::raw::{self, Via};
use crate::manifest::span::At;
use crate::world::{Family, SSH_PORT};

/// The user of Amazon's images, and of those that nothing is known of.
const AMAZONS: &str = "ec2-user";
const DEFAULT_BOOT_TIMEOUT_S: u64 = 5 * 60;
const DEFAULT_COMMAND_TIMEOUT_S: u64 = 10 * 60;

/// The user that the images of all pools have; Amazon's where they differ or are not known.
pub fn default_user<'a>(mut images: impl Iterator<Item = Option<&'a str>>) -> &'static str {
    let user = |image: Option<&str>| {
        let family = Family::named(image.unwrap_or(DEFAULT_AMI));
        family.map_or(AMAZONS, |family| family.user)
    };
    let first = images.next().map_or(AMAZONS, user);
    if images.all(|image| user(image) == first) {
        first
    } else {
        AMAZONS
    }
}

/// Checks how to log in.
pub fn check(
    cx: &mut Context<'_>,
    raw: raw::Ssh,
    around: &Surroundings<'_>,
    default_user: &'static str,
) -> Ssh {
    if let Some(key) = &raw.private_key
        && key.0.ends_with(".pub")
    {
        cx.report(
            ManifestError::new(Code::BadKey, "`private_key` names a public key")
                .at(key.span, "files that end in .pub hold public keys")
                .help(format!("did you mean \"{}\"?", key.0.trim_end_matches(".pub"))),
        );
    }
    if let Some(key) = &raw.private_key
        && key.0.contains("PRIVATE KEY-----")
    {
        cx.report(
            ManifestError::new(
                Code::BadKey,
                "`private_key` is the path of a file, not the key itself",
            )
            .at(key.span, "this is a private key")
            .help("move it to a file of mode 0600 outside the manifest, and name that file"),
        );
    }
    let user = raw
        .user
        .map_or_else(|| default_user.to_owned(), |user| user.value.0);
    let path =
        |field: Option<At<crate::manifest::formats::PlainText>>| field.map(|path| around.resolve(&path.0));
    Ssh {
        port: raw
            .port
            .and_then(|port| u16::try_from(port.0).ok())
            .unwrap_or(SSH_PORT),
        private_key: path(raw.private_key),
        private: raw.via.is_some_and(|via| via.value == Via::Private),
        jump: raw
            .jump
            .map(|jump| format!("{}@{}", jump.user.as_deref().unwrap_or(&user), jump.host)),
        known_hosts: path(raw.known_hosts),
        boot_timeout_s: deadline(cx, "boot_timeout", raw.boot_timeout, DEFAULT_BOOT_TIMEOUT_S),
        command_timeout_s: deadline(
            cx,
            "command_timeout",
            raw.command_timeout,
            DEFAULT_COMMAND_TIMEOUT_S,
        ),
        user,
    }
}

/// A deadline in seconds, which cannot be zero.
pub fn deadline(cx: &mut Context<'_>, key: &str, field: Option<At<Duration>>, default: u64) -> u64 {
    let Some(at) = field else { return default };
    if at.value == Duration(0) {
        cx.report(
            ManifestError::new(Code::OutOfRange, format!("`{key}` must be longer than 0"))
                .at(at.span, "no wait could end in time")
                .help(format!("leave it out for the default of {default} seconds")),
        );
    }
    at.seconds()
}
