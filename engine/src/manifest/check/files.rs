//! `[secret.NAME]` and `[config.NAME]`: their contents are read here; and a service's use of them.

use std::collections::BTreeMap;
use std::io;

use subako_state::Digest;

use super::unique::Unique;
use super::{Surroundings, value};
use crate::manifest::decode::{Context, FromText as _, Named, did_you_mean};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::formats::{PlainText, SwarmName};
use crate::manifest::model::File;
use crate::manifest::raw::{self, FileUse};
use crate::manifest::span::{At, Span};
use crate::world::{Content, FileKind, FileMount};

/// What Swarm takes (swarmkit, `MaxSecretSize`; a config may be larger, but not in every engine).
const LARGEST: usize = 500 * 1024;
/// Swarm's names have 64 characters at most; `-` and 16 digits of the content's digest follow.
const LONGEST_NAME: usize = 64 - 17;
/// Permissions where a service does not say: everybody in the container may read.
const DEFAULT_MODE: u32 = 0o444;

/// The files of one kind: their names are known even where one has mistakes.
pub struct Files {
    kind: FileKind,
    files: Vec<File>,
    names: BTreeMap<String, Span>,
}

impl Files {
    /// By name.
    pub fn into_files(self) -> Vec<File> {
        self.files
    }
}

/// Reads the secrets. They get their names in the swarm later, under the cluster's key.
pub fn secrets(cx: &mut Context<'_>, raw: Named<raw::SecretSource>, around: &Surroundings<'_>) -> Files {
    let entries = raw.0.into_iter().map(|(name, at)| {
        let other = at.value.env.map(|env| (env.span, Other::Env(env.value.0)));
        (name, at.span, at.value.mistaken, at.value.file, other)
    });
    check(cx, FileKind::Secret, entries, around)
}

/// Reads the configs.
pub fn configs(cx: &mut Context<'_>, raw: Named<raw::ConfigSource>, around: &Surroundings<'_>) -> Files {
    let entries = raw.0.into_iter().map(|(name, at)| {
        let other = at.value.content.map(|text| (text.span, Other::Text(text.value)));
        (name, at.span, at.value.mistaken, at.value.file, other)
    });
    check(cx, FileKind::Config, entries, around)
}

/// Where a content comes from, if not from a file.
enum Other {
    Env(String),
    Text(String),
}

/// A content that was found, or where it was looked for.
struct Found {
    span: Span,
    bytes: Option<Vec<u8>>,
    source: String,
}

type Entry = (
    At<String>,
    Span,
    bool,
    Option<At<PlainText>>,
    Option<(Span, Other)>,
);

fn check(
    cx: &mut Context<'_>,
    kind: FileKind,
    entries: impl Iterator<Item = Entry>,
    around: &Surroundings<'_>,
) -> Files {
    let mut files = Files {
        kind,
        files: Vec::new(),
        names: BTreeMap::new(),
    };
    let entries: Vec<Entry> = entries.collect();
    let mut names: Vec<&At<String>> = entries.iter().map(|(name, ..)| name).collect();
    names.sort_by_key(|name| name.span.start);
    let mut taken = Unique::new();
    for name in names {
        // Swarm compares names without case.
        taken.claim(cx, name.to_ascii_lowercase(), name.span, || {
            format!("two {}s are called \"{}\"", kind.word(), name.value)
        });
    }
    for (name, span, mistaken, file, other) in entries {
        check_name(cx, kind, &name);
        files.names.insert(name.value.clone(), name.span);
        let content = match (file, other) {
            (Some(file), None) => read(cx, kind, &file, around),
            (None, Some((span, Other::Text(text)))) => Some(Found {
                span,
                bytes: Some(text.into_bytes()),
                source: "the manifest".to_owned(),
            }),
            (None, Some((span, Other::Env(variable)))) => Some(Found {
                span,
                bytes: around
                    .variables
                    .env
                    .get(&variable)
                    .map(|text| text.clone().into_bytes()),
                source: format!("the variable {variable} of the environment"),
            }),
            (Some(file), Some((span, _))) => {
                cx.report(
                    ManifestError::new(Code::Conflict, format!("a {} has one content", kind.word()))
                        .at(file.span, "this one")
                        .at(span, "or this one")
                        .help("remove one of the two"),
                );
                None
            }
            (None, None) if mistaken => None,
            (None, None) => {
                let other = match kind {
                    FileKind::Secret => "`env`",
                    FileKind::Config => "`content`",
                };
                cx.report(
                    ManifestError::new(
                        Code::Missing,
                        format!("a {} needs `file` or {other}", kind.word()),
                    )
                    .at(span, "this says nothing of its content")
                    .help("file: the path of the file whose bytes it is"),
                );
                None
            }
        };
        let Some(found) = content else { continue };
        if let Some(bytes) = &found.bytes {
            check_size(cx, kind, bytes.len(), found.span);
        }
        // A secret's name in the swarm needs the cluster's key, which no manifest has.
        let object = match (kind, &found.bytes) {
            (FileKind::Config, Some(bytes)) => File::object(&name.value, &Digest::of(bytes)),
            _ => format!("{}-(not known here)", name.value),
        };
        files.files.push(File {
            name: name.value,
            object,
            content: found.bytes.map(Content::new),
            source: found.source,
        });
    }
    files.files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

fn check_name(cx: &mut Context<'_>, kind: FileKind, name: &At<String>) {
    let malformed = match SwarmName::from_text(name) {
        Err(malformed) => malformed.reason,
        Ok(_) if name.len() > LONGEST_NAME => {
            format!(
                "{} characters long, at most {LONGEST_NAME} are possible",
                name.len()
            )
        }
        Ok(_) => return,
    };
    cx.report(
        ManifestError::new(
            Code::BadName,
            format!(
                "a {}'s name is letters, digits, hyphens and underscores",
                kind.word()
            ),
        )
        .at(name.span, malformed),
    );
}

fn check_size(cx: &mut Context<'_>, kind: FileKind, size: usize, span: Span) {
    let (what, help) = match size {
        0 => ("it is empty", "Swarm keeps no empty file"),
        _ if size > LARGEST => (
            "it is too large",
            "Swarm keeps 500 KiB at most: put what is larger into the image or on a volume",
        ),
        _ => return,
    };
    cx.report(
        ManifestError::new(
            Code::OutOfRange,
            format!("a {} has 1 byte to 500 KiB", kind.word()),
        )
        .at(span, what)
        .help(help),
    );
}

fn read(
    cx: &mut Context<'_>,
    kind: FileKind,
    path: &At<PlainText>,
    around: &Surroundings<'_>,
) -> Option<Found> {
    let found = |bytes| Found {
        span: path.span,
        bytes,
        source: format!("the file {}", path.0),
    };
    let error = match around.files.bytes(&around.resolve(&path.0), LARGEST as u64) {
        Ok(bytes) => return Some(found(Some(bytes))),
        // Who only plans need not have the secrets.
        Err(error) if kind == FileKind::Secret && error.kind() == io::ErrorKind::NotFound => {
            return Some(found(None));
        }
        Err(error) => error,
    };
    let label = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "you may not read this file".to_owned(),
        io::ErrorKind::IsADirectory => "this is a directory".to_owned(),
        _ => error.to_string(),
    };
    cx.report(
        ManifestError::new(
            Code::BadFile,
            format!("the file {} of the {} cannot be read", path.0, kind.word()),
        )
        .at(path.span, label)
        .help("relative paths start from the manifest's directory"),
    );
    None
}

/// The files of one kind that a service uses, sorted.
pub fn uses(cx: &mut Context<'_>, raw: Option<At<Vec<At<FileUse>>>>, files: &Files) -> Vec<FileMount> {
    let kind = files.kind.word();
    let mut targets = Unique::new();
    let mut mounts = Vec::new();
    for At { value: entry, span } in value(raw) {
        let (source, table) = match entry {
            FileUse::Short(name) => (At { value: name, span }, raw::FileUseTable::default()),
            FileUse::Long(mut table) => match table.source.take() {
                Some(source) => (source, table),
                None => continue,
            },
        };
        if !files.names.contains_key(&source.value) {
            cx.report(
                ManifestError::new(
                    Code::UnknownReference,
                    format!("there is no {kind} \"{}\"", source.value),
                )
                .at(source.span, "named here, but nowhere made")
                .help(
                    did_you_mean(&source.value, files.names.keys().map(String::as_str))
                        .unwrap_or_else(|| format!("add it: [{kind}.{}]", source.value)),
                ),
            );
        }
        let mut number = |key: &str, field: Option<At<PlainText>>| {
            let Some(at) = field else { return "0".to_owned() };
            if at.value.0.parse::<u32>().is_err() {
                cx.report(
                    ManifestError::new(Code::BadFormat, format!("`{key}` must be a number"))
                        .at(at.span, "not a number")
                        .help("the nodes do not know the names in the image: write \"1000\""),
                );
            }
            at.value.0
        };
        let (uid, gid) = (number("uid", table.uid), number("gid", table.gid));
        let place = super::place(&table.target, source.span);
        let target = match (table.target, files.kind) {
            (Some(target), _) => target.value.0,
            (None, FileKind::Secret) => source.value.clone(),
            // Below the root, as Compose has it.
            (None, FileKind::Config) => format!("/{}", source.value),
        };
        targets.claim(cx, crate::manifest::formats::cleaned(&target), place, || {
            format!("two {kind}s are at {target}")
        });
        mounts.push(FileMount {
            gid,
            mode: table.mode.map_or(DEFAULT_MODE, |mode| mode.value.0),
            name: source.value,
            target,
            uid,
        });
    }
    FileMount::sort(&mut mounts);
    mounts
}
