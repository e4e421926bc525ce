//! Mounts in Compose's short form.

use crate::manifest::decode::{FromText, Malformed, plain_schema};
use crate::world::MountKind;

/// `source:target[:ro]`; a source that begins with `/` is a path of the node, any other a
/// volume's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortMount {
    /// What it is of.
    pub kind: MountKind,
    /// The volume or path; `None` for an anonymous volume.
    pub source: Option<String>,
    /// The path in the container.
    pub target: String,
    /// Whether the container may not write.
    pub read_only: bool,
}

plain_schema!(ShortMount => "ShortMount" { "type": "string", "pattern": "/" });

impl FromText for ShortMount {
    const FORM: &'static str = "\"source:target\", for example \"data:/var/lib/data\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, access) = match parts[..] {
            [target] => (None, target, "rw"),
            [source, target] => (Some(source), target, "rw"),
            [source, target, access] => (Some(source), target, access),
            _ => return Err(Malformed::new("too many colons")),
        };
        if !target.starts_with('/') {
            return Err(Malformed::new(
                "the path in the container has to begin with a slash",
            ));
        }
        let read_only = match access {
            "rw" => false,
            "ro" => true,
            _ => {
                return Err(Malformed::new(format!(
                    "\"{access}\" is neither \"ro\" nor \"rw\""
                )));
            }
        };
        let kind = match source {
            Some(path) if path.starts_with('/') => MountKind::Bind,
            Some(path) if path.starts_with(['.', '~']) => {
                return Err(Malformed::new("this path is on your machine, not on the node")
                    .help("write a path of the node that begins with a slash, or a volume's name"));
            }
            Some(name) => {
                volume_name(name)?;
                MountKind::Volume
            }
            None => MountKind::Volume,
        };
        Ok(Self {
            kind,
            source: source.map(str::to_owned),
            target: target.to_owned(),
            read_only,
        })
    }
}

/// A path of a container as the kernel takes it: without empty parts, `.` and `..`. Docker mounts
/// one thing at each (moby, `volume/mounts`: "Duplicate mount point").
pub fn cleaned(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Checks a volume's name, by Docker's rule for names.
pub fn volume_name(name: &str) -> Result<(), Malformed> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.len() < 2 || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(allowed)
    {
        return Err(Malformed::new(format!("\"{name}\" is not a volume's name"))
            .help("a volume's name is letters, digits, `_`, `.` and `-`, two at least"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_form() {
        for (path, clean) in [
            ("/data", "/data"),
            ("/data/", "/data"),
            ("//srv/./data", "/srv/data"),
            ("/srv/../data", "/data"),
            ("/../..", "/"),
        ] {
            assert_eq!(cleaned(path), clean);
        }
    }

    #[test]
    fn the_source_decides_what_a_mount_is_of() {
        let kind = |text: &str| ShortMount::from_text(text).map(|m| (m.kind, m.source, m.read_only));
        assert_eq!(kind("/data"), Ok((MountKind::Volume, None, false)));
        assert_eq!(
            kind("db:/data:ro"),
            Ok((MountKind::Volume, Some("db".into()), true))
        );
        assert_eq!(
            kind("/srv:/data"),
            Ok((MountKind::Bind, Some("/srv".into()), false))
        );
        for text in [
            "",
            "db",
            "db:data",
            "./x:/data",
            "~/x:/data",
            "db:/data:z",
            "a:b:c:d",
            "d:/x",
            "-x:/y",
        ] {
            assert!(kind(text).is_err(), "{text}");
        }
    }
}
