//! `[key_pair]`: the public key is read here.

use std::io;

use super::Surroundings;
use crate::manifest::decode::Context;
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::formats::{check_public_key, looks_like_key};
use crate::manifest::model::KeyPair;
use crate::manifest::raw;
use crate::manifest::span::Span;

/// Checks the key pair; `None` after a mistake.
pub fn check(cx: &mut Context<'_>, raw: raw::KeyPair, around: &Surroundings<'_>) -> Option<KeyPair> {
    let written = raw.public_key?;
    let (text, origin) = if looks_like_key(&written.0) {
        (written.value.0, "this".to_owned())
    } else {
        (
            read(cx, &written.0, written.span, around)?,
            format!("the file {}", written.0),
        )
    };
    match check_public_key(&text) {
        Ok(public_key) => Some(KeyPair {
            name: raw.name?.value.0,
            public_key,
        }),
        Err(malformed) => {
            cx.report(
                ManifestError::new(
                    Code::BadKey,
                    format!("{origin} is not a public key that EC2 can import"),
                )
                .at(written.span, malformed.reason)
                .maybe_help(malformed.help),
            );
            None
        }
    }
}

fn read(cx: &mut Context<'_>, path: &str, span: Span, around: &Surroundings<'_>) -> Option<String> {
    let full = around.resolve(path);
    let error = match around.files.read(&full) {
        Ok(text) => return Some(text),
        Err(error) => error,
    };
    // The path as looked up helps where it differs from the one written; the paths of a whole
    // machine in every message would not.
    let (label, help) = match error.kind() {
        io::ErrorKind::NotFound => (
            "there is no such file".to_owned(),
            format!(
                "make a pair with: ssh-keygen -t ed25519 -f {}",
                path.trim_end_matches(".pub")
            ),
        ),
        io::ErrorKind::PermissionDenied => (
            "you may not read this file".to_owned(),
            "see who owns the file, and its permissions".to_owned(),
        ),
        io::ErrorKind::IsADirectory => (
            "this is a directory".to_owned(),
            format!("name the file in it, for example {path}/id_ed25519.pub"),
        ),
        io::ErrorKind::InvalidData => (
            "this file is not text".to_owned(),
            "name the file of the public key, which ends in .pub".to_owned(),
        ),
        _ => (
            error.to_string(),
            "relative paths start from the manifest's directory".to_owned(),
        ),
    };
    cx.report(
        ManifestError::new(Code::BadKey, format!("the public key {path} cannot be read"))
            .at(span, label)
            .help(help),
    );
    None
}
