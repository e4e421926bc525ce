//! The first ten minutes: from `new` to `destroy`, at a terminal and without one.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Ran, subako};

/// A person with a home of their own, in an empty folder.
struct Newcomer(tempfile::TempDir);

impl Newcomer {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = subako();
        command
            .current_dir(self.0.path())
            .env("HOME", self.0.path())
            .args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// Runs a command at a terminal at which all of `typed` is typed.
    fn type_into(&self, args: &[&str], typed: &str) -> Ran {
        let terminal = nix::pty::openpty(None, None).expect("a pseudo-terminal");
        let child = self
            .command(args)
            .stdin(Stdio::from(terminal.slave))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut master = fs::File::from(terminal.master);
        master.write_all(typed.as_bytes()).expect("typed");
        let output = child.wait_with_output().expect("it ends");
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// The commands that come after `new`, each as it is printed, and a destroy.
    fn go_on(&self, new: &Ran) {
        let said = &new.stdout;
        let commands: Vec<&str> = said
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|text| text.starts_with("subako "))
            .collect();
        assert_eq!(commands.len(), 2, "{said}");
        for line in commands {
            let mut words: Vec<String> = shlex::split(line).expect("words");
            words.remove(0);
            if words[0] == "apply" {
                words.push("--yes".into());
            }
            self.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
                .expect(0);
        }
        let on = ["--sim", "-f", "shop/cluster.toml"];
        let run = |args: &[&str]| self.run(&[args, &on[..]].concat());
        run(&["plan", "--detailed-exitcode"]).expect(0);
        run(&["status", "--check"]).expect(0);
        run(&["destroy", "--yes"]).expect(0);
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn a_newcomer_at_a_terminal_is_asked_and_gets_a_cluster() {
    let newcomer = Newcomer::new();
    // A zone is no region and a name no address: both are asked again.
    let typed = "\neu-central-1a\neu-central-1\nme\n198.51.100.7\n\n\n";
    let new = newcomer.type_into(&["new", "shop"], typed);
    assert_eq!(new.code, Some(0), "{}", new.said());
    for asked in [
        "Name of the cluster [shop]",
        "Region",
        "address on the internet",
        "~/.ssh/shop",
        "t3.micro",
    ] {
        assert!(new.stderr.contains(asked), "{asked}: {}", new.stderr);
    }
    for again in ["write \"eu-central-1\"", "`me` is no address"] {
        assert!(new.stderr.contains(again), "{again}: {}", new.stderr);
    }
    let text = fs::read_to_string(newcomer.path("shop/cluster.toml")).expect("the manifest");
    for line in [
        "name = \"shop\"",
        "region = \"eu-central-1\"",
        "ssh_from = [\"198.51.100.7/32\"]",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}: {text}");
    }
    assert_eq!(mode(&newcomer.path(".ssh/shop")), 0o600);
    assert_eq!(mode(&newcomer.path(".ssh")), 0o700);
    let key = fs::read_to_string(newcomer.path(".ssh/shop.pub")).expect("the public key");
    assert!(key.starts_with("ssh-ed25519 "), "{key}");
    assert_eq!(
        fs::read_to_string(newcomer.path("shop/.gitignore")).expect("it is there"),
        ".subako/\n"
    );
    newcomer.go_on(&new);
}

#[test]
fn flags_and_the_profile_answer_where_nobody_can_be_asked() {
    let newcomer = Newcomer::new();
    fs::create_dir(newcomer.path(".aws")).expect("made");
    fs::write(
        newcomer.path(".aws/config"),
        "[profile work]\nregion = eu-west-1\n",
    )
    .expect("written");
    fs::create_dir(newcomer.path("shop")).expect("made");
    fs::write(newcomer.path("shop/.gitignore"), "target").expect("written");
    let mut command = newcomer.command(&["new", "shop", "--key", "id"]);
    let new = Ran::of(
        command
            .env("AWS_PROFILE", "work")
            .env("SSH_CONNECTION", "198.51.100.9 5 8.8.4.4 22"),
    );
    new.clone().expect(0);
    assert!(
        new.stdout.contains("Made the key pair id and id.pub"),
        "{}",
        new.stdout
    );
    let text = fs::read_to_string(newcomer.path("shop/cluster.toml")).expect("the manifest");
    for line in [
        "region = \"eu-west-1\"",
        "ssh_from = [\"8.8.4.4/32\"]",
        "private_key = \"id\"",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}: {text}");
    }
    assert!(newcomer.path("shop/id").exists());
    assert_eq!(
        fs::read_to_string(newcomer.path("shop/.gitignore")).expect("it is there"),
        "target\n.subako/\n"
    );
    newcomer.go_on(&new);
}

#[test]
fn what_no_manifest_takes_writes_nothing() {
    let newcomer = Newcomer::new();
    for args in [
        &["--region", "eu-central-1a"][..],
        &["--ssh-from", "me"],
        &["--instance-type", "large"],
        &["--name", "Shop!"],
    ] {
        newcomer
            .run(&[&["new", "shop", "--key", "k"], args].concat())
            .expect(1);
        assert!(!newcomer.path("shop").exists(), "{args:?}");
    }
    // The terminal is closed in the middle of the questions.
    let ended = newcomer.type_into(&["new", "shop"], "\n\u{4}");
    assert_eq!(ended.code, Some(1), "{}", ended.said());
    assert!(!newcomer.path("shop").exists());
    // Half a key pair is not completed.
    fs::write(newcomer.path("k.pub"), "ssh-ed25519 A").expect("written");
    newcomer
        .run(&["new", "--key", "k", "--name", "shop"])
        .expect(1)
        .says("k.pub");
    assert!(!newcomer.path("cluster.toml").exists());
}

#[test]
fn without_an_address_nothing_is_planned_that_locks_everybody_out() {
    let newcomer = Newcomer::new();
    let new = newcomer.run(&["new", "shop"]).expect(0);
    assert!(new.stdout.contains("ssh_from"), "{}", new.stdout);
    newcomer
        .run(&["plan", "--sim", "-f", "shop/cluster.toml"])
        .expect(5)
        .says("ssh_from");
}
