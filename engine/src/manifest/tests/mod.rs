//! Tests of the whole way, from text to manifest or to a report.

mod arbitrary;
mod examples;
mod golden;
mod lowering;
mod mistakes;
mod schema;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{Files, Manifest, ManifestErrors, Source, Variables, parse_with};

/// The project's directory.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A key whose private half nobody has.
pub const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOQ1vQKcNumpTVDA/sZOEDw+w66/Lruzeb1VABYq44AL";

/// Files in memory.
pub struct InMemory(pub BTreeMap<PathBuf, String>);

impl Files for InMemory {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.0
            .get(path)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn bytes(&self, path: &Path, _most: u64) -> io::Result<Vec<u8>> {
        self.read(path).map(String::into_bytes)
    }
}

/// Reads a manifest from a text alone.
pub fn read(text: &str) -> Result<Manifest, ManifestErrors> {
    let source = Source {
        name: "cluster.toml".to_owned(),
        text: text.into(),
        dir: "/srv".into(),
    };
    let files = InMemory(BTreeMap::from([(
        PathBuf::from("/srv/a.pub"),
        format!("{PUBLIC_KEY} me\n"),
    )]));
    let variables = Variables {
        env: BTreeMap::from([("HOME".to_owned(), "/home/me".to_owned())]),
        vars: [("n", "4"), ("yes", "true")]
            .into_iter()
            .filter(|(name, _)| text.contains(&format!("${{var:{name}}}")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        ..Variables::default()
    };
    parse_with(&source, &variables, &files)
}
