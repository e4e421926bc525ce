//! What people type who know other tools, and what it is called here.

use clap::Parser as _;

use crate::args::Cli;
use crate::hint::line;

/// A command of other tools, and the words that stand for it here.
const COMMANDS: [(&str, &[&str]); 19] = [
    ("console", &["show"]),
    ("create", &["apply"]),
    ("delete", &["destroy"]),
    ("deploy", &["apply"]),
    ("diff", &["plan"]),
    ("down", &["destroy"]),
    ("force-unlock", &["lock", "release"]),
    ("info", &["status"]),
    ("init", &["new"]),
    ("ls", &["state", "list"]),
    ("outputs", &["output"]),
    ("preview", &["plan"]),
    ("ps", &["status"]),
    ("refresh", &["plan"]),
    ("rm", &["destroy"]),
    ("rollback", &["recover", "--back"]),
    ("taint", &["apply", "--replace"]),
    ("unlock", &["lock", "release"]),
    ("up", &["apply"]),
];

/// An option of other tools without its dashes, and the words that stand for it here.
const OPTIONS: [(&str, &[&str]); 9] = [
    ("auto-approve", &["--yes"]),
    ("file", &["--file"]),
    ("json", &["--format", "json"]),
    ("lock-timeout", &["--lock-timeout"]),
    ("out", &["--out"]),
    ("replace", &["--replace"]),
    ("skip-preview", &["--yes"]),
    ("target", &["--target"]),
    ("var", &["--var"]),
];

/// What to do where no other words would do it.
const ADVICE: [(&str, &str); 4] = [
    (
        "scale",
        "write `replicas` of the service, or `count` of the pool, in the manifest, then plan and apply: both change in place",
    ),
    ("fmt", "any TOML formatter does"),
    ("logs", "`docker service logs SERVICE` on a manager prints them"),
    (
        "workspace",
        "a cluster's state goes by its `name`: give each environment a name of its own",
    ),
];

/// What to type instead of a command line that could not be read, without the program's name:
/// advice, or a command line that can be. `None` if nothing is known.
pub fn advice(typed: &[String]) -> Option<String> {
    if let Some(meant) = rewritten(typed) {
        return Some(format!("run `{}`", line(&meant)));
    }
    let word = typed.iter().find(|word| !word.starts_with('-'))?;
    let known = ADVICE.iter().find(|(other, _)| other == word);
    known.map(|(_, advice)| (*advice).to_owned())
}

/// The same in the words of this program, where these can be read.
fn rewritten(typed: &[String]) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut command: Option<&str> = None;
    for word in typed {
        let own = match word.strip_prefix('-') {
            Some(rest) => option(word, rest.trim_start_matches('-')),
            None if command.is_none() => {
                command = Some(word);
                let known = COMMANDS.iter().find(|(other, _)| other == word);
                known.map_or_else(|| vec![word.clone()], |(_, own)| texts(own))
            }
            // No command takes a manifest without its option.
            None if word.ends_with(".toml") && !takes_a_value(words.last()) => {
                vec!["-f".to_owned(), word.clone()]
            }
            None => vec![word.clone()],
        };
        words.extend(own);
    }
    let program = "subako".to_owned();
    let reads = Cli::try_parse_from([program].iter().chain(&words)).is_ok();
    (words != typed && reads).then_some(words)
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// An option in this program's words; `name` is what follows its dashes.
fn option(word: &str, name: &str) -> Vec<String> {
    let (name, value) = match name.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (name, None),
    };
    let Some((_, own)) = OPTIONS.iter().find(|(other, _)| *other == name) else {
        return vec![word.to_owned()];
    };
    let mut words = texts(own);
    words.extend(value.map(str::to_owned));
    words
}

/// Whether the next word belongs to this one.
fn takes_a_value(word: Option<&String>) -> bool {
    word.is_some_and(|word| word.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        advice(&words)
    }

    #[test]
    fn what_other_tools_call_it_is_answered_with_what_it_is_called_here() {
        for (typed, meant) in [
            ("up", "run `subako apply`"),
            ("up -y --sim", "run `subako apply -y --sim`"),
            ("down", "run `subako destroy`"),
            ("init", "run `subako new`"),
            (
                "taint instance.node-0",
                "run `subako apply --replace instance.node-0`",
            ),
            ("refresh", "run `subako plan`"),
            ("rollback", "run `subako recover --back`"),
            ("force-unlock", "run `subako lock release`"),
            ("apply --auto-approve", "run `subako apply --yes`"),
            ("apply -auto-approve", "run `subako apply --yes`"),
            ("plan --json", "run `subako plan --format json`"),
            ("status -json", "run `subako status --format json`"),
            ("plan -out=a.plan", "run `subako plan --out a.plan`"),
            (
                "plan -target=service.web -var a=b",
                "run `subako plan --target service.web --var 'a=b'`",
            ),
            ("plan cluster.toml", "run `subako plan -f cluster.toml`"),
            ("validate it's.toml", "run `subako validate -f \"it's.toml\"`"),
        ] {
            assert_eq!(of(typed).as_deref(), Some(meant), "{typed}");
        }
        assert!(of("scale web=3").is_some_and(|said| said.contains("replicas")));
    }

    #[test]
    fn what_nobody_knows_is_answered_with_nothing() {
        for typed in [
            "frobnicate",
            "plan --frobnicate",
            "apply --parallelism none",
            "--json",
        ] {
            assert_eq!(of(typed), None, "{typed}");
        }
    }

    /// What is advised can be read, and does not itself need advice.
    #[test]
    fn every_command_that_is_advised_exists() {
        for (other, own) in COMMANDS {
            let mut line = vec!["subako".to_owned()];
            line.extend(texts(own));
            line.extend((other == "taint").then(|| "instance.a".to_owned()));
            assert!(Cli::try_parse_from(&line).is_ok(), "{line:?}");
            assert!(
                Cli::try_parse_from(["subako", other]).is_err(),
                "{other} is a command here"
            );
        }
    }
}
