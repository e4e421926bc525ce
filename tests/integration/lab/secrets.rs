//! Every byte that leaves the program: no join token, no private key and no content of a secret
//! among them.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::bench::Lab;
use crate::support::{PASSWORD, assert_no_secret};

/// Argument lists of every process of the machine, the hosts' among them, while it lives.
struct Arguments {
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<BTreeSet<String>>,
}

impl Arguments {
    fn watch() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !ended.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").expect("/proc").flatten() {
                    // Processes end while they are looked at.
                    if let Ok(text) = fs::read(entry.path().join("cmdline")) {
                        seen.insert(String::from_utf8_lossy(&text).into_owned());
                    }
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            seen
        });
        Self { over, thread }
    }

    fn end(self) -> BTreeSet<String> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("it looked")
    }
}

#[test]
fn no_token_no_key_and_no_secret_leaves_the_program() {
    let Some(lab) = Lab::turn("secrets") else {
        return;
    };
    lab.edit(
        "command = \"ping 127.0.0.1\"\n",
        "command = \"ping 127.0.0.1\"\nsecrets = [\"password\"]\n",
    );
    lab.write(&format!(
        "{}\n[secret.password]\nfile = \"password.txt\"\n",
        lab.manifest()
    ));
    fs::write(lab.dir.path().join("password.txt"), PASSWORD).expect("written");
    let key = lab.private_key_line();
    let clean = |place: &str, text: &str| {
        assert_no_secret(place, text);
        assert!(!text.contains(&key), "{place} holds the private key");
        assert!(!text.contains(PASSWORD), "{place} holds a secret's content");
    };
    let watched = Arguments::watch();
    // `-v` says all that can be said; what it says is looked at as it ends.
    let applied = lab.run(&["apply", "--yes", "-v"]).expect(0);
    let arguments = watched.end();
    clean("standard output", &applied.stdout);
    clean("standard error", &applied.stderr);
    assert!(
        arguments.iter().any(|line| line.contains("dockerd")),
        "the hosts' processes are seen: {arguments:#?}"
    );
    for line in &arguments {
        clean("an argument list", line);
    }

    // Real tokens are what is looked for.
    let token = lab.on("manager-0", "docker swarm join-token -q worker");
    assert!(
        token.starts_with("SWMTKN-"),
        "tokens have another form: {}",
        token.len()
    );

    let mut commands = 0;
    for name in lab.names() {
        let said = lab.on(&name, "cat /var/log/lab-commands");
        commands += said.lines().count();
        clean(&format!("a command on {name}"), &said);
        let journal = lab.on(&name, "journalctl --no-pager --output=cat");
        assert!(journal.contains("docker"), "the journal of {name} is not empty");
        clean(&format!("the journal of {name}"), &journal);
    }
    assert!(commands >= 5, "the hosts wrote down {commands} commands");

    let instances = lab.ec2("DescribeInstances");
    clean("DescribeInstances", &instances);
    for id in instances.split("<instanceId>").skip(1) {
        let id = id.split('<').next().expect("an id");
        let answer = lab.ec2(&format!(
            "DescribeInstanceAttribute&InstanceId={id}&Attribute=userData"
        ));
        // Nothing is to be decoded where there is nothing.
        assert!(answer.contains("DescribeInstanceAttributeResponse"), "{answer}");
        assert!(!answer.contains("<value>"), "{id} has user data: {answer}");
    }
    for kind in ["DescribeTags", "DescribeSecurityGroups", "DescribeKeyPairs"] {
        clean(kind, &lab.ec2(kind));
    }
    let kept_clean = || {
        lab.assert_no_secret();
        for (place, text) in lab.kept() {
            clean(&place, &text);
        }
    };
    kept_clean();
    lab.run(&["destroy", "--yes"]).expect(0);
    kept_clean();
    lab.assert_empty("after destroy");
}
