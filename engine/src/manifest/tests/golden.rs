//! Every file in `tests/manifests/bad` is refused with the report that stands beside it.
//!
//! `SUBAKO_BLESS=1 cargo test -p subako-engine manifest` rewrites the reports: read
//! every one that changed, as its user would.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use miette::{GraphicalReportHandler, GraphicalTheme};

use super::root;
use crate::manifest::{Code, Disk, ManifestErrors, Source, Variables, parse_with};

const DIR: &str = "tests/manifests/bad";

fn manifests() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(DIR)).expect("the directory of bad manifests");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths
}

/// Reads as the command line would when called from the project's directory.
fn refuse(path: &Path) -> ManifestErrors {
    let name = format!("{DIR}/{}", path.file_name().expect("a name").to_string_lossy());
    let source = Source {
        text: fs::read_to_string(path).expect("a text").into(),
        dir: path.parent().expect("a directory").to_owned(),
        name,
    };
    let variables = Variables {
        env: BTreeMap::from([("SUBAKO_VAR_workers".into(), "2".into())]),
        ..Variables::default()
    };
    parse_with(&source, &variables, &Disk).expect_err(&source.name)
}

fn render(errors: &ManifestErrors) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    errors.report(&handler).to_string()
}

#[test]
fn every_bad_manifest_is_refused_with_the_report_beside_it() {
    let bless = std::env::var_os("SUBAKO_BLESS").is_some_and(|value| value == "1");
    let paths = manifests();
    assert!(paths.len() >= 45, "only {} bad manifests", paths.len());
    let mut differing = Vec::new();
    for path in paths {
        let report = render(&refuse(&path));
        let golden = path.with_extension("txt");
        if bless {
            fs::write(&golden, &report).expect("written");
        } else if fs::read_to_string(&golden).ok().as_deref() != Some(&report) {
            differing.push(format!("{}:\n{report}", path.display()));
        }
    }
    assert!(
        differing.is_empty(),
        "SUBAKO_BLESS=1 rewrites these:\n{}",
        differing.join("\n")
    );
}

#[test]
fn every_kind_of_mistake_has_a_bad_manifest() {
    let seen: Vec<Code> = manifests()
        .iter()
        .flat_map(|path| refuse(path).errors().iter().map(|e| e.kind()).collect::<Vec<_>>())
        .collect();
    for code in Code::ALL {
        assert!(seen.contains(&code), "{}", code.as_str());
    }
}

#[test]
fn every_mistake_points_at_a_place() {
    for path in manifests() {
        for error in refuse(&path).errors() {
            assert!(error.spans().next().is_some(), "{}: {error}", path.display());
        }
    }
}
