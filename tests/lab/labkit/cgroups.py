"""Control groups: one per host and one for the lab's own daemons.

Whatever a host starts stays below its group, so that teardown finds every process, whoever
started it and whatever became of its parents. Both layouts of Linux are handled: version 1 (one
hierarchy per controller) and version 2 (one for all).
"""
import errno
import os
import signal
import time
from functools import lru_cache
from pathlib import Path

from .config import NAME
from .errors import LabError, Unsupported

V2_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")


@lru_cache
def layout():
    """[(mount point, mount options for a guest)]; the options of version 2 are None."""
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        for line in mounts:
            left, right = line.rstrip("\n").split(" - ")
            point = Path(left.split()[4])
            kind, _, options = right.split(" ", 2)
            if kind == "cgroup2":
                found.append((point, None))
            elif kind == "cgroup":
                words = [w for w in options.split(",") if w not in ("rw", "xattr") and "release_agent" not in w]
                if any(w.startswith("name=") for w in words):
                    words = ["none"] + words
                found.append((point, ",".join(words)))
    if not found:
        raise Unsupported("no control groups are mounted")
    return found


def is_v2():
    """True on a machine whose only hierarchy is the unified one."""
    return all(options is None for _, options in layout())


def guest_spec():
    """What a guest mounts below its /sys/fs/cgroup: `folder:options` words, or `unified`."""
    if is_v2():
        return "unified"
    return " ".join(f"{point.name}:{options or 'v2'}" for point, options in layout())


def _top(point):
    return point / NAME


def create(group):
    """Make a group in every hierarchy; harmless when it exists."""
    for point, options in layout():
        top, folder = _top(point), _top(point) / group
        top.mkdir(exist_ok=True)
        if options is None:
            for parent in (point, top) if is_v2() else ():
                _enable(parent)
        elif "cpuset" in options.split(","):
            for one in (top, folder):
                one.mkdir(exist_ok=True)
                for name in ("cpuset.cpus", "cpuset.mems"):
                    if not (one / name).read_text().strip():
                        (one / name).write_text((one.parent / name).read_text())
        folder.mkdir(exist_ok=True)


def _enable(parent):
    """Hand the controllers of version 2 down to the children of a group, those that exist."""
    offered = (parent / "cgroup.controllers").read_text().split()
    for name in V2_CONTROLLERS:
        if name in offered:
            (parent / "cgroup.subtree_control").write_text(f"+{name}")


def procs_files(group):
    """The files through which a process enters a group, one per hierarchy."""
    return [_top(point) / group / "cgroup.procs" for point, _ in layout()]


def processes(group=None):
    """All processes in a group (or in the whole lab), in any hierarchy."""
    pids = set()
    for point, _ in layout():
        top = _top(point) / group if group else _top(point)
        for folder, _, files in os.walk(top):
            if "cgroup.procs" in files:
                try:
                    pids.update(int(p) for p in Path(folder, "cgroup.procs").read_text().split())
                except OSError as error:  # the group went away while we looked
                    if error.errno not in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP):
                        raise
    pids.discard(os.getpid())
    pids.discard(0)
    return pids


def kill(group=None, seconds=20):
    """SIGKILL everything in a group, again and again until it is empty."""
    deadline = time.monotonic() + seconds
    while True:
        pids = processes(group)
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if time.monotonic() > deadline:
            raise LabError(f"processes survive SIGKILL: {sorted(pids)}")
        time.sleep(0.02)


def folders(group=None):
    """Every control group of the lab, deepest first."""
    found = []
    for point, _ in layout():
        top = _top(point) / group if group else _top(point)
        found += [Path(folder) for folder, _, _ in os.walk(top, topdown=False)]
    return found


def remove(group=None, seconds=10):
    """Remove the (empty) groups; the kernel may need a moment after the last process."""
    deadline = time.monotonic() + seconds
    while True:
        left = []
        for folder in folders(group):
            try:
                folder.rmdir()
            except FileNotFoundError:
                pass
            except OSError as error:
                left.append(f"{folder}: {error.strerror}")
        if not left:
            return
        if time.monotonic() > deadline:
            raise LabError(f"control groups stay: {left[:5]}")
        time.sleep(0.05)
