"""Names, addresses and paths shared by all parts of the lab."""
import ipaddress
import os
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent  # tests/lab
REPO = HERE.parent.parent

# Machine-wide names. There is one lab per machine at a time (see lock.py), so they are fixed,
# and a teardown finds what a crashed lab left behind by these names alone.
NAME = "subako-lab"  # network namespace of bridge and services; control group of everything
HOST_PREFIX = "sbk-"  # network namespace of a host: prefix + end of the instance id
UPLINK = "sbk-lab0"  # the machine's own leg in the lab's network
LOCK_FILE = Path("/run/subako-lab.lock")  # held by the live controller
CONTROL_LOCK_FILE = Path("/run/subako-lab-control.lock")  # held during `up` and `down`

# Addresses. The first four of a VPC's range are reserved in AWS as well.
NETWORK = ipaddress.ip_network("10.88.0.0/24")
SUBNETS = (("a", "10.88.0.0/25"), ("b", "10.88.0.128/25"))  # zone suffix, range
ROUTER = "10.88.0.1"  # default gateway of the hosts (leads nowhere), public registry
RESOLVER = "10.88.0.2"  # VPC resolver, private registry
CLIENT = "10.88.0.3"  # the machine itself: the place tests dial from
METADATA = "169.254.169.254"

REGION = os.environ.get("SUBAKO_LAB_REGION", "us-east-1")
ACCOUNT = "123456789012"  # moto's default account

PUBLIC_REGISTRY = "registry-1.docker.io"  # what Docker dials for images without a registry name
PRIVATE_REGISTRY = "registry.lab.test"  # wants a login
PRIVATE_USER, PRIVATE_PASSWORD = "lab", "lab-secret"

INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")  # every systemd needs some dozens
INOTIFY_WANTED = 1024

DEBIAN_SUITE = "bookworm"
NEWER_SUITE = "trixie"  # whose Docker the Debian hosts install
DEBIAN_MIRROR = os.environ.get("SUBAKO_LAB_MIRROR", "http://deb.debian.org/debian")

SETUP_COMPLETE = "complete"  # name of the stamp that says all steps are done


class Paths:
    """Everything the lab writes lies below one folder."""

    def __init__(self, root=None):
        root = root or os.environ.get("SUBAKO_LAB_DIR") or REPO / "target" / "lab"
        self.root = Path(root).resolve()
        # Built by `lab setup`, kept.
        self.cache = self.root / "cache"
        self.stamps = self.cache / "stamps"
        self.venv = self.cache / "venv"
        self.python = self.venv / "bin" / "python"
        self.pki = self.cache / "pki"
        self.base = self.cache / "base"
        self.layers = self.cache / "layers"
        self.debs = self.cache / "debs"
        self.repo = self.cache / "repo"
        self.registry_seed = self.cache / "registry"
        # Kept for reading after a run; emptied by the next `lab up`.
        self.logs = self.root / "logs"
        # Lives from `lab up` to `lab down`.
        self.run = self.root / "run"
        self.hosts = self.run / "hosts"
        self.keys = self.run / "keys"
        self.control = self.run / "control.sock"
        self.description = self.run / "lab.json"

    def boot_layers(self, flavour):
        """Overlay lower directories, topmost first, of a kind of machine."""
        return [self.layers / flavour, self.base]


FLAVOURS = ("amazon", "debian")


def metadata_token(address):
    """The IMDSv2 session token: one per address is enough here."""
    return f"lab-token-{address}"
