//! Every command that a hint can name is one that the program reads as it was meant.

use clap::Parser as _;
use proptest::prelude::*;

use super::*;
use crate::args::{Cli, Command, LockCommand, SchemaOf, StateCommand};
use crate::plain::is_dangerous;

fn typed(words: &[&str]) -> Invocation {
    let cli = Cli::try_parse_from(["subako"].iter().chain(words)).expect("valid");
    Invocation::new(words.iter().map(|word| (*word).to_owned()), &cli.global)
}

/// The command after another one: a new one does not compile without its place here.
fn after(command: Option<&NextCommand>, text: &str) -> Option<NextCommand> {
    use NextCommand as N;
    Some(match command {
        None => N::Again,
        Some(N::Again) => N::AgainWithYes,
        Some(N::AgainWithYes) => N::Apply,
        Some(N::Apply) => N::ApplySaved(text.to_owned()),
        Some(N::ApplySaved(_)) => N::ApplyExpecting {
            digest: "0123456789ab".to_owned(),
            more: vec!["--target".to_owned(), "service.*".to_owned()],
        },
        Some(N::ApplyExpecting { .. }) => N::Destroy,
        Some(N::Destroy) => N::Graph,
        Some(N::Graph) => N::LockShow,
        Some(N::LockShow) => N::New(None),
        Some(N::New(None)) => N::New(Some(text.to_owned())),
        Some(N::New(Some(_))) => N::Output,
        Some(N::Output) => N::Park,
        Some(N::Park) => N::Plan,
        Some(N::Plan) => N::PlanDrift,
        Some(N::PlanDrift) => N::PlanFull {
            file: text.to_owned(),
            more: vec!["--destroy".to_owned()],
        },
        Some(N::PlanFull { .. }) => N::PlanOut(text.to_owned()),
        Some(N::PlanOut(_)) => N::Policy,
        Some(N::Policy) => N::PolicyWithKms,
        Some(N::PolicyWithKms) => N::Rebalance,
        Some(N::Rebalance) => N::RecoverBack,
        Some(N::RecoverBack) => N::RecoverForward,
        Some(N::RecoverForward) => N::RecoverQuorum,
        Some(N::RecoverQuorum) => N::Resume,
        Some(N::Resume) => N::Schema,
        Some(N::Schema) => N::StateHistory,
        Some(N::StateHistory) => N::StateList,
        Some(N::StateList) => N::StateMv("node-0".to_owned(), "worker-0".to_owned()),
        Some(N::StateMv(..)) => N::StateRebuild,
        Some(N::StateRebuild) => N::StateRestore(7),
        Some(N::StateRestore(_)) => N::StateRm("docker.manager-0".to_owned()),
        Some(N::StateRm(_)) => N::StateUnpin,
        Some(N::StateUnpin) => N::Status,
        Some(N::Status) => N::Validate,
        Some(N::Validate) => return None,
    })
}

fn every(text: &str) -> Vec<NextCommand> {
    std::iter::successors(after(None, text), |command| after(Some(command), text)).collect()
}

/// The path in a word that had to be told from an option.
fn is_path(path: &std::path::Path, text: &str) -> bool {
    path == std::path::Path::new(text) || path == std::path::Path::new(&format!("./{text}"))
}

/// Whether what was read is what the hint means. `again` is the command that was typed.
fn means(command: &NextCommand, read: &Command, text: &str, again: fn(&Command, yes: bool) -> bool) -> bool {
    use NextCommand as N;
    match (command, read) {
        (N::Again, read) => again(read, false),
        (N::AgainWithYes, read) => again(read, true),
        (N::Apply, Command::Apply(args)) => args.plan_file.is_none() && args.expect.is_none(),
        (N::ApplySaved(_), Command::Apply(args)) => {
            args.plan_file.as_ref().is_some_and(|file| is_path(file, text))
        }
        (N::ApplyExpecting { digest, .. }, Command::Apply(args)) => {
            args.expect.as_ref() == Some(digest) && args.selection.target == ["service.*"]
        }
        (N::New(None), Command::New(args)) => args.dir == std::path::Path::new("."),
        (N::New(Some(_)), Command::New(args)) => is_path(&args.dir, text),
        (N::Plan, Command::Plan(args)) => args.out.is_none() && !args.drift,
        (N::PlanDrift, Command::Plan(args)) => args.drift,
        (N::PlanFull { .. }, Command::Plan(args)) => {
            args.full && args.destroy && args.out.as_ref().is_some_and(|file| is_path(file, text))
        }
        (N::PlanOut(_), Command::Plan(args)) => args.out.as_ref().is_some_and(|file| is_path(file, text)),
        (N::RecoverBack, Command::Recover(args)) => args.back && !args.forward,
        (N::RecoverForward, Command::Recover(args)) => args.forward && !args.back,
        (N::RecoverQuorum, Command::Recover(args)) => args.quorum && !args.forward && !args.back,
        (N::StateRestore(wanted), Command::State(StateCommand::Restore { serial, .. })) => serial == wanted,
        (N::StateMv(old, new), Command::State(StateCommand::Mv { from, to })) => from == old && to == new,
        (N::StateUnpin, Command::State(StateCommand::Unpin { yes: false })) => true,
        (N::StateRm(wanted), Command::State(StateCommand::Rm { addresses, .. })) => {
            addresses.as_slice() == std::slice::from_ref(wanted)
        }
        (N::Destroy, Command::Destroy(_))
        | (N::Graph, Command::Graph(_))
        | (N::LockShow, Command::Lock(LockCommand::Show { .. }))
        | (N::Output, Command::Output(_))
        | (N::Park, Command::Park(_))
        | (N::Rebalance, Command::Rebalance(_))
        | (N::Resume, Command::Resume(_))
        | (N::Policy, Command::Policy { kms: false })
        | (N::PolicyWithKms, Command::Policy { kms: true })
        | (
            N::Schema,
            Command::Schema {
                of: SchemaOf::Manifest,
            },
        )
        | (N::StateHistory, Command::State(StateCommand::History { .. }))
        | (N::StateList, Command::State(StateCommand::List { .. }))
        | (N::StateRebuild, Command::State(StateCommand::Rebuild { .. }))
        | (N::Status, Command::Status(_))
        | (N::Validate, Command::Validate) => true,
        _ => false,
    }
}

/// What a shell makes of a line: `$'…'`, which only the hints of hostile names have, is undone here.
fn shell(line: &str) -> Vec<String> {
    shlex::split(line).unwrap_or_else(|| panic!("no shell reads {line}"))
}

fn check(words: &[&str], text: &str, again: fn(&Command, bool) -> bool) {
    let was = Cli::try_parse_from(["subako"].iter().chain(words))
        .expect("valid")
        .global;
    let typed = typed(words);
    for command in every(text) {
        let line = typed.line(&command);
        let read = Cli::try_parse_from(shell(&line))
            .unwrap_or_else(|error| panic!("{command:?}: `{line}` is not read: {error}"));
        assert!(
            means(&command, &read.command, text, again),
            "{command:?}: `{line}`: {read:?}"
        );
        if command.needs_a_cluster() {
            let of = |global: &Global| {
                let Global {
                    file,
                    sim,
                    state_dir,
                    vars,
                    ..
                } = global.clone();
                (file, sim, state_dir, vars)
            };
            assert_eq!(of(&read.global), of(&was), "{command:?}: `{line}`");
        }
    }
}

#[test]
fn every_command_is_read_as_it_was_meant_with_the_options_that_were_typed() {
    let forget = |command: &Command, yes: bool| matches!(command, Command::State(StateCommand::Rm { addresses, yes: is }) if addresses == &["a.b", "-c"] && *is == yes);
    check(
        &[
            "--sim",
            "-f",
            "a folder/my cluster.toml",
            "--var",
            "k=it's $x",
            "--state-dir",
            "its states",
            "state",
            "rm",
            "--",
            "a.b",
            "-c",
        ],
        "my plan",
        forget,
    );
    check(
        &[
            "state",
            "rm",
            "a.b",
            "--file=-x.toml",
            "--state-dir=-d",
            "--var=-k=v",
            "--",
            "-c",
        ],
        "-plan",
        forget,
    );
    let apply = |command: &Command, yes: bool| matches!(command, Command::Apply(args) if args.run.yes == yes && args.selection.target == ["service.*"]);
    check(&["apply", "--sim", "--target", "service.*"], "review.plan", apply);
    // Who has typed it need not be told to.
    let yes = |command: &Command, _| matches!(command, Command::Destroy(args) if args.run.yes);
    check(&["destroy", "-y", "-f", "x"], "d", yes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_path_is_called_the_command_is_read_as_it_was_meant(
        file in "[-a-z '\"$`!*?~#&|;<>(){}巣\\\\]{1,12}",
        key in "[a-z]{1,4}",
        value in "[-a-z '\"$=`\\\\]{0,8}",
        text in "[-a-z '\"$`*~#&|;巣\\\\]{1,12}",
    ) {
        let again = |command: &Command, yes: bool| matches!(command, Command::Destroy(args) if args.run.yes == yes);
        let (file, var) = (format!("--file={file}"), format!("--var={key}={value}"));
        check(&["destroy", "--sim", &file, &var], &text, again);
    }
}

#[test]
fn a_command_is_written_with_the_options_that_were_typed() {
    let typed = typed(&[
        "apply",
        "my plan",
        "--sim",
        "-f",
        "a b.toml",
        "--state-dir",
        "it's",
        "--var",
        "k=$x",
    ]);
    assert_eq!(
        typed.line(&NextCommand::RecoverBack),
        "subako recover --back --sim -f 'a b.toml' --state-dir \"it's\" --var 'k=$x'"
    );
    assert_eq!(
        typed.line(&NextCommand::AgainWithYes),
        "subako apply 'my plan' --sim -f 'a b.toml' --state-dir \"it's\" --var 'k=$x' --yes"
    );
    assert_eq!(typed.line(&NextCommand::Policy), "subako policy");
}

#[test]
fn a_hint_holds_nothing_that_acts() {
    let typed = typed(&["plan", "-f", "a\u{1b}\u{202e}\n'b"]);
    let line = typed.line(&NextCommand::Plan);
    assert_eq!(line, "subako plan -f $'a\\x1b\\xe2\\x80\\xae\\x0a\\'b'");
    assert!(!line.contains(is_dangerous));
}
