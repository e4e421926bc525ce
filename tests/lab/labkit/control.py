"""Commands to the controller: one JSON line there, one JSON line back, over a Unix socket."""
import json
import os
import socket
import socketserver
import time
import traceback

from .errors import LabError
from .system import log, wait_until


class Server(socketserver.ThreadingUnixStreamServer):
    """One thread per command."""

    daemon_threads = True


class Handler(socketserver.StreamRequestHandler):
    """One command."""

    controller = None

    def handle(self):
        line = self.rfile.readline()
        if not line:
            return
        try:
            request = json.loads(line)
            answer = {"ok": COMMANDS[request.pop("command")](type(self).controller, **request)}
        except LabError as error:
            answer = {"error": str(error)}
        except Exception as error:  # a fault of the lab itself: told to the caller and logged
            log("command", line, traceback.format_exc())
            answer = {"error": f"{type(error).__name__}: {error}"}
        self.wfile.write(json.dumps(answer).encode() + b"\n")


def create(controller):
    """The command server; run its serve_forever."""
    path = controller.paths.control
    path.unlink(missing_ok=True)
    Handler.controller = controller
    server = Server(str(path), Handler)
    os.chmod(path, 0o600)
    return server


def ask(paths, command, seconds=180, **arguments):
    """Send a command; its answer. Raises LabError if there is no lab, or the command fails."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(seconds)
        try:
            link.connect(str(paths.control))
            link.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            line = link.makefile().readline()
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise LabError(f"no lab is up in {paths.root}: `lab up` first") from error
        except TimeoutError as error:
            raise LabError(f"{command}: no answer after {seconds} s, see {paths.logs}") from error
    if not line:
        raise LabError(f"{command}: the controller went away, see {paths.logs}")
    answer = json.loads(line)
    if "error" in answer:
        raise LabError(answer["error"])
    return answer["ok"]


# -- the commands themselves -----------------------------------------------------------------------


def _machine(controller, which):
    """A machine by instance id, private address or Name tag."""
    found = [
        m for m in list(controller.machines.values())
        if m.phase != "gone" and which in (m.view["instance"], m.view["address"], m.view["name"])
    ]
    if len(found) != 1:
        raise LabError(f"{len(found)} hosts are called {which!r}")
    return found[0]


def _row(machine):
    view, host = machine.view, machine.host
    return {
        "instance": view["instance"], "name": view["name"], "address": view["address"], "phase": machine.phase,
        "phase_seconds": round(time.monotonic() - machine.phase_since, 1),
        "ec2_state": view["state"], "flavour": view["flavour"], "ami": view["ami"], "pid1": host.pid1,
        "netns": host.name, "boots": host.boots, "console": str(host.console), "repo_broken": machine.broken_repo,
        "errors": machine.errors,
    }


def _list(controller):
    rows = [_row(m) for m in list(controller.machines.values()) if m.phase != "gone"]
    return sorted(rows, key=lambda r: r["address"])


def _status(controller):
    return {"hosts": _list(controller), "errors": controller.errors, "faults": controller.faults}


def _stop(controller, which):
    machine = _machine(controller, which)
    controller.act(machine.view["instance"], "stop")
    wait_until(lambda: machine.view["state"] == "stopped", 60, f"{which}: stopped")
    return _row(machine)


def _kill(controller, which):
    machine = _machine(controller, which)
    machine.submit(machine.crash)()
    return _row(machine)


def _start(controller, which):
    machine = _machine(controller, which)
    if machine.view["state"] == "stopped":
        controller.act(machine.view["instance"], "start")
        wait_until(lambda: machine.view["state"] == "running", 60, f"{which}: running")
    else:
        machine.submit(machine.boot, False)()
    return _row(machine)


def _break_repo(controller, which):
    machine = _machine(controller, which)
    if not machine.broken_repo:
        machine.submit(machine.host.break_repository)()
        machine.broken_repo = True
    return _row(machine)


def _repair_repo(controller, which):
    machine = _machine(controller, which)
    if machine.broken_repo:
        machine.submit(machine.host.repair_repository)()
        machine.broken_repo = False
    return _row(machine)


def _fault(controller, **fault):
    controller.faults.append(fault)
    if "nth" in fault:  # counted from now on
        fault["nth"] += controller.first_boots
    return controller.faults


def _clear_faults(controller):
    controller.faults.clear()
    return []


COMMANDS = {
    "list": _list, "status": _status, "stop": _stop, "kill": _kill, "start": _start,
    "break-repo": _break_repo, "repair-repo": _repair_repo, "fault": _fault, "clear-faults": _clear_faults,
}
