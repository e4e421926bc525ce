//! The installation script, run for real against a made-up system: a directory stands for the root,
//! and every administrator's command is a stand-in that writes down how it was called.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

const AMAZON_2023: &str = "ID=\"amzn\"\nID_LIKE=\"fedora\"\nPRETTY_NAME=\"Amazon Linux 2023\"\n";
const AMAZON_2: &str = "ID=\"amzn\"\nID_LIKE=\"centos rhel fedora\"\nPRETTY_NAME=\"Amazon Linux 2\"\n";
const DEBIAN: &str = "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n";
const UBUNTU: &str = "ID=ubuntu\nID_LIKE=debian\nPRETTY_NAME=\"Ubuntu 24.04\"\n";
const ROCKY: &str = "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nPRETTY_NAME=\"Rocky Linux 9\"\n";
const ALPINE: &str = "ID=alpine\nPRETTY_NAME=\"Alpine Linux\"\n";

/// Commands that the script may use as they are.
const HARMLESS: [&str; 6] = ["sh", "cat", "sleep", "mkdir", "mv", "rm"];

/// A made-up system.
struct System {
    dir: tempfile::TempDir,
    _socket: UnixListener,
}

/// What became of a run.
struct Ran {
    status: i32,
    output: String,
    /// Calls of stand-ins, in order.
    calls: Vec<String>,
}

impl System {
    fn new(os_release: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for folder in ["bin", "etc", "run", "var/run"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::fs::write(root.join("etc/os-release"), os_release).unwrap();
        for name in HARMLESS {
            let found = ["/bin", "/usr/bin"]
                .iter()
                .map(|bin| Path::new(bin).join(name))
                .find(|path| path.exists());
            symlink(found.unwrap(), root.join("bin").join(name)).unwrap();
        }
        let socket = UnixListener::bind(root.join("var/run/docker.sock")).unwrap();
        let system = Self { dir, _socket: socket };
        for (name, body) in [
            ("systemctl", ""),
            ("journalctl", "echo 'dockerd: no space left on device'"),
            ("getent", ""),
            ("groupadd", ""),
            ("usermod", ""),
            ("id", "echo ec2-user wheel"),
        ] {
            system.command(name, body);
        }
        system
    }

    /// A stand-in that writes its name and arguments down, then does what `body` says.
    fn command(&self, name: &str, body: &str) {
        let (path, log) = (
            self.dir.path().join("bin").join(name),
            self.dir.path().join("log"),
        );
        let script = format!("#!/bin/sh\necho \"{name} $*\" >>'{}'\n{body}\n", log.display());
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What installing a package amounts to: from then on there is a dockerd.
    fn arrival(&self) -> String {
        let dockerd = self.dir.path().join("bin/dockerd").display().to_string();
        format!(": >'{dockerd}'; chmod 755 '{dockerd}'")
    }

    fn apt(&self, install: &str) {
        symlink("/bin/chmod", self.dir.path().join("bin/chmod")).unwrap();
        self.command("dpkg", "");
        self.command("apt-get", &format!("case \"$*\" in *install*) {install} ;; esac"));
        let installed = self.dir.path().join("bin/dockerd").display().to_string();
        self.command(
            "dpkg-query",
            &format!("[ -e '{installed}' ] && [ \"$4\" = docker.io ] && echo 'ii 20.10.24+dfsg1-1'"),
        );
    }

    fn rpm(&self, manager: &str, install: &str) {
        symlink("/bin/chmod", self.dir.path().join("bin/chmod")).unwrap();
        self.command(
            manager,
            &format!("case \"$*\" in *install*) {install} ;; *info*) [ \"$3\" = docker-ce ] ;; esac"),
        );
        let installed = self.dir.path().join("bin/dockerd").display().to_string();
        self.command(
            "rpm",
            &format!("[ -e '{installed}' ] && [ \"$4\" = docker ] && echo 25.0.8-1.amzn2023.0.1"),
        );
    }

    /// Somebody else installs, and is through as soon as they are waited for.
    fn installed_by_another(&self) -> std::process::Child {
        let root = self.dir.path();
        let (waited_for, lock) = (root.join("waited-for"), root.join("run/subako-install.lock"));
        std::fs::create_dir_all(root.join("run")).unwrap();
        let made = Command::new("mkfifo").arg(&waited_for).status().unwrap();
        assert!(made.success());
        let (waited_for, lock) = (waited_for.display(), lock.display());
        let tell = format!("case $1 in -w) echo go >'{waited_for}' ;; esac; exec /usr/bin/flock \"$@\"");
        self.command("flock", &tell);
        let script = format!(
            "exec 9>'{lock}'; flock 9; echo held; read -r go <'{waited_for}'; {}",
            self.arrival()
        );
        let mut other = Command::new("/bin/sh")
            .args(["-c", &script])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; 5];
        std::io::Read::read_exact(other.stdout.as_mut().unwrap(), &mut said).unwrap();
        other
    }

    fn run(&self, version: &str, patience: &str) -> Ran {
        self.run_telling(version, patience, "", "")
    }

    /// With the texts of daemon.json and of what of it is Subako's.
    fn run_telling(&self, version: &str, patience: &str, daemon: &str, own: &str) -> Ran {
        let root = self.dir.path();
        let mut child = Command::new("/bin/sh")
            .args(["-s", "--", "ec2-user", version, "/var/run/docker.sock", patience])
            .args([daemon, own])
            .arg(root)
            .env_clear()
            .env("PATH", root.join("bin"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, super::install::SCRIPT.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let log = std::fs::read_to_string(root.join("log")).unwrap_or_default();
        let queries = ["getent", "id", "rpm", "dpkg-query"];
        Ran {
            status: output.status.code().unwrap(),
            output: text(output.stdout) + &text(output.stderr),
            calls: log
                .lines()
                .filter(|call| !queries.iter().any(|query| call.starts_with(query)))
                .map(str::to_owned)
                .collect(),
        }
    }
}

const STARTED: [&str; 2] = ["systemctl enable --now docker", "usermod -aG docker ec2-user"];

#[test]
fn amazon_linux_2023_installs_with_dnf_and_lets_the_user_in() {
    let system = System::new(AMAZON_2023);
    system.rpm("dnf", &system.arrival());
    let ran = system.run("", "5");
    assert_eq!(ran.status, 0, "{}", ran.output);
    assert_eq!(ran.calls, [&["dnf -y install docker"], &STARTED[..]].concat());
    assert!(
        ran.output.contains("subako: installing docker\n"),
        "{}",
        ran.output
    );
}

/// What a file of the made-up system contains.
fn there(system: &System, path: &str) -> Option<String> {
    std::fs::read_to_string(system.dir.path().join(path)).ok()
}

const DAEMON: &str = "etc/docker/daemon.json";
const TOLD: &str = "{\n  \"log-driver\": \"local\"\n}";

#[test]
fn what_a_new_engine_is_told_is_there_before_it_starts() {
    let system = System::new(AMAZON_2023);
    system.rpm("dnf", &system.arrival());
    // It is not running yet.
    system.command("systemctl", "case $1 in is-active) exit 3 ;; esac");
    let ran = system.run_telling("", "5", TOLD, TOLD);
    assert_eq!(ran.status, 0, "{}", ran.output);
    assert_eq!(there(&system, DAEMON), Some(format!("{TOLD}\n")));
    assert_eq!(
        there(&system, "etc/docker/daemon.subako.json"),
        Some(format!("{TOLD}\n"))
    );
    assert!(
        !ran.calls.iter().any(|call| call.contains("restart")),
        "{:?}",
        ran.calls
    );
}

#[test]
fn an_engine_that_runs_is_restarted_once_for_what_it_is_told() {
    let system = System::new(AMAZON_2023);
    system.rpm("dnf", "exit 1");
    system.command("dockerd", "");
    let restarts = |ran: &Ran| {
        assert_eq!(ran.status, 0, "{}", ran.output);
        let calls = ran.calls.iter();
        calls.filter(|call| *call == "systemctl restart docker").count()
    };
    assert_eq!(restarts(&system.run_telling("", "5", TOLD, TOLD)), 1);
    // The log goes on: the same again restarts nothing.
    assert_eq!(restarts(&system.run_telling("", "5", TOLD, TOLD)), 1);
    // A run that was cut off after it had written leaves the restart to the next.
    std::fs::write(system.dir.path().join("run/subako-restart"), "").unwrap();
    assert_eq!(restarts(&system.run_telling("", "5", TOLD, TOLD)), 2);
    // Nothing to say leaves what is there.
    assert_eq!(restarts(&system.run("", "5")), 2);
    assert_eq!(there(&system, DAEMON), Some(format!("{TOLD}\n")));
}

#[test]
fn an_engine_that_does_not_start_with_what_it_is_told_says_why() {
    let system = System::new(AMAZON_2023);
    system.rpm("dnf", "exit 1");
    system.command("dockerd", "");
    system.command("systemctl", "case $1 in restart) exit 1 ;; esac");
    let ran = system.run_telling("", "5", TOLD, TOLD);
    assert_eq!(ran.status, 1, "{}", ran.output);
    assert!(ran.output.contains("no space left on device"), "{}", ran.output);
}

#[cfg(target_os = "linux")]
#[test]
fn an_installation_that_outlived_its_caller_is_waited_for_and_not_made_again() {
    let system = System::new(AMAZON_2023);
    system.rpm("dnf", "exit 1");
    let mut other = system.installed_by_another();
    let ran = system.run("", "30");
    assert!(other.wait().unwrap().success());
    assert_eq!(ran.status, 0, "{}", ran.output);
    assert!(
        ran.output.contains("subako: waiting for another installation"),
        "{}",
        ran.output
    );
    let installs = ran.calls.iter().filter(|call| call.starts_with("dnf"));
    assert_eq!(installs.count(), 0, "{:?}", ran.calls);
}

#[test]
fn amazon_linux_2_enables_its_extra_first() {
    let system = System::new(AMAZON_2);
    system.rpm("yum", &system.arrival());
    system.command("amazon-linux-extras", "");
    let ran = system.run("", "5");
    assert_eq!(ran.status, 0, "{}", ran.output);
    assert_eq!(
        ran.calls,
        [
            &["amazon-linux-extras enable docker", "yum -y install docker"],
            &STARTED[..]
        ]
        .concat()
    );
}

#[test]
fn debian_and_ubuntu_install_with_apt_after_an_interrupted_run_was_cleared_up() {
    for os in [DEBIAN, UBUNTU] {
        let system = System::new(os);
        system.apt(&system.arrival());
        let ran = system.run("", "5");
        assert_eq!(ran.status, 0, "{}", ran.output);
        let apt = "apt-get -q -y -o DPkg::Lock::Timeout=5 -o Dpkg::Use-Pty=0";
        let (update, install) = (format!("{apt} update"), format!("{apt} install docker.io"));
        assert_eq!(
            ran.calls,
            [&["dpkg --configure -a", &update, &install], &STARTED[..]].concat()
        );
    }
}

#[test]
fn the_rhel_family_takes_what_its_repositories_have_and_says_when_they_have_nothing() {
    let system = System::new(ROCKY);
    system.rpm("dnf", &system.arrival());
    let ran = system.run("", "5");
    assert_eq!(ran.status, 0, "{}", ran.output);
    assert!(ran.calls.contains(&"dnf -y install docker-ce".to_owned()));

    let bare = System::new(ROCKY);
    bare.command("dnf", "exit 1");
    let ran = bare.run("", "5");
    assert_eq!(ran.status, 10);
    assert!(
        ran.output
            .contains("Rocky Linux 9: its repositories have neither docker-ce nor moby-engine")
    );
    assert!(!ran.calls.iter().any(|call| call.contains("install")));
}

#[test]
fn an_unknown_distribution_is_left_alone() {
    let ran = System::new(ALPINE).run("", "5");
    assert_eq!((ran.status, ran.calls.len()), (10, 0));
    assert!(ran.output.contains("Alpine Linux"));
}

#[test]
fn an_engine_that_is_there_is_started_and_not_installed() {
    let system = System::new(AMAZON_2023);
    system.command("dockerd", "");
    system.command("id", "echo ec2-user wheel docker");
    let ran = system.run("", "5");
    assert_eq!(ran.status, 0, "{}", ran.output);
    assert_eq!(ran.calls, ["systemctl enable --now docker"]);
}

#[test]
fn a_version_is_asked_for_by_name_and_not_again_once_it_is_there() {
    let system = System::new(AMAZON_2023);
    system.rpm("dnf", &system.arrival());
    let ran = system.run("25.0.8", "5");
    assert_eq!(ran.status, 0, "{}", ran.output);
    assert_eq!(ran.calls[0], "dnf -y install docker-25.0.8");
    let again = system.run("25.0", "5");
    assert_eq!(again.status, 0);
    assert_eq!(
        again.calls.iter().filter(|call| call.contains("install")).count(),
        1
    );

    let debian = System::new(DEBIAN);
    debian.apt(&debian.arrival());
    let ran = debian.run("20.10.24", "5");
    assert_eq!(ran.status, 0, "{}", ran.output);
    assert!(
        ran.calls[2].ends_with("install --allow-downgrades docker.io=20.10.24"),
        "{:?}",
        ran.calls
    );
}

#[test]
fn a_version_that_cannot_be_had_is_told_apart() {
    let none = System::new(AMAZON_2023);
    none.rpm(
        "dnf",
        "echo 'Error: Unable to find a match: docker-1.0' >&2; exit 1",
    );
    let ran = none.run("1.0", "5");
    assert_eq!(ran.status, 11);
    assert!(ran.output.contains("Unable to find a match"));

    // A package manager that installs another one without a word.
    let other = System::new(AMAZON_2023);
    other.rpm("dnf", &other.arrival());
    let ran = other.run("27.1", "5");
    assert_eq!(ran.status, 11);
    assert!(
        ran.output
            .contains("docker 25.0.8-1.amzn2023.0.1 is installed, and 27.1 is wanted")
    );
}

#[test]
fn a_broken_repository_fails_with_its_own_words_and_starts_nothing() {
    let system = System::new(DEBIAN);
    system.apt("echo 'E: Unable to locate package docker.io' >&2; exit 100");
    let ran = system.run("", "5");
    assert_eq!(ran.status, 100);
    assert!(ran.output.contains("E: Unable to locate package docker.io"));
    assert!(!ran.calls.iter().any(|call| call.starts_with("systemctl")));
}

#[test]
fn a_lock_on_the_package_lists_is_waited_for_and_given_up_at_the_deadline() {
    let system = System::new(DEBIAN);
    system.apt("");
    system.command(
        "apt-get",
        "echo 'E: Could not get lock /var/lib/apt/lists/lock' >&2; exit 100",
    );
    let ran = system.run("", "2");
    assert_eq!(ran.status, 1);
    assert!(
        ran.output
            .contains("subako: waiting for another installation of packages")
    );
    assert_eq!(
        ran.calls.iter().filter(|call| call.contains(" update")).count(),
        2
    );
}

#[test]
fn unattended_upgrades_that_hold_dpkgs_lock_are_waited_for() {
    let system = System::new(UBUNTU);
    system.apt(&system.arrival());
    // Locked at the first try; what dpkg says is Debian's own text (dpkg, `lib/dpkg/dbmodify.c`).
    let once = system.dir.path().join("asked").display().to_string();
    system.command(
        "dpkg",
        &format!(
            "[ -e '{once}' ] || {{ : >'{once}'; echo 'dpkg: error: dpkg frontend lock was locked by another process with pid 1374' >&2; exit 2; }}"
        ),
    );
    let ran = system.run("", "5");
    assert_eq!(ran.status, 0, "{}", ran.output);
    let asked = ran.calls.iter().filter(|call| call.starts_with("dpkg ")).count();
    assert_eq!(asked, 2, "{:?}", ran.calls);
    assert!(
        ran.output
            .contains("subako: waiting for another installation of packages")
    );

    let broken = System::new(UBUNTU);
    broken.apt("");
    broken.command("dpkg", "echo 'dpkg: error: parsing file' >&2; exit 2");
    let ran = broken.run("", "5");
    assert_eq!(ran.status, 1);
    assert!(ran.output.contains("dpkg: error: parsing file"), "{}", ran.output);
}

#[test]
fn cloud_init_is_waited_for_and_not_for_ever() {
    let system = System::new(AMAZON_2023);
    system.rpm("dnf", &system.arrival());
    std::fs::create_dir(system.dir.path().join("run/cloud-init")).unwrap();
    let ran = system.run("", "1");
    assert_eq!(ran.status, 0, "{}", ran.output);
    assert!(ran.output.contains("subako: waiting for cloud-init"));
    assert!(
        ran.output
            .contains("cloud-init is still running after 1 s; going on")
    );

    for done in [
        "run/cloud-init/result.json",
        "var/lib/cloud/instance/boot-finished",
    ] {
        let done = system.dir.path().join(done);
        std::fs::create_dir_all(done.parent().unwrap()).unwrap();
        std::fs::write(&done, "").unwrap();
        std::fs::remove_file(system.dir.path().join("bin/dockerd")).unwrap();
        assert!(!system.run("", "1").output.contains("cloud-init"));
        std::fs::remove_file(&done).unwrap();
    }
}

#[test]
fn an_engine_that_does_not_start_shows_its_journal() {
    let system = System::new(AMAZON_2023);
    system.command("dockerd", "");
    system.command("systemctl", "exit 1");
    let ran = system.run("", "5");
    assert_eq!(ran.status, 1);
    assert!(ran.output.contains("no space left on device"));
}

#[test]
fn a_missing_group_is_made_and_the_engine_restarted_to_use_it() {
    let system = System::new(AMAZON_2023);
    system.command("dockerd", "");
    system.command("getent", "exit 2");
    let ran = system.run("", "5");
    assert_eq!(ran.status, 0, "{}", ran.output);
    assert_eq!(
        ran.calls,
        [
            "systemctl enable --now docker",
            "groupadd --system docker",
            "systemctl restart docker",
            "usermod -aG docker ec2-user"
        ]
    );
}
