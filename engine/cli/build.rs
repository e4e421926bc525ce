//! Tells the program which commit it is built from, for `subako --version`.
//!
//! `SUBAKO_COMMIT` says it where there is no repository (a release's own build); without either,
//! as from a source archive, the version stands alone.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=SUBAKO_COMMIT");
    let commit = std::env::var("SUBAKO_COMMIT").ok().or_else(of_the_repository);
    let version = env!("CARGO_PKG_VERSION");
    let long = match commit.filter(|commit| !commit.is_empty()) {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    };
    println!("cargo::rustc-env=SUBAKO_VERSION={long}");
}

/// The commit that is checked out, abbreviated, and its date.
fn of_the_repository() -> Option<String> {
    // Changes with every commit and checkout. A path that does not exist would run this script
    // again in every build.
    let moved = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if std::path::Path::new(&moved).exists() {
        println!("cargo::rerun-if-changed={moved}");
    }
    git(&["log", "-1", "--abbrev=9", "--format=%h %cs"])
}

/// What git answers, in one line; nothing where it cannot be asked.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
