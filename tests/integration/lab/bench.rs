//! The lab, a cluster in it, and what can be seen of them from outside.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::aws::bench::start_proxy;
use crate::aws::proxy::Proxy;
use crate::aws::strict::Strict;
use crate::support::{Ran, assert_no_secret, replace, root, subako, texts};

const VARIABLE: &str = "SUBAKO_LAB";
/// `debian` gives every test Debian's hosts, with another package manager, another login user,
/// and a Docker that speaks a newer version of the Engine API.
const FLAVOUR: &str = "SUBAKO_LAB_HOSTS";
/// How long one answer over HTTP may take.
const ANSWER: Duration = Duration::from_secs(10);

static TURN: Mutex<()> = Mutex::new(());

/// The example cluster in the lab, in an empty folder; taken down when dropped.
pub struct Lab {
    pub described: Value,
    pub dir: tempfile::TempDir,
    /// What stands before the lab's endpoint, where something does.
    strict: Option<Proxy>,
    _turn: MutexGuard<'static, ()>,
}

/// A kind of host of the lab.
pub struct Hosts<'a> {
    pub ami: &'a str,
    /// An earlier release of the same.
    pub older_ami: &'a str,
    pub user: &'a str,
}

impl Lab {
    /// The lab, once it is this test's turn; `None` where there is none.
    pub fn turn(test: &str) -> Option<Self> {
        let Some(file) = std::env::var_os(VARIABLE) else {
            let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
            assert!(
                !ci,
                "{test} needs the lab: {VARIABLE} is not set, and nothing may be skipped on CI"
            );
            eprintln!("skipped: {test} needs the lab, see tests/lab/README.md; {VARIABLE} is not set");
            return None;
        };
        // A test that failed has said so; the others go on.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let text = fs::read_to_string(&file).expect("the file that SUBAKO_LAB names");
        let lab = Self {
            described: serde_json::from_str(&text).expect("what `lab up --json` printed"),
            dir: tempfile::tempdir().expect("a folder"),
            strict: None,
            _turn: turn,
        };
        lab.tool(&["fault", "clear"]);
        lab.assert_empty("before the test");
        lab.write_manifest(&lab.hosts());
        Some(lab)
    }

    /// A text of the lab's description, by its JSON pointer.
    pub fn text(&self, path: &str) -> &str {
        self.described
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("the lab's description has no {path}"))
    }

    fn write_manifest(&self, hosts: &Hosts<'_>) {
        let example = fs::read_to_string(root().join("examples/sandbox.toml")).expect("the example");
        let edits = [
            (
                "region = \"ap-northeast-1\"",
                format!("region = \"{}\"", self.text("/region")),
            ),
            ("availability_zones = [\"ap-northeast-1a\"]\n", String::new()),
            (
                "public_key = \"sandbox.pub\"",
                format!("public_key = \"{}\"", self.text("/keys/ed25519/public")),
            ),
            // The lab knows no name of the internet.
            ("ping docker.com", "ping 127.0.0.1".to_owned()),
            (
                "private_key = \"~/.ssh/sandbox\"",
                format!(
                    "private_key = \"{}\"\nvia = \"private\"",
                    self.text("/keys/ed25519/private")
                ),
            ),
            ("user = \"ec2-user\"", format!("user = \"{}\"", hosts.user)),
            ("198.51.100.7/32", format!("{}/32", self.text("/client_address"))),
        ];
        let text = edits
            .iter()
            .fold(example, |text, (from, to)| replace(&text, from, to));
        self.write(&text.replace("\"amazon-linux-2023\"", &format!("\"{}\"", hosts.ami)));
    }

    pub fn manifest(&self) -> String {
        fs::read_to_string(self.dir.path().join("cluster.toml")).expect("the manifest")
    }

    pub fn write(&self, text: &str) {
        fs::write(self.dir.path().join("cluster.toml"), text).expect("the manifest is written");
    }

    /// Replaces a text that must be there, once.
    pub fn edit(&self, from: &str, to: &str) {
        self.write(&replace(&self.manifest(), from, to));
    }

    /// What the hosts are, where a test does not ask for something else.
    pub fn hosts(&self) -> Hosts<'_> {
        let flavour = std::env::var(FLAVOUR).unwrap_or_else(|_| "amazon".to_owned());
        self.hosts_of(&flavour)
    }

    fn hosts_of(&self, flavour: &str) -> Hosts<'_> {
        Hosts {
            ami: self.text(&format!("/amis/{flavour}")),
            older_ami: self.text(&format!("/amis/{flavour}_older")),
            user: self.text(&format!("/login_user/{flavour}")),
        }
    }

    /// The same cluster on Debian.
    pub fn use_debian(&self) {
        self.write_manifest(&self.hosts_of("debian"));
    }

    /// One manager and one worker: they do for services.
    pub fn shrink(&self) {
        self.edit("count = 3", "count = 1");
        self.edit("count = 2", "count = 1");
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = subako();
        command.current_dir(self.dir.path()).args(args);
        command.envs(self.environment());
        command
    }

    /// From now on the lab's EC2 is as strict as the real one, in everything at once; what takes
    /// seconds there takes `lag`. Instances are of a type that a free plan has.
    pub fn be_strict(&mut self, lag: Duration) {
        let proxy = start_proxy(
            self.text("/environment/AWS_ENDPOINT_URL")
                .trim_start_matches("http://"),
        );
        proxy.be(Strict::all(lag));
        self.strict = Some(proxy);
        self.write(&self.manifest().replace("t2.micro", "t3.micro"));
    }

    /// The variables by which the SDK finds the lab.
    pub fn environment(&self) -> Vec<(&str, String)> {
        let variables = self.described["environment"].as_object().expect("an environment");
        let value = |name: &str, value: &Value| match (&self.strict, name) {
            (Some(proxy), "AWS_ENDPOINT_URL") => proxy.url(),
            _ => value.as_str().expect("text").to_owned(),
        };
        variables
            .iter()
            .map(|(name, text)| (name.as_str(), value(name, text)))
            .collect()
    }

    /// Runs the binary; says how long it took, and what it was that took it.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.start(args).end()
    }

    pub fn apply(&self) -> Ran {
        self.run(&["apply", "--yes"])
    }

    pub fn status(&self) -> Value {
        self.run(&["status", "--format", "json"]).expect(0).json()
    }

    /// The lab's own command.
    pub fn tool(&self, args: &[&str]) -> String {
        let output = Command::new(root().join("tests/lab/lab"))
            .args(args)
            .env("SUBAKO_LAB_DIR", self.text("/dir"))
            .output()
            .expect("the lab's command runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "lab {}: {said}", args.join(" "));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Private addresses of the cluster's instances, as the status shows them.
    pub fn addresses(&self) -> Vec<String> {
        let status = self.status();
        let nodes = status["nodes"].as_array().expect("nodes").iter();
        nodes
            .map(|node| node["private_ip"].as_str().expect("an address").to_owned())
            .collect()
    }

    /// The nodes' names, sorted.
    pub fn names(&self) -> Vec<String> {
        let status = self.status();
        let nodes = status["nodes"].as_array().expect("nodes").iter();
        let mut names: Vec<String> = nodes
            .map(|node| node["name"].as_str().expect("a name").to_owned())
            .collect();
        names.sort_unstable();
        names
    }

    /// The private address of a node's host.
    pub fn host(&self, node: &str) -> String {
        self.of_node(node, "private_ip")
    }

    /// The instance that a node runs on.
    pub fn instance(&self, node: &str) -> String {
        self.of_node(node, "instance_id")
    }

    fn of_node(&self, node: &str, field: &str) -> String {
        let status = self.status();
        let nodes = status["nodes"].as_array().expect("nodes").iter();
        let mut named = nodes.filter(|one| one["name"] == node);
        let found = named.next().and_then(|one| one[field].as_str());
        found
            .unwrap_or_else(|| panic!("{node} has no {field}: {status:#}"))
            .to_owned()
    }

    /// What a shell command says on a node's host.
    pub fn on(&self, node: &str, script: &str) -> String {
        self.tool(&["host", "exec", &self.host(node), "--", "sh", "-c", script])
    }

    /// Starts the binary and goes on while it runs; `Running::end` waits for it.
    pub fn start(&self, args: &[&str]) -> Running {
        let mut command = self.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Running {
            began: Instant::now(),
            args: args.join(" "),
            child: Some(command.spawn().expect("the binary starts")),
        }
    }

    /// An EC2 call (its action, then its parameters as `&Name=value`), its answer as XML.
    pub fn ec2(&self, action: &str) -> String {
        let authority = self.text("/endpoint").trim_start_matches("http://");
        let body = format!("Action={action}&Version=2016-11-15");
        // The lab's EC2 takes the region from the credential and checks no signature.
        let scope = format!("lab/20260101/{}/ec2/aws4_request", self.text("/region"));
        let request = format!(
            "POST / HTTP/1.0\r\nHost: {authority}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        exchange(authority, &request, ANSWER).expect("the lab's EC2 answers")
    }

    /// No instance lives, no host runs; no group and no key of a cluster is left.
    #[track_caller]
    pub fn assert_empty(&self, when: &str) {
        let hosts: Value = serde_json::from_str(&self.tool(&["host", "list", "--json"])).expect("JSON");
        let running: Vec<&Value> = hosts
            .as_array()
            .expect("hosts")
            .iter()
            .filter(|host| host["phase"] != "terminated")
            .collect();
        assert!(running.is_empty(), "{when} there are hosts: {running:#?}");
        let groups = self.ec2("DescribeSecurityGroups");
        assert_eq!(
            groups.matches("<groupName>").count(),
            1,
            "{when} only the default group is there: {groups}"
        );
        let keys = self.ec2("DescribeKeyPairs");
        assert!(!keys.contains("<keyName>"), "{when} there are keys: {keys}");
    }

    /// A line of the private key that only the key has.
    pub fn private_key_line(&self) -> String {
        let key = fs::read_to_string(self.text("/keys/ed25519/private")).expect("the key");
        key.lines().nth(2).expect("base64").to_owned()
    }

    /// Nothing in the folder holds a secret.
    #[track_caller]
    pub fn assert_no_secret(&self) {
        let line = self.private_key_line();
        for (place, text) in texts(self.dir.path()) {
            assert_no_secret(&place, &text);
            assert!(!text.contains(&line), "{place} holds the private key");
        }
    }

    /// The files that Subako keeps: their paths, and what stands in them.
    #[track_caller]
    pub fn kept(&self) -> Vec<(String, String)> {
        let kept: Vec<_> = texts(&self.dir.path().join(".subako")).collect();
        assert!(kept.len() > 2, "{kept:?}");
        kept
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.assert_no_secret();
        }
        // Whatever a failed test left would be in the next one's way.
        let _ = self.command(&["destroy", "--yes"]).output();
    }
}

/// The binary while it runs; killed when dropped.
pub struct Running {
    began: Instant,
    args: String,
    child: Option<Child>,
}

impl Running {
    /// Waits for its end.
    pub fn end(mut self) -> Ran {
        let child = self.child.take().expect("it ends once");
        let ran = Ran::from(child.wait_with_output().expect("it ends"));
        eprintln!(
            "{:6.1} s  subako {}  (exit {:?})",
            self.began.elapsed().as_secs_f64(),
            self.args,
            ran.code
        );
        ran
    }

    /// SIGKILL, unless it has ended by itself; then what it said.
    pub fn kill(mut self) -> Option<Ran> {
        let child = self.child.as_mut().expect("it ends once");
        if child.try_wait().expect("its state").is_some() {
            return Some(self.end());
        }
        child.kill().expect("SIGKILL");
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until a condition holds; panics with what it was waiting for.
#[track_caller]
pub fn until(what: &str, within: Duration, mut so: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < within, "{what}: not within {within:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
    began.elapsed()
}

/// Sends a request, reads to the end.
fn exchange(authority: &str, request: &str, within: Duration) -> std::io::Result<String> {
    let address: SocketAddr = authority.parse().map_err(std::io::Error::other)?;
    let mut stream = TcpStream::connect_timeout(&address, within)?;
    stream.set_read_timeout(Some(within))?;
    stream.set_write_timeout(Some(within))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The body that port 80 of an address answers with.
pub fn get(address: &str) -> std::io::Result<String> {
    get_within(address, ANSWER)
}

/// The same, in no more time than given.
pub fn get_within(address: &str, within: Duration) -> std::io::Result<String> {
    let answer = exchange(
        &format!("{address}:80"),
        &format!("GET / HTTP/1.0\r\nHost: {address}\r\n\r\n"),
        within,
    )?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.contains(" 200 ") => Ok(body.trim().to_owned()),
        _ => Err(std::io::Error::other(format!("not a page: {answer}"))),
    }
}

/// The different containers that answer on an address, asked often enough to meet eight.
pub fn containers(address: &str) -> BTreeSet<String> {
    (0..24)
        .map(|_| get(address).unwrap_or_else(|error| panic!("{address}: {error}")))
        .collect()
}
