"""One machine of the lab: systemd as PID 1 over an overlay root, in namespaces of its own.

A host is a folder (overlay upper layer, Docker's data), a network namespace and a control group.
`unshare` is the parent of its PID 1; how it dies says how the machine ended:
SIGHUP: the guest rebooted, SIGINT: it powered itself off, anything else: it crashed.
"""
import os
import shutil
import signal
import subprocess
import threading

from . import cgroups, network
from .config import HERE, HOST_PREFIX
from .errors import LabError
from .system import launch_argv, log, run, wait_until

POWER_OFF = signal.SIGRTMIN + 4  # systemd's own meaning of these two
REBOOT = signal.SIGRTMIN + 5
REBOOTED, POWERED_OFF, CRASHED = "rebooted", "powered off", "crashed"


def netns_name(instance):
    """Network namespace and control group of an instance's host."""
    return HOST_PREFIX + instance[-8:]


class Host:
    """Boot, stop, crash and remove one machine. Not for concurrent use: see controller.py."""

    def __init__(self, paths, instance, address, flavour):
        self.paths = paths
        self.instance = instance
        self.address = address
        self.flavour = flavour
        self.name = netns_name(instance)
        self.folder = paths.hosts / self.name
        self.console = paths.logs / "hosts" / f"{instance}.log"
        self.process = None
        self.boots = 0

    @property
    def alive(self):
        """True while the machine runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid1(self):
        """The guest's PID 1 as the machine numbers it; None while there is none."""
        if not self.alive:
            return None
        pid = self.process.pid
        try:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
                words = children.read().split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return int(words[0]) if words else None

    def boot(self, broken_repo=False):
        """Start the machine; returns when its init has taken over."""
        if self.alive:
            raise LabError(f"{self.instance} runs already")
        for part in ("upper", "root", "docker"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        self.console.parent.mkdir(parents=True, exist_ok=True)
        self.console.touch()
        if not network.host_exists(self.name):
            network.host_up(self.name, self.address)
        cgroups.create(self.name)
        env = {
            "PATH": os.environ["PATH"],
            "LAB_HOST": str(self.folder),
            "LAB_ADDRESS": self.address,
            "LAB_LOWER": ":".join(str(p) for p in self.paths.boot_layers(self.flavour)),
            "LAB_REPO": str(self.paths.repo),
            "LAB_REPO_BROKEN": "1" if broken_repo else "",
            "LAB_CONSOLE": str(self.console),
            "LAB_CGROUPS": cgroups.guest_spec(),
        }
        argv = ["unshare", "--mount", "--uts", "--ipc", "--cgroup", "--pid", "--fork", "--kill-child",
                "bash", HERE / "guest" / "stage2.sh"]
        with open(self.console, "ab") as out:
            self.process = subprocess.Popen(
                launch_argv(argv, self.name, network.namespace(self.name)),
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, env=env,
            )
        self.boots += 1
        wait_until(self._init_took_over, 30, f"{self.instance}: systemd as PID 1 (see {self.console})")

    def _init_took_over(self):
        if not self.alive:
            raise LabError(f"{self.instance} died while booting, see {self.console}")
        pid = self.pid1
        if not pid:
            return False
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
                return comm.read().strip() == "systemd"
        except (FileNotFoundError, ProcessLookupError):
            return False

    def signal(self, number):
        """Send a signal to the guest's PID 1."""
        pid = self.pid1
        if pid:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                log(self.instance, "ended before the signal")

    def await_end(self, seconds):
        """Wait for the machine to end; False if it did not."""
        try:
            if self.process is not None:
                self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def how_it_ended(self):
        """Why the machine is not running any more."""
        code = self.process.returncode
        if code == -signal.SIGHUP:
            return REBOOTED
        return POWERED_OFF if code == -signal.SIGINT else CRASHED

    def power_off(self, seconds=30):
        """Shut down as by the power button; forced after a while, as EC2 does."""
        self.signal(POWER_OFF)
        if not self.await_end(seconds):
            log(self.instance, "did not shut down in", seconds, "s: forced")
            self.crash()
        self.clear()

    def crash(self):
        """The power fails: everything dies at once."""
        self.signal(signal.SIGKILL)
        if not self.await_end(10):
            self.process.kill()  # unshare takes its child along
            if not self.await_end(10):
                raise LabError(f"{self.instance} survives SIGKILL")
        self.clear()

    def clear(self):
        """After the end: no process, an empty group, and a namespace as new for the next boot."""
        cgroups.kill(self.name)
        cgroups.remove(self.name)
        network.host_down(self.name)
        network.host_up(self.name, self.address)

    def remove(self):
        """The machine and its disks are gone."""
        cgroups.kill(self.name)
        self.await_end(10)
        cgroups.remove(self.name)
        network.host_down(self.name)
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def break_repository(self):
        """Hide the package repository of the running machine under an empty folder."""
        self.enter("mount", "-t", "tmpfs", "-o", "ro,size=4k", "broken", "/opt/lab-repo")

    def repair_repository(self):
        """Take the empty folder away again."""
        self.enter("umount", "/opt/lab-repo")

    def enter(self, *argv):
        """Run a program of the guest inside it, as root; its output."""
        pid = self.pid1
        if not pid:
            raise LabError(f"{self.instance} is off")
        return run(*enter_argv(pid), *argv)


def enter_argv(pid1):
    """The command line that puts a program inside the machine with this PID 1."""
    return ["nsenter", "-t", str(pid1), "-m", "-u", "-i", "-n", "-p", "-C", "--"]
