//! What a message says to do next works when it is pasted into a shell.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use subako_engine::world::NextCommand;

use crate::support::{Cluster, Ran, files, root};

/// The options that were typed: each has to be said again, and quoted.
const OPTIONS: [&str; 7] = [
    "--sim",
    "-f",
    "a folder/it's mine.toml",
    "--state-dir",
    "my states",
    "--var",
    "zone=a $b `c`",
];

/// The example in a folder whose names need quotes.
struct Place(Cluster);

impl Place {
    fn new(edit: impl FnOnce(String) -> String) -> Self {
        let cluster = Cluster::with(|text| edit(format!("[variable.zone]\n\n{text}")));
        let folder = cluster.dir.path().join("a folder");
        std::fs::create_dir(&folder).expect("a folder");
        for (from, to) in [("cluster.toml", "it's mine.toml"), ("sandbox.pub", "sandbox.pub")] {
            std::fs::rename(cluster.dir.path().join(from), folder.join(to)).expect("moved");
        }
        Self(cluster)
    }

    fn applied() -> Self {
        let place = Self::new(|text| text);
        place.run(&["apply", "--yes"]).expect(0);
        place
    }

    /// The first apply, killed after that many journal entries.
    fn killed(entries: &str) -> Self {
        let place = Self::new(|text| text);
        place.kill(&["apply", "--yes"], entries);
        place
    }

    /// Runs a command that is killed after that many journal entries.
    fn kill(&self, words: &[&str], entries: &str) {
        let mut command = self.command(words);
        command.env("SUBAKO_CRASH_AFTER_ENTRY", entries);
        assert_eq!(Ran::of(&mut command).code, None, "it was killed");
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = crate::support::subako();
        command.current_dir(self.0.dir.path()).args(words).args(OPTIONS);
        command
    }

    fn run(&self, words: &[&str]) -> Ran {
        Ran::of(&mut self.command(words))
    }

    /// Runs a line as it was printed, in a shell that knows the program by its name.
    fn paste(&self, line: &str) -> Ran {
        let program = Path::new(env!("CARGO_BIN_EXE_subako"));
        let folder = program.parent().expect("a folder");
        let mut shell = Command::new("/bin/sh");
        shell
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
            .current_dir(self.0.dir.path())
            .stdin(Stdio::null())
            .args(["-c", line]);
        Ran::of(&mut shell)
    }

    /// The same place once more: what is tried there leaves this one as it is.
    fn copy(&self) -> Self {
        let copy = Cluster {
            dir: tempfile::tempdir().expect("a folder"),
        };
        for file in files(self.0.dir.path()) {
            let below = file.strip_prefix(self.0.dir.path()).expect("below it");
            let to = copy.dir.path().join(below);
            std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
            std::fs::copy(&file, to).expect("copied");
        }
        Self(copy)
    }

    fn state_folder(&self) -> std::path::PathBuf {
        self.0.dir.path().join("my states/sandbox.sim")
    }
}

/// The commands in a text: what stands in backticks and begins with the program's name. A
/// backtick may stand in a quoted word of it.
pub fn commands(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("subako ") {
        // In markdown, what has a backtick in it stands between two of them and spaces.
        if !text[..at].ends_with('`') && !text[..at].ends_with("`` ") {
            continue;
        }
        let rest = &text[at..];
        let mut quote = None;
        let end = rest.find(|c: char| match (quote, c) {
            (None, '`') => true,
            (None, '\'' | '"') => {
                quote = Some(c);
                false
            }
            (Some(open), c) if open == c => {
                quote = None;
                false
            }
            _ => false,
        });
        if let Some(end) = end {
            found.insert(rest[..end].trim_end().to_owned());
        }
    }
    found
}

#[test]
fn commands_are_found_in_their_backticks() {
    let text = "help: `subako plan --var 'a `b'` shows, `subako apply` does; a `subako` alone is none; `` subako apply -f '`' `` too";
    let found: Vec<String> = commands(text).into_iter().collect();
    assert_eq!(
        found,
        ["subako apply", "subako apply -f '`'", "subako plan --var 'a `b'"]
    );
}

/// A situation, what it says to do next, and what has to be done before that works.
struct Case {
    /// What is named.
    says: Vec<NextCommand>,
    place: Place,
    ran: Ran,
    /// What the message asks for besides: to remove the cause.
    first: fn(&Place),
}

fn case(says: &[NextCommand], place: Place, words: &[&str], code: i32) -> Case {
    let ran = place.run(words).expect(code);
    Case {
        says: says.to_vec(),
        place,
        ran,
        first: |_| {},
    }
}

fn situations() -> Vec<Case> {
    use NextCommand as N;
    let faults = "faults = [{ call = \"create_service:reply\", error = \"ServerError\" }]\n";
    let faulty = || Place::new(|text| text.replace("[sim]\n", &format!("[sim]\n{faults}")));
    let damaged = Place::applied();
    let state = damaged.state_folder().join("state.json");
    std::fs::write(&state, "{").expect("written");
    let edited = Place::applied();
    edited.run(&["plan", "--out", "review.plan"]).expect(0);
    let plan = edited.0.dir.path().join("review.plan");
    let text = std::fs::read_to_string(&plan).expect("a plan");
    std::fs::write(&plan, text.replacen("sandbox", "sandb0x", 1)).expect("written");
    let twice = Place::new(|text| text);
    twice.run(&["new", "another"]).expect(0);
    let started = case(
        &[N::Plan, N::Apply],
        Place::new(|text| text),
        &["new", "a folder", "--ssh-from", "198.51.100.7"],
        0,
    );
    let mended = |place: &Place| {
        let manifest = place.0.dir.path().join("a folder/it's mine.toml");
        let text = std::fs::read_to_string(&manifest).expect("the manifest");
        let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("faults")).collect();
        std::fs::write(&manifest, kept.join("\n")).expect("written");
    };
    let recover = [N::RecoverForward, N::RecoverBack];
    let way_out = [N::RecoverForward, N::RecoverBack, N::Apply];
    let mut rolled_back = case(&[N::Again], faulty(), &["apply", "--yes"], 3);
    let mut kept = case(&way_out, faulty(), &["apply", "--yes", "--on-failure", "keep"], 4);
    (rolled_back.first, kept.first) = (mended, mended);
    // A recovery that fails and turns back leaves no run to recover.
    let unlucky = faulty();
    unlucky.kill(&["apply", "--yes"], "16");
    let mut turned = case(&[N::Apply], unlucky, &["recover", "--forward", "--yes"], 3);
    turned.first = mended;
    // Past the line there is no way back, and none is named: neither by who looks, nor by who fails.
    let crossed = |faults: &str| {
        let place = Place::applied();
        place.kill(&["destroy", "--yes"], "12");
        let manifest = place.0.dir.path().join("a folder/it's mine.toml");
        let text = std::fs::read_to_string(&manifest).expect("the manifest");
        std::fs::write(&manifest, text.replace("[sim]\n", &format!("[sim]\n{faults}"))).expect("written");
        place
    };
    let refused = "faults = [{ call = \"terminate_instance\", error = \"ServerError\" }]\n";
    let onward = [N::RecoverForward, N::Destroy];
    let mut failed_on = case(&onward, crossed(refused), &["recover", "--forward", "--yes"], 4);
    failed_on.first = mended;
    vec![
        turned,
        failed_on,
        case(&[N::RecoverForward], crossed(""), &["status"], 0),
        case(
            &[N::RecoverForward],
            crossed(""),
            &["state", "rm", "service.reply"],
            5,
        ),
        rolled_back,
        kept,
        case(&[N::AgainWithYes], Place::new(|text| text), &["apply"], 1),
        case(
            &[N::AgainWithYes],
            Place::applied(),
            &["state", "rm", "service.*"],
            1,
        ),
        case(&[N::AgainWithYes], Place::killed("16"), &["recover", "--back"], 1),
        case(&[N::Apply], Place::new(|text| text), &["show"], 1),
        case(
            &[N::Apply],
            Place::new(|text| text),
            &["sim", "kill-node", "node-0"],
            1,
        ),
        case(
            &[N::ApplySaved("my plan".into())],
            Place::new(|text| text),
            &["plan", "--out", "my plan"],
            0,
        ),
        case(
            &[N::ApplyExpecting {
                digest: String::new(),
                more: Vec::new(),
            }],
            Place::new(|text| text),
            &["plan", "--format", "markdown"],
            0,
        ),
        case(
            &[N::Graph, N::StateList],
            Place::applied(),
            &["plan", "--target", "service.nobody"],
            1,
        ),
        started,
        case(&[N::New(Some("DIR".into()))], twice, &["new", "another"], 1),
        case(&[N::Output], Place::applied(), &["output", "key_pair.sandbox"], 1),
        case(
            &[N::PlanOut("review.plan".into())],
            edited,
            &["apply", "review.plan", "--yes"],
            5,
        ),
        case(&recover, Place::killed("16"), &["state", "list"], 0),
        case(&recover, Place::killed("44"), &["status"], 0),
        case(
            &[N::StateHistory],
            Place::applied(),
            &["state", "restore", "99"],
            1,
        ),
        case(
            &[N::StateList],
            Place::applied(),
            &["state", "show", "service.nobody"],
            1,
        ),
        case(&[N::StateRestore(1), N::StateRebuild], damaged, &["plan"], 5),
        case(
            &[N::Plan],
            Place::applied(),
            &["sim", "terminate-instance", "node-0"],
            0,
        ),
        case(&[N::Status], Place::applied(), &["sim", "kill-node", "nobody"], 1),
    ]
}

/// Runs a line that was printed, and what it says in turn, until one is done.
fn follow(place: &Place, line: &str, depth: u32) {
    let ran = place.paste(line);
    if ran.code == Some(0) {
        return;
    }
    let asks = ran.code == Some(1) && ran.stderr.contains("cannot prompt without a terminal");
    assert!(asks && depth < 2, "`{line}` does not work: {}", ran.said());
    let next: Vec<String> = commands(&ran.stderr)
        .into_iter()
        .filter(|line| line.contains("--yes"))
        .collect();
    assert_eq!(next.len(), 1, "`{line}`: {}", ran.said());
    follow(place, &next[0], depth + 1);
}

#[test]
fn every_command_that_a_message_names_works_when_it_is_pasted() {
    for case in situations() {
        let said = format!("{}{}", case.ran.stdout, case.ran.stderr);
        let printed = commands(&said);
        for command in &case.says {
            let words = match command {
                NextCommand::Again => vec!["apply".to_owned()],
                NextCommand::AgainWithYes => vec!["--yes".to_owned()],
                NextCommand::ApplyExpecting { .. } => vec!["apply".to_owned(), "--expect".to_owned()],
                command => command.words().expect("its words"),
            };
            let named = printed.iter().any(|line| {
                words
                    .iter()
                    .all(|word| line.contains(word.as_str()) || line.contains(&word.replace(' ', "\\ ")))
            });
            assert!(named, "{command:?} is not named: {}", case.ran.said());
        }
        for line in printed.iter().filter(|line| !is_name(line)) {
            let place = case.place.copy();
            (case.first)(&place);
            follow(&place, line, 0);
        }
    }
}

/// The example up and running, then somebody scales a service by hand.
fn scaled() -> Place {
    let place = Place::applied();
    place.run(&["sim", "scale", "reply", "3"]).expect(0);
    place
}

#[test]
fn every_command_in_a_plan_works_when_it_is_pasted_whatever_its_format() {
    let fresh = Place::new(|text| text);
    let drifted = scaled();
    let plans: [(&Place, &[&str], i32); 8] = [
        (&fresh, &[], 0),
        (&fresh, &["--out", "my plan"], 0),
        (&fresh, &["--target", "key_pair.*"], 0),
        (&fresh, &["--max-destroy", "0"], 0),
        (&drifted, &[], 0),
        (&drifted, &["--destroy"], 0),
        (&drifted, &["--refresh=false", "--replace", "service.reply"], 0),
        (&drifted, &["--drift"], 2),
    ];
    let mut found = 0;
    for (place, chosen, code) in plans {
        for format in ["text", "markdown"] {
            let words = [&["plan", "--format", format], chosen].concat();
            let ran = place.run(&words).expect(code);
            let printed = commands(&format!("{}{}", ran.stdout, ran.stderr));
            let printed: Vec<&String> = printed.iter().filter(|line| !is_name(line)).collect();
            found += printed.len();
            for line in printed {
                follow(&place.copy(), line, 0);
            }
        }
    }
    assert!(found >= 10, "{found} commands are named");
}

/// The command of a run in the past, which nobody is told to run: it has no options.
fn is_name(line: &str) -> bool {
    ["subako apply", "subako destroy", "subako sim"].contains(&line)
}

/// Texts in which a command is named, and not as what to do next with the options that were typed.
const NAMED: [(&str, &str); 3] = [
    // Where a file comes from.
    ("engine/src/session/saved_plan.rs", "`subako plan --out`"),
    // It takes no options.
    ("engine/src/manifest/decode/section.rs", "`subako new`"),
    ("engine/src/manifest/syntax.rs", "`subako new`"),
];

#[test]
fn no_message_has_a_command_in_its_text() {
    let mut found = Vec::new();
    for sources in [
        "engine/cli/src",
        "engine/src",
        "engine/world/src",
        "providers/src",
        "state/src",
    ] {
        for file in files(&root().join(sources)) {
            let name = file
                .strip_prefix(root())
                .expect("below the root")
                .display()
                .to_string();
            let text = std::fs::read_to_string(&file).expect("readable");
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in lines.filter(|_| !name.ends_with("tests.rs")) {
                let command = line
                    .split("`subako ")
                    .nth(1)
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_lowercase()));
                let named = NAMED.iter().any(|(of, text)| *of == name && line.contains(text));
                if command && !named {
                    found.push(format!("{name}: {}", line.trim()));
                }
            }
        }
    }
    assert!(found.is_empty(), "a message carries a `NextCommand`: {found:#?}");
}
