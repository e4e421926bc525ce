//! The comment of a pull request: twelve changes of a cluster as it is in production, as they were
//! read by their authors; and that the command in it applies exactly what was read.

use std::fs;
use std::path::PathBuf;

use crate::faults::copy_of;
use crate::hints::commands;
use crate::support::{Cluster, PASSWORD, Ran, replace, root};

/// Forges take comments of 65,536 characters.
const MOST: usize = 60_000;
/// So many lines are seen without scrolling.
const SCREEN: usize = 40;
const VARIABLES: [&str; 4] = ["--var", "version=1.8.2", "--var", "web_replicas=6"];

/// The example of a cluster in production with a web tier of 42, up and running.
fn production() -> Cluster {
    let cluster = new();
    run(&cluster, &["apply", "--yes", "--rehearse=false"]).expect(0);
    cluster
}

fn new() -> Cluster {
    let cluster = Cluster::with(|_| {
        let text = fs::read_to_string(root().join("examples/production.toml")).expect("the example");
        let text = replace(&text, "count = 6\n", "count = 42\n");
        text + "\n[sim]\ntime = \"instant\"\n"
    });
    fs::rename(cluster.manifest(), cluster.dir.path().join("my cluster.toml")).expect("renamed");
    cluster
}

fn manifest(cluster: &Cluster) -> PathBuf {
    cluster.dir.path().join("my cluster.toml")
}

fn run(cluster: &Cluster, words: &[&str]) -> Ran {
    let mut command = cluster.command(words);
    command.args(VARIABLES).args(["-f", "my cluster.toml"]);
    command.env("DATABASE_PASSWORD", PASSWORD);
    Ran::of(&mut command)
}

struct Change {
    name: &'static str,
    /// What was edited and applied before.
    before: &'static [(&'static str, &'static str)],
    /// What is edited in the manifest.
    edits: &'static [(&'static str, &'static str)],
    /// What happens outside.
    outside: &'static [&'static [&'static str]],
    /// What else is asked for.
    args: &'static [&'static str],
    /// What has to be seen without scrolling.
    seen: &'static [&'static str],
}

/// Nothing is protected any more.
const UNPROTECTED: &[(&str, &str)] = &[
    ("protect = true                        # must", "# must"),
    ("protect = true\ntags", "tags"),
];

const NOTHING: Change = Change {
    name: "",
    before: &[],
    edits: &[],
    outside: &[],
    args: &[],
    seen: &[],
};

const CHANGES: [Change; 12] = [
    Change {
        name: "nothing",
        ..NOTHING
    },
    Change {
        name: "a-hundred-destroys",
        edits: &[("count = 42\n", "count = 8\n")],
        seen: &["102 to destroy", "-   instance.web-8 "],
        ..NOTHING
    },
    Change {
        name: "refused",
        edits: &[
            (
                "count = 3\ninstance_type = \"t3.small\"",
                "count = 1\ninstance_type = \"t3.small\"",
            ),
            ("\"10.60.1.10\", \"10.60.2.10\", \"10.60.3.10\"", "\"10.60.1.10\""),
        ],
        seen: &["### REFUSED: ", "**protect**", "-   instance.manager-1 "],
        ..NOTHING
    },
    Change {
        name: "a-new-image",
        edits: &[("shop/web:${var:version}", "shop/web:1.9.0")],
        ..NOTHING
    },
    Change {
        name: "drift",
        outside: &[
            &["sim", "terminate-instance", "web-7"],
            &["sim", "scale", "api", "2"],
            &["sim", "open-port", "8080"],
        ],
        seen: &["Rehearsed: about"],
        ..NOTHING
    },
    Change {
        name: "another-type",
        edits: &[("c7i.large", "c7i.xlarge")],
        seen: &["to change"],
        ..NOTHING
    },
    Change {
        name: "a-manager-is-replaced",
        before: UNPROTECTED,
        args: &["--replace", "instance.manager-1"],
        seen: &["-/+ instance.manager-1", "Rehearsed: about", "managers 3 → 2 → 3"],
        ..NOTHING
    },
    Change {
        name: "a-service-and-its-network-go",
        edits: &[
            (
                "[service.networks]\nfront = { aliases = [\"gateway\"] }",
                "[service.networks]\n#",
            ),
            ("networks = [\"front\"]\n", ""),
            (
                "[[network]]\nname = \"front\"\nencrypted = true\nsubnet = \"10.140.0.0/24\"\n",
                "",
            ),
        ],
        seen: &["-   network.front"],
        ..NOTHING
    },
    Change {
        name: "another-config",
        edits: &[("max_connections = 200", "max_connections = 300")],
        seen: &["-/+ config.postgres"],
        ..NOTHING
    },
    Change {
        name: "only-a-part",
        edits: &[
            ("shop/web:${var:version}", "shop/web:1.9.0"),
            ("replicas = 4", "replicas = 5"),
        ],
        args: &["--target", "service.api"],
        seen: &["(only a part of it)"],
        ..NOTHING
    },
    Change {
        name: "everything-goes",
        before: UNPROTECTED,
        args: &["--destroy"],
        seen: &["155 to destroy"],
        ..NOTHING
    },
    Change {
        name: "markup-in-names",
        edits: &[(
            "labels = { team = \"operations\" }",
            "labels = { \"@team|`*x*`\" = \"<b>#12</b> ```\" }",
        )],
        ..NOTHING
    },
];

/// A duration above a minute is said in steps of so many seconds.
const STEP_S: u64 = 10;

/// The text without how long the rehearsal took, and that in seconds. Each cluster
/// has ids of its own, and they break ties: a moment more or less is rounded up in one cluster and
/// down in the next.
fn timeless(text: &str) -> (String, u64) {
    const BEFORE: &str = "Rehearsed: about ";
    let Some((before, rest)) = text.split_once(BEFORE) else {
        return (text.to_owned(), 0);
    };
    let end = rest.find([';', '\n']).unwrap_or(rest.len());
    let words: Vec<&str> = rest[..end].split(' ').collect();
    let seconds = words.chunks(2).map(|pair| {
        let number: f64 = pair[0].parse().expect("a number");
        number
            * match pair[1] {
                "s" => 1.0,
                "min" => 60.0,
                unit => panic!("{unit} of a duration"),
            }
    });
    (
        format!("{before}{BEFORE}{}", &rest[end..]),
        seconds.sum::<f64>() as u64,
    )
}

/// What differs from run to run: digests (of a state that has its own lineage), ids, names of
/// secrets under a random key.
fn scrubbed(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("sha256:") {
        let (before, after) = rest.split_at(at + "sha256:".len());
        out.push_str(before);
        out.push_str("DIGEST");
        rest = after.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    out + rest
}

#[test]
fn twelve_changes_of_a_cluster_in_production_read_as_they_were_read_by_their_authors() {
    let template = production();
    let bless = std::env::var_os("SUBAKO_BLESS").is_some();
    for change in &CHANGES {
        let cluster = copy_of(&template);
        for words in change.outside {
            run(&cluster, words).expect(0);
        }
        edit(&cluster, change.before);
        if !change.before.is_empty() {
            run(&cluster, &["apply", "--yes", "--rehearse=false"]).expect(0);
        }
        edit(&cluster, change.edits);
        let words = [&["plan", "--format", "markdown"], change.args].concat();
        let ran = run(&cluster, &words);
        let said = ran.stdout.clone();
        assert_eq!(
            said,
            run(&cluster, &words).stdout,
            "{}: the same text twice",
            change.name
        );
        assert!(said.len() <= MOST, "{}: {} bytes", change.name, said.len());
        let screen: Vec<&str> = said.lines().take(SCREEN).collect();
        for seen in change.seen {
            assert!(
                screen.iter().any(|line| line.contains(seen)),
                "{}: `{seen}` is not in the first {SCREEN} lines: {}",
                change.name,
                ran.said()
            );
        }
        let golden = root().join(format!("tests/integration/golden/review/{}.md", change.name));
        if bless {
            fs::create_dir_all(golden.parent().expect("a folder")).expect("a folder");
            fs::write(&golden, scrubbed(&said)).expect("written");
        }
        let written = fs::read_to_string(&golden).expect("the golden comment");
        let ((said, took), (written, expected)) = (timeless(&scrubbed(&said)), timeless(&written));
        assert_eq!(said, written, "{}: read it, then SUBAKO_BLESS=1", change.name);
        assert!(
            took.abs_diff(expected) <= STEP_S,
            "{}: {took} s were rehearsed, {expected} s are expected",
            change.name
        );
        approved(&cluster, change, &ran);
    }
}

fn edit(cluster: &Cluster, edits: &[(&str, &str)]) {
    let mut text = fs::read_to_string(manifest(cluster)).expect("the manifest");
    for (from, to) in edits {
        text = replace(&text, from, to);
    }
    fs::write(manifest(cluster), text).expect("written");
}

/// A refused plan names no command that applies it; of any other the command applies it.
fn approved(cluster: &Cluster, change: &Change, ran: &Ran) {
    let applies: Vec<String> = commands(&ran.stdout)
        .into_iter()
        .filter(|line| line.starts_with("subako apply"))
        .collect();
    let is_nothing = ran.stdout.lines().count() == 1;
    if ran.code == Some(5) || is_nothing {
        assert_eq!(applies, [""; 0], "{}", change.name);
        return;
    }
    assert_eq!(applies.len(), 1, "{}: {}", change.name, ran.said());
    let words = shlex::split(&applies[0]).expect("a line for a shell");
    let mut command = crate::support::subako();
    command
        .current_dir(cluster.dir.path())
        .env("DATABASE_PASSWORD", PASSWORD)
        .args(&words[1..])
        .args(["--yes", "--rehearse=false"]);
    Ran::of(&mut command).expect(0);
    let words = [&["plan", "--detailed-exitcode"], change.args].concat();
    let again: Vec<&str> = words
        .into_iter()
        .filter(|word| *word != "--replace" && *word != "instance.manager-1")
        .collect();
    run(cluster, &again).expect(0);
}
