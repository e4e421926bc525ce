//! References to container images.

use crate::manifest::decode::{FromText, Malformed, plain_schema};

/// `[registry/]path[:tag][@sha256:…]`, as Docker reads it (distribution/reference).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageRef(pub String);

plain_schema!(ImageRef => "ImageRef" { "type": "string", "pattern": "^[A-Za-z0-9][^\\s]*$" });

impl FromText for ImageRef {
    const FORM: &'static str = "an image such as \"nginx:1.27\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        if text.is_empty() {
            return Err(Malformed::new("this is empty"));
        }
        if let Some((_, rest)) = text.split_once("://") {
            return Err(Malformed::new("an image is not a URL").help(format!("write \"{rest}\"")));
        }
        if let Some(c) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
            return Err(Malformed::new(format!("{c:?} cannot be part of it")));
        }
        let (named, digest) = text.split_once('@').map_or((text, None), |(n, d)| (n, Some(d)));
        if let Some(digest) = digest {
            let hex = digest.strip_prefix("sha256:").unwrap_or_default();
            if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(Malformed::new("what follows the `@` is not a digest")
                    .help("a digest is \"sha256:\" and 64 hexadecimal digits"));
            }
        }
        // A colon before the last slash belongs to the registry's port.
        let tag_at = named
            .rfind(':')
            .filter(|colon| named.rfind('/').is_none_or(|slash| *colon > slash));
        let (path, tag) = tag_at.map_or((named, None), |at| (&named[..at], Some(&named[at + 1..])));
        if let Some(tag) = tag {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if tag.is_empty() {
                return Err(Malformed::new("there is no tag after the colon"));
            }
            if tag.len() > 128
                || !tag.starts_with(word)
                || !tag.chars().all(|c| word(c) || c == '.' || c == '-')
            {
                return Err(Malformed::new(format!("\"{tag}\" is not a tag"))
                    .help("a tag is letters, digits, `_`, `.` and `-`, at most 128 of them"));
            }
        }
        repository(path, &text[path.len()..])?;
        Ok(Self(text.to_owned()))
    }
}

/// Checks what stands before tag and digest, which are the `tail`.
fn repository(path: &str, tail: &str) -> Result<(), Malformed> {
    let (registry, rest) = match path.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (Some(first), rest),
        _ => (None, path),
    };
    if let Some(registry) = registry {
        let (host, port) = registry
            .split_once(':')
            .map_or((registry, None), |(h, p)| (h, Some(p)));
        let host_ok = !host.is_empty()
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
        if !host_ok || port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err(Malformed::new(format!("\"{registry}\" is not a registry")));
        }
    }
    if rest.chars().any(|c| c.is_ascii_uppercase()) {
        let lower = format!(
            "{}{}{tail}",
            &path[..path.len() - rest.len()],
            rest.to_lowercase()
        );
        return Err(
            Malformed::new("the name of an image has no capitals").help(format!("did you mean \"{lower}\"?"))
        );
    }
    for part in rest.split('/') {
        let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if part.is_empty() {
            return Err(Malformed::new("a part of the name is empty"));
        }
        if let Some(c) = part
            .chars()
            .find(|c| !alphanumeric(*c) && !matches!(c, '.' | '_' | '-'))
        {
            return Err(Malformed::new(format!("{c:?} cannot be part of it")));
        }
        if !part.starts_with(alphanumeric) || !part.ends_with(alphanumeric) {
            return Err(Malformed::new(format!(
                "\"{part}\" has to begin and end with a letter or a digit"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_read_as_docker_reads_them() {
        let digest = format!("nginx@sha256:{}", "0a".repeat(32));
        for text in [
            "alpine",
            "alpine:3.20",
            "mingsiro71/replyhost",
            "localhost/x",
            "registry.example.com:5000/team/app:v1.2_3",
            "localhost:5000/app",
            "a__b/c--d.e",
            &digest,
        ] {
            assert!(ImageRef::from_text(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_docker_would_refuse_is_refused() {
        for text in [
            "",
            "Nginx",
            "nginx:",
            "nginx latest",
            "a//b",
            "/a",
            "a/",
            "nginx@sha256:12",
            "x:-t",
            "https://a/b",
            "-a",
            "é",
            "a:b:c",
        ] {
            assert!(ImageRef::from_text(text).is_err(), "{text}");
        }
    }
}
