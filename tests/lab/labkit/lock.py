"""One lab at a time on one machine.

Names and addresses of the lab are machine-wide. Two locks keep labs apart:
- the live lock is held by the controller for as long as it lives, so that a crash frees it;
- the control lock is held while `up` or `down` works.
"""
import fcntl
import json
import os
import time
from contextlib import contextmanager

from .config import CONTROL_LOCK_FILE, LOCK_FILE
from .errors import LabError
from .system import wait_until


def _open(path):
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try(fd):
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


@contextmanager
def control(seconds=300):
    """Hold the control lock: `up` and `down` never run at the same time."""
    fd = _open(CONTROL_LOCK_FILE)
    try:
        wait_until(lambda: _try(fd), seconds, "another `lab up` or `lab down` is at work", pause=0.1)
        yield
    finally:
        os.close(fd)


def owner():
    """What the lab that last took the live lock wrote about itself."""
    try:
        return json.loads(LOCK_FILE.read_text() or "{}")
    except (FileNotFoundError, ValueError):  # never taken, or its owner died while writing
        return {}


def is_live():
    """True while some lab's controller lives."""
    if not LOCK_FILE.exists():
        return False
    fd = _open(LOCK_FILE)
    try:
        return not _try(fd)
    finally:
        os.close(fd)


def take(root):
    """Take the live lock for a lab; the descriptor, to be handed to the controller and then closed."""
    fd = _open(LOCK_FILE)
    if not _try(fd):
        os.close(fd)
        raise LabError(describe_owner())
    os.ftruncate(fd, 0)
    os.pwrite(fd, json.dumps({"root": str(root), "since": time.strftime("%Y-%m-%d %H:%M:%S")}).encode(), 0)
    return fd


def describe_owner():
    """The message for whoever finds the lab taken."""
    who = owner()
    return (
        f"a lab is up already: {who.get('root', '?')}, since {who.get('since', '?')}. "
        "There is one per machine; take it down with `lab down` (with the same SUBAKO_LAB_DIR)."
    )
