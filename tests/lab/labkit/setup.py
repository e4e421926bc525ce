"""`lab setup`: everything that a lab needs and that survives it, below one cache folder.

Each step has a fingerprint over its inputs and the steps it builds on; a step whose stamp carries
the same fingerprint is skipped, so a second setup takes no time. Steps build beside the place
they fill and move the result there at the end: an interrupted setup is repeated, never half used.
"""
import fcntl
import hashlib
import importlib.util
import inspect
import os
import platform
import shutil
import socket
import subprocess
import time

from . import aptrepo, build_images, lock
from .config import (
    DEBIAN_MIRROR, DEBIAN_SUITE, HERE, NEWER_SUITE, PRIVATE_REGISTRY, PUBLIC_REGISTRY, RESOLVER, ROUTER,
    SETUP_COMPLETE,
)
from .errors import LabError, Unsupported
from .system import run, run_logged, say, wait_until

# Program -> Debian package that has it.
TOOLS = {
    "mmdebstrap": "mmdebstrap", "nft": "nftables", "docker-registry": "docker-registry", "ip": "iproute2",
    "nsenter": "util-linux", "unshare": "util-linux", "ssh-keygen": "openssh-client", "ssh": "openssh-client",
    "openssl": "openssl", "dpkg-deb": "dpkg", "setpriv": "util-linux", "ps": "procps",
}
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Setup:
    """The steps, in order."""

    def __init__(self, paths):
        self.paths = paths
        self.log = paths.cache / "setup.log"
        self.share = paths.cache / "share"

    def steps(self):
        """[(name, function, inputs)]: an input is a file below tests/lab or `@step`."""
        return [
            ("venv", self.venv, ["requirements.txt"]),
            ("pki", self.pki, []),
            ("base", self.base, ["build/base.sh", "guest/lab-cloud-init", "guest/lab-cloud-init.service",
                                 "guest/lab-hostkeys.service", "@pki"]),
            ("debs", self.debs, ["build/fetch-debs.sh", "build/layer.sh", "@base"]),
            ("apt", self.apt, ["labkit/aptrepo.py", "@debs"]),
            ("amazon", self.amazon, ["build/amazon.sh", "@debs"]),
            ("debian", self.debian, ["build/debian.sh", "@base"]),
            ("images", self.images, ["images/lab-app.rs", "labkit/build_images.py", "@debs"]),
        ]

    def fingerprints(self):
        """{step: what its stamp has to say}, with the whole under SETUP_COMPLETE."""
        marks = {}
        for name, function, inputs in self.steps():
            words = (name, platform.machine(), DEBIAN_MIRROR, DEBIAN_SUITE, NEWER_SUITE, RESOLVER, ROUTER)
            total = hashlib.sha256(" ".join(words).encode())
            total.update(inspect.getsource(function).encode())
            for item in inputs:
                total.update(marks[item[1:]].encode() if item[0] == "@" else (HERE / item).read_bytes())
            marks[name] = total.hexdigest()
        marks[SETUP_COMPLETE] = hashlib.sha256("".join(marks.values()).encode()).hexdigest()
        return marks

    def stamp(self, name):
        """What the stamp of a step says; None without one."""
        path = self.paths.stamps / name
        return path.read_text() if path.exists() else None

    def is_complete(self):
        """True if the cache fits these sources."""
        return self.stamp(SETUP_COMPLETE) == self.fingerprints()[SETUP_COMPLETE]

    def run(self):
        """Do what is missing."""
        self.paths.stamps.mkdir(parents=True, exist_ok=True)
        os.chmod(self.paths.cache, 0o700)
        with open(self.paths.cache / "lock", "w", encoding="ascii") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)  # another setup of this cache finishes first
            if not self.is_complete() or missing_tools():
                self._run()
        say("lab: setup is complete:", self.paths.cache)

    def _run(self):
        if lock.is_live() and lock.owner().get("root") == str(self.paths.root):
            raise LabError("a lab is up and uses the cache: `lab down` first")
        install_tools(self.log)
        marks = self.fingerprints()
        (self.paths.stamps / SETUP_COMPLETE).unlink(missing_ok=True)
        for name, function, _ in self.steps():
            if self.stamp(name) == marks[name]:
                continue
            began = time.monotonic()
            (self.paths.stamps / name).unlink(missing_ok=True)
            function()
            (self.paths.stamps / name).write_text(marks[name])
            say(f"lab: setup: {name}: {time.monotonic() - began:.1f} s")
        (self.paths.stamps / SETUP_COMPLETE).write_text(marks[SETUP_COMPLETE])

    # -- steps ---------------------------------------------------------------------------------

    def fresh(self, name):
        """An empty place to build in."""
        path = self.paths.cache / f"{name}.new"
        if path.exists():
            shutil.rmtree(path)
        return path

    def empty_share(self):
        """The folder that build scripts see as /mnt, empty."""
        if self.share.exists():
            shutil.rmtree(self.share)
        self.share.mkdir()
        return self.share

    def script(self, *argv, timeout=900):
        """Run a build script at low priority, with its output in the log."""
        self.share.mkdir(exist_ok=True)
        env = dict(os.environ, LAB_MIRROR=DEBIAN_MIRROR, LAB_SUITE=DEBIAN_SUITE, LAB_NEWER_SUITE=NEWER_SUITE,
                   LAB_GUEST=str(HERE / "guest"), LAB_SHARE=str(self.share), LAB_RESOLVER=RESOLVER)
        # Mounts and processes end with this program, however it ends.
        run_logged("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private", "--pid",
                   "--fork", "--kill-child", "--mount-proc", "nice", "-n", "5", "bash", *argv,
                   logfile=self.log, timeout=timeout, env=env)

    def venv(self):
        if self.paths.venv.exists():  # a virtual environment cannot be moved: built in place
            shutil.rmtree(self.paths.venv)
        run_logged("python3", "-m", "venv", self.paths.venv, logfile=self.log, timeout=120)
        run_logged("nice", "-n", "5", self.paths.venv / "bin" / "pip", "install", "--quiet", "-r",
                   HERE / "requirements.txt", logfile=self.log, timeout=600)

    def pki(self):
        """A certificate authority of this cache's own, and one certificate for both registries."""
        new = self.fresh("pki")
        new.mkdir(mode=0o700)
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650")
        names = f"DNS:{PUBLIC_REGISTRY},DNS:{PRIVATE_REGISTRY},IP:{ROUTER},IP:{RESOLVER}"
        run("openssl", "req", "-x509", *key, "-subj", "/CN=Subako lab authority", "-keyout", new / "ca.key",
            "-out", new / "ca.crt")
        run("openssl", "req", *key[:-2], "-subj", "/CN=Subako lab registry", "-keyout", new / "server.key",
            "-out", new / "server.csr")
        (new / "names").write_text(f"subjectAltName={names}\n")
        run("openssl", "x509", "-req", "-in", new / "server.csr", "-CA", new / "ca.crt", "-CAkey", new / "ca.key",
            "-CAcreateserial", "-days", "3650", "-extfile", new / "names", "-out", new / "server.crt")
        aptrepo.replace_folder(new, self.paths.pki)

    def base(self):
        new = self.fresh("base")
        self.script(HERE / "build" / "base.sh", new, self.paths.pki / "ca.crt")
        aptrepo.replace_folder(new, self.paths.base)

    def layer(self, name, script):
        """Build an overlay layer."""
        new = self.fresh(name)
        self.script(HERE / "build" / "layer.sh", self.paths.base, new, HERE / "build" / script)
        return new

    def debs(self):
        share = self.empty_share()
        shutil.rmtree(self.layer("fetch", "fetch-debs.sh"))
        aptrepo.replace_folder(share, self.paths.debs)

    def apt(self):
        new = self.fresh("repo-apt")
        # Debian's hosts have the newer Docker, with what it needs of this Debian.
        packages = {deb.name.split("_")[0]: deb for folder in (".", "newer")
                    for deb in sorted((self.paths.debs / folder).glob("*.deb"))}
        aptrepo.build(packages.values(), new)
        self.paths.repo.mkdir(exist_ok=True)
        aptrepo.replace_folder(new, self.paths.repo / "apt")

    def amazon(self):
        share = self.empty_share()
        (share / "rpm").mkdir(parents=True)
        shutil.copytree(self.paths.debs, share / "debs")
        new = self.layer("amazon", "amazon.sh")
        self.paths.repo.mkdir(exist_ok=True)
        self.paths.layers.mkdir(exist_ok=True)
        aptrepo.replace_folder(share / "rpm", self.paths.repo / "rpm")
        aptrepo.replace_folder(new, self.paths.layers / "amazon")
        shutil.rmtree(share)

    def debian(self):
        self.paths.layers.mkdir(exist_ok=True)
        aptrepo.replace_folder(self.layer("debian", "debian.sh"), self.paths.layers / "debian")

    def images(self):
        """Compile the images' program and push all images into a registry for `lab up` to start from."""
        work = self.fresh("images")
        work.mkdir()
        app = work / "lab-app"
        build_images.build_app(HERE / "images" / "lab-app.rs", app, self.log, run_logged)
        run("dpkg-deb", "-x", next(self.paths.debs.glob("busybox-static_*.deb")), work / "busybox")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = work / "registry.yml"
        config.write_text(
            f"version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {work / 'data'}}}}}\n"
            f"http: {{addr: '127.0.0.1:{port}'}}\n"
        )
        with open(self.log, "ab") as out:
            server = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=out, stderr=out)
        try:
            def answers():
                if server.poll() is not None:
                    raise LabError(f"docker-registry ended with {server.returncode}, see {self.log}")
                with socket.socket() as probe:
                    return probe.connect_ex(("127.0.0.1", port)) == 0

            wait_until(answers, 20, "the registry to push to")
            registry = build_images.Registry(f"http://127.0.0.1:{port}")
            for image in build_images.catalogue(app, work / "busybox" / "bin" / "busybox"):
                registry.push(*image)
        finally:
            server.terminate()
            server.wait(10)
        aptrepo.replace_folder(work / "data", self.paths.registry_seed)
        shutil.rmtree(work)


def missing_tools():
    """Debian packages that this machine lacks."""
    lacking = {package for tool, package in TOOLS.items() if not shutil.which(tool)}
    if not importlib.util.find_spec("ensurepip"):
        lacking.add("python3-venv")
    if not os.path.exists(KEYRING):
        lacking.add("debian-archive-keyring")
    return sorted(lacking)


def install_tools(logfile):
    """Install with apt-get what the machine lacks."""
    if platform.machine() != "x86_64":
        raise Unsupported("the lab is for x86_64 machines")
    if not shutil.which("rustc"):
        raise LabError("rustc is needed for the container images' program")
    lacking = missing_tools()
    if not lacking:
        return
    if not shutil.which("apt-get"):
        raise Unsupported(f"these are needed, and there is no apt-get to install them: {', '.join(lacking)}")
    say("lab: setup: installing", *lacking)
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    run_logged("apt-get", "update", "-qq", logfile=logfile, timeout=300, env=env)
    run_logged("apt-get", "install", "-y", "-qq", "--no-install-recommends", *lacking, logfile=logfile,
               timeout=600, env=env)
    if missing_tools():
        raise LabError(f"still missing after installation: {', '.join(missing_tools())}")
