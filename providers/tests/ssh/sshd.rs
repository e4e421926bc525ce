//! A real sshd on 127.0.0.1, with keys and configuration of its own in a temporary directory.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SSHD: &str = "/usr/sbin/sshd";

/// Whether the tests can run here. On CI they must.
pub fn available() -> bool {
    if Path::new(SSHD).exists() {
        return true;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{SSHD} is missing: install openssh-server"
    );
    eprintln!("skipped: {SSHD} is missing; install openssh-server to run the tests of hosts over ssh");
    false
}

/// A directory with a host key, user keys and a configuration; and the server, while it runs.
pub struct Sshd {
    pub dir: tempfile::TempDir,
    pub port: u16,
    pub extra: String,
    child: Option<Child>,
}

impl Sshd {
    /// Everything but the server itself; `extra` is added to its configuration.
    pub fn prepared(extra: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, kind) in [
            ("host", "ed25519"),
            ("user", "ed25519"),
            ("rsa", "rsa"),
            ("other", "ed25519"),
        ] {
            keygen(dir.path(), name, kind);
        }
        let read = |name| std::fs::read_to_string(dir.path().join(name)).unwrap();
        let keys = format!("{}{}", read("user.pub"), read("rsa.pub"));
        std::fs::write(dir.path().join("authorized_keys"), keys).unwrap();
        // Free now: nothing else on this machine is handed the same one while the test runs.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        Self {
            dir,
            port,
            extra: extra.to_owned(),
            child: None,
        }
    }

    /// A running server.
    pub fn started(extra: &str) -> Self {
        let mut sshd = Self::prepared(extra);
        sshd.start();
        sshd
    }

    /// Starts the server and waits until it listens.
    pub fn start(&mut self) {
        let (dir, port) = (self.dir.path().display(), self.port);
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {dir}/host\nAuthorizedKeysFile {dir}/authorized_keys\n\
             PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin yes\n\
             KbdInteractiveAuthentication no\nMaxStartups 100\nLogLevel ERROR\n{}\n",
            self.extra
        );
        // A server run by root wants this directory, which its package makes at boot.
        let _ = std::fs::create_dir("/run/sshd");
        let path = self.dir.path().join("sshd_config");
        std::fs::write(&path, config).unwrap();
        let child = Command::new(SSHD)
            .args(["-D", "-e", "-f"])
            .arg(&path)
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(self.dir.path().join("sshd.log")).unwrap())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "sshd does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A file in the server's directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A public key as one line `type base64`.
    pub fn public(&self, name: &str) -> String {
        let line = std::fs::read_to_string(self.file(&format!("{name}.pub"))).unwrap();
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn keygen(dir: &Path, name: &str, kind: &str) {
    let bits = if kind == "rsa" { "2048" } else { "256" };
    let status = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-b", bits, "-N", "", "-C", name, "-f"])
        .arg(dir.join(name))
        .status()
        .unwrap();
    assert!(status.success());
}

/// The user that the tests run as, and so the one who can log in.
pub fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
