//! Bad manifests: the line shown, underlined, with a suggestion; read before they were accepted.

use std::fs;

use crate::support::{Ran, root, subako};

#[test]
fn every_bad_manifest_is_refused_as_its_golden_text_says() {
    let folder = root().join("tests/manifests/bad");
    let mut count = 0;
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .expect("manifests")
        .map(|e| e.expect("an entry").path())
        .collect();
    paths.sort();
    for path in paths
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
    {
        let name = format!(
            "tests/manifests/bad/{}",
            path.file_name().expect("a name").to_string_lossy()
        );
        let mut command = subako();
        command
            .current_dir(root())
            .args(["validate", "-f", &name])
            .env("SUBAKO_VAR_workers", "2");
        let ran = Ran::of(&mut command).expect(1);
        let golden = fs::read_to_string(path.with_extension("txt")).expect("the golden text");
        // The command line puts its own `error:` before the last line.
        let (report, count_of) = golden
            .trim_end()
            .rsplit_once("\n\n")
            .expect("a report and a count");
        assert_eq!(
            ran.stderr.trim_end(),
            format!("{report}\nerror: {count_of}"),
            "{name}"
        );
        count += 1;
    }
    assert!(count >= 40, "only {count} bad manifests");
}

#[test]
fn a_missing_manifest_says_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = subako();
    command.current_dir(dir.path()).args(["plan"]);
    Ran::of(&mut command)
        .expect(1)
        .says("cluster.toml")
        .says("subako new");
}
