"""`lab down`: take everything down, however it got there, and count what is left.

Nothing here trusts a process to answer: control groups say which processes are the lab's, fixed
names say which namespaces and interfaces are. Files go last.
"""
import json
import shutil

from . import cgroups, lock, network
from .config import INOTIFY, Paths
from .errors import LabError
from .system import run, say, wait_until


def leftovers(paths):
    """{kind: [what]} of everything a lab may leave on the machine, but for its cache and logs."""
    with open("/proc/self/mounts", encoding="utf-8") as table:
        points = [line.split()[1] for line in table]
    net = network.leftovers()
    spaces = [str(network.namespace(name)) for name in net["namespaces"]]
    return {
        "processes": sorted(cgroups.processes()),
        "namespaces": net["namespaces"],
        "links": net["links"],
        "tables": network.tables(),
        "mounts": [p for p in points if p.startswith(f"{paths.root}/") or p in spaces],
        "cgroups": [str(folder) for folder in cgroups.folders()],
        "files": [str(paths.run)] if paths.run.exists() else [],
    }


def down(paths, force=False):
    """Take the lab down; what is left afterwards (nothing, one hopes)."""
    with lock.control():
        owner = lock.owner().get("root")
        if lock.is_live() and owner != str(paths.root) and not force:
            raise LabError(f"the lab that is up belongs to {owner}, not to {paths.root}: --force takes it down")
        clean(paths)
        if owner and owner != str(paths.root):
            clean(Paths(owner))
        return leftovers(paths)


def clean(paths):
    """Remove everything of a lab. The control lock must be held."""
    # The daemons first, so that nobody boots what is being taken down.
    cgroups.kill("services")
    cgroups.kill()
    wait_until(lambda: not lock.is_live(), 10, "the live lock is free once everything is killed")
    network.down()
    cgroups.remove()
    _restore_inotify(paths)
    if paths.run.exists():
        shutil.rmtree(paths.run)


def _restore_inotify(paths):
    """Put back the machine-wide limit that `up` raised, unless somebody changed it since."""
    saved = paths.run / "inotify"
    if saved.exists():
        before, ours = json.loads(saved.read_text())
        if int(INOTIFY.read_text()) == ours:
            INOTIFY.write_text(str(before))


def report(left):
    """Print the count; True if nothing is left."""
    say("lab: left over:", ", ".join(f"{kind} {len(what)}" for kind, what in left.items()))
    for kind, what in left.items():
        for one in what[:20]:
            say(f"  {kind}: {one}", _command(one) if kind == "processes" else "")
    return not any(left.values())


def _command(pid):
    return run("ps", "-o", "args=", "-p", pid, check=False).stdout.strip()
