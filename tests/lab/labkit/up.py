"""`lab up`: start everything, wait until it answers, describe it."""
import json
import os
import shutil
import socket
from urllib.request import urlopen

from . import cgroups, control, down, lock, network, registry
from .config import (
    CLIENT, HERE, INOTIFY, INOTIFY_WANTED, NETWORK, PRIVATE_PASSWORD, PRIVATE_REGISTRY, PRIVATE_USER, REGION, Paths,
)
from .ec2 import amis
from .errors import LabError
from .setup import Setup, missing_tools
from .system import launch_argv, load_module, run, say, spawn, wait_until


def up(paths, wait=0):
    """Start a lab; its description."""
    if not Setup(paths).is_complete() or missing_tools():
        raise LabError(f"the lab is not set up in {paths.root}, or its sources changed: `lab setup` first")
    if wait:
        wait_until(lambda: not lock.is_live(), wait, f"{lock.describe_owner()} It is still there", pause=0.5)
    with lock.control():
        if lock.is_live():
            other = Paths(lock.owner().get("root"))
            if other.description.exists():
                raise LabError(lock.describe_owner())
            down.clean(other)  # its `up` was killed half-way: nobody else holds the control lock
        if any(down.leftovers(paths).values()):
            say("lab: taking down what a lab left behind")
            down.clean(paths)
        try:
            return _start(paths)
        except BaseException:
            down.clean(paths)
            raise


def _start(paths):
    for folder in (paths.logs, paths.run):
        if folder.exists():
            shutil.rmtree(folder)
    for folder in (paths.logs, paths.logs / "hosts", paths.hosts, paths.keys):
        folder.mkdir(parents=True)
    paths.run.chmod(0o700)
    before = int(INOTIFY.read_text())
    if before < INOTIFY_WANTED:
        (paths.run / "inotify").write_text(json.dumps([before, INOTIFY_WANTED]))
        INOTIFY.write_text(str(INOTIFY_WANTED))
    cgroups.create("services")
    for kind in ("ed25519", "rsa"):  # in the group: should this program be killed, teardown finds it
        make = ("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"lab-{kind}", "-f", paths.keys / kind)
        run(*launch_argv(make, "services"))
    network.up()

    environment = dict(os.environ, SUBAKO_LAB_DIR=str(paths.root), PYTHONPATH=str(HERE), PYTHONDONTWRITEBYTECODE="1",
                       PYTHONUNBUFFERED="1")
    daemons = {}

    def daemon(name, *argv, netns=None, pass_fds=()):
        daemons[name] = spawn(argv, paths.logs / f"{name}.log", netns=netns, pass_fds=pass_fds, env=environment)

    def alive(name):
        if daemons[name].poll() is not None:
            log = paths.logs / f"{name}.log"
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
            raise LabError(f"{name} ended with {daemons[name].returncode}, see {log}:\n{tail}")
        return True

    amis.write(paths.run / "amis.json")
    port_file = paths.run / "ec2.port"
    daemon("ec2", paths.python, "-m", "labkit.ec2.server", REGION, port_file, paths.run / "amis.json")
    for name, config in registry.configure(paths):
        daemon(name, "docker-registry", "serve", config, netns=network.LAB_NETNS)
    port = wait_until(lambda: alive("ec2") and port_file.exists() and port_file.read_text(), 60, "the EC2 endpoint")
    endpoint = f"http://127.0.0.1:{port}"
    lock_fd = lock.take(paths.root)
    try:
        daemon("controller", paths.python, "-m", "labkit.controller", endpoint, pass_fds=(lock_fd,))
    finally:
        os.close(lock_fd)

    def controller_answers():
        alive("controller")
        try:
            return control.ask(paths, "status", seconds=5) is not None
        except LabError:
            return False

    wait_until(controller_answers, 30, "the controller (see its log)")
    for name, address in registry.ADDRESSES.items():
        wait_until(lambda: alive(name) and _connects(address, 443), 30, name)
    ipvs = load_module("ip_vs", "/proc/net/ip_vs")
    if not ipvs:
        daemon("mesh", paths.python, "-m", "labkit.mesh")
    pids = {name: process.pid for name, process in daemons.items()}
    description = _describe(paths, endpoint, pids, ipvs)
    paths.description.write_text(json.dumps(description, indent=2) + "\n")
    return description


def _connects(address, port):
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((address, port)) == 0


def _describe(paths, endpoint, pids, ipvs):
    """Everything that a test needs to know."""
    with urlopen(endpoint + "/lab/network", timeout=20) as answer:
        vpc = json.load(answer)
    return {
        "endpoint": endpoint,
        "region": REGION,
        "environment": {
            "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "lab", "AWS_SECRET_ACCESS_KEY": "lab", "AWS_EC2_METADATA_DISABLED": "true",
        },
        "vpc_id": vpc["vpc_id"],
        "subnet_ids": vpc["subnet_ids"],
        "cidr": str(NETWORK),
        "client_address": CLIENT,
        "amis": amis.PRINTED,
        "login_user": {"amazon": "ec2-user", "debian": "admin"},
        "keys": {
            kind: {"private": str(paths.keys / kind), "public": str(paths.keys / f"{kind}.pub")}
            for kind in ("ed25519", "rsa")
        },
        "images": {
            "reply": "mingsiro71/replyhost", "reply_v2": "mingsiro71/replyhost:v2", "alpine": "alpine",
            "crash": "crash", "unhealthy": "unhealthy",
        },
        "private_registry": {
            "name": PRIVATE_REGISTRY, "user": PRIVATE_USER, "password": PRIVATE_PASSWORD,
            "image": f"{PRIVATE_REGISTRY}/team/replyhost",
        },
        "balancing": "ipvs" if ipvs else "nftables",
        "pids": pids,
        "logs": str(paths.logs),
        "dir": str(paths.root),
    }


def current(paths=None):
    """The description of the lab that is up."""
    paths = paths or Paths()
    if not lock.is_live() or not paths.description.exists():
        raise LabError(f"no lab is up in {paths.root}: `lab up` first")
    return json.loads(paths.description.read_text())
