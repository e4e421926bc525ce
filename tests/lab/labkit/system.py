"""Running programs, waiting with a deadline, starting daemons."""
import os
import shutil
import subprocess
import sys
import time

from . import cgroups
from .config import HERE
from .errors import LabError, Unsupported

def say(*words):
    """Progress for people, on standard error: standard output is for results."""
    print(*words, file=sys.stderr, flush=True)


def log(*words):
    """One line of a daemon's log."""
    print(time.strftime("%H:%M:%S") + f".{int(time.time() * 1000) % 1000:03d}", *words, flush=True)


def run(*argv, stdin=None, timeout=60, check=True, env=None, cwd=None):
    """Run a program; its standard output. A failure carries the last lines that it wrote."""
    argv = [str(a) for a in argv]
    try:
        done = subprocess.run(argv, input=stdin or "", capture_output=True, text=True, timeout=timeout, env=env, cwd=cwd)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{argv[0]}: no end after {timeout} s: {' '.join(argv)}") from error
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]}: no such program") from error
    if check and done.returncode:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise LabError(f"`{' '.join(argv)}` failed with {done.returncode}: {tail}")
    return done.stdout if check else done


def run_logged(*argv, logfile, timeout, env=None):
    """Run a long program with its output in a file; a failure quotes the end of it."""
    argv = [str(a) for a in argv]
    with open(logfile, "ab") as out:
        out.write(f"$ {' '.join(argv)}\n".encode())
        out.flush()
        try:
            code = subprocess.run(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=timeout, env=env
            ).returncode
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{argv[0]}: no end after {timeout} s, see {logfile}") from error
    if code:
        tail = b"\n".join(logfile.read_bytes().splitlines()[-20:]).decode(errors="replace")
        raise LabError(f"{argv[0]} failed with {code}, see {logfile}:\n{tail}")


def wait_until(condition, seconds, what, pause=0.05):
    """Wait for a condition; its first true value. Past the deadline a LabError names `what`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise LabError(f"{what}: not after {seconds} s")
        time.sleep(pause)


def require_machine():
    """Raise Unsupported unless this is Linux and we are root."""
    if not sys.platform.startswith("linux"):
        raise Unsupported("the lab needs Linux (network namespaces, overlayfs, nftables)")
    if os.geteuid() != 0:
        raise Unsupported("the lab needs root (it creates namespaces, mounts and a bridge)")
    if not _has_filesystem("overlay"):
        raise Unsupported("this kernel has no overlayfs")
    if not load_module("br_netfilter", "/proc/sys/net/bridge"):
        raise Unsupported("this kernel has no br_netfilter: security groups could not be enforced")
    if run("unshare", "--mount", "--net", "true", check=False).returncode:
        raise Unsupported("root may not create namespaces here")
    cgroups.layout()  # raises when there is none that we can use


def _has_filesystem(name):
    def known():
        with open("/proc/filesystems", encoding="ascii") as table:
            return name in table.read().split()

    return known() or load_module(name, None) and known()


def load_module(name, proof):
    """Load a kernel module unless its proof (a path) is there already; True if it is there then."""
    if proof and os.path.exists(proof):
        return True
    loaded = bool(shutil.which("modprobe")) and run("modprobe", name, check=False).returncode == 0
    return os.path.exists(proof) if proof else loaded


def launch_argv(argv, group, netns=None):
    """Command line that enters a control group and a network namespace and becomes `argv`."""
    return [
        "sh", str(HERE / "guest" / "launch.sh"), " ".join(map(str, cgroups.procs_files(group))),
        str(netns or ""), *map(str, argv),
    ]


def spawn(argv, logfile, group="services", netns=None, pass_fds=(), env=None):
    """Start a daemon in its own session, with its output in a file, inside a control group."""
    cgroups.create(group)
    with open(logfile, "ab") as out:
        return subprocess.Popen(
            launch_argv(argv, group, netns), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True, pass_fds=pass_fds, env=env,
        )


def in_netns(path, *argv, stdin=None, timeout=20, check=True):
    """Run a program inside a network namespace given by its path."""
    return run("nsenter", f"--net={path}", "--", *argv, stdin=stdin, timeout=timeout, check=check)
