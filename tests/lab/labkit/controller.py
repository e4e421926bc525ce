"""The controller: makes machines follow the instances of the EC2 endpoint.

It reads the endpoint's view whenever that changes, boots, stops, reboots and removes hosts, reports
when they are there, and keeps the firewall in step. It also serves instance metadata and names, and
answers the `lab host` and `lab fault` commands on a socket.

Usage: python -m labkit.controller ENDPOINT (with the live lock among its open files)
"""
import json
import queue
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request

from . import control, dns, imds
from .config import Paths
from .errors import LabError
from .firewall import Firewall
from .host import POWERED_OFF, REBOOT, REBOOTED, Host
from .system import log

class Machine:
    """A host, the view of its instance, and the thread that works on it."""

    def __init__(self, controller, view, paths):
        self.controller = controller
        self.view = view
        self.host = Host(paths, view["instance"], view["address"], view["flavour"])
        self.wanted = None  # the endpoint's state this machine was last sent to
        self.reboots = view["reboots"]
        self.phase = "off"
        self.phase_since = time.monotonic()
        self.shut = False  # commanded to be off: its end is no surprise
        self.broken_repo = False
        self.errors = []
        self._work = queue.Queue()
        threading.Thread(target=self._run, daemon=True, name=view["instance"]).start()

    def submit(self, function, *args):
        """Queue an operation; returns a function that waits for its end and raises its error."""
        done, box = threading.Event(), []
        self._work.put((function, args, done, box))

        def wait(seconds=120):
            if not done.wait(seconds):
                raise LabError(f"{self.view['instance']}: {function.__name__} is not done after {seconds} s")
            if box:
                raise box[0]

        return wait

    def _run(self):
        while True:
            function, args, done, box = self._work.get()
            try:
                function(*args)
            except Exception as error:  # reported to whoever waits, kept for `lab status`
                box.append(error)
                self.errors.append(f"{function.__name__}: {error}")
                log(self.view["instance"], function.__name__, "failed:", traceback.format_exc())
            done.set()
            if self.phase == "gone":
                return

    def set_phase(self, phase):
        """Change the phase and, before anything else happens, the firewall with it."""
        self.phase, self.phase_since = phase, time.monotonic()
        self.controller.apply_firewall()

    # -- operations, on the machine's own thread ---------------------------------------------------

    def boot(self, report=True):
        if not self.host.alive:
            if self.host.boots == 0:
                self.broken_repo = self.controller.next_repo_is_broken(self.view)
            self.shut = False
            self.set_phase("booting")
            try:
                self.host.boot(self.broken_repo)
            except Exception as error:
                self.set_phase("off")
                if report:
                    self.controller.settle(self.view["instance"], "terminated", str(error))
                raise
            threading.Thread(target=self._watch, args=(self.host.process,), daemon=True).start()
            self.set_phase("running")
        if report:
            self.controller.settle(self.view["instance"], "running")

    def stop(self):
        self.shut = True
        if self.host.alive:
            self.host.power_off()
        self.set_phase("off")
        self.controller.settle(self.view["instance"], "stopped")

    def crash(self):
        self.shut = True
        self.set_phase("off")  # first the cable, then the power: peers hear nothing
        if self.host.alive:
            self.host.crash()

    def reboot(self):
        self.host.signal(REBOOT)

    def remove(self):
        self.shut = True
        self.set_phase("off")
        self.host.remove()
        self.set_phase("gone")
        self.controller.settle(self.view["instance"], "terminated")

    def ended(self, process):
        """The machine ended by itself."""
        if self.host.process is not process or self.shut:
            return
        how = self.host.how_it_ended()
        log(self.view["instance"], how)
        self.set_phase("off")
        self.host.clear()
        if how == REBOOTED:
            self.boot(report=False)
        elif how == POWERED_OFF:  # EC2 takes an instance that shuts itself down for stopped
            self.shut = True
            self.controller.act(self.view["instance"], "stop")
        else:
            self.errors.append(f"crashed by itself, see {self.host.console}")

    def _watch(self, process):
        process.wait()
        if not self.shut:
            self.submit(self.ended, process)


class Controller:
    """All machines."""

    def __init__(self, endpoint, paths):
        self.endpoint = endpoint
        self.paths = paths
        self.machines = {}
        self.groups = {}
        self.faults = []  # [{"nth": n} or {"name": tag}]: first boots with a broken repository
        self.first_boots = 0
        self.errors = []
        self.firewall = Firewall()
        self._lock = threading.RLock()

    def call(self, path, body=None):
        """One of the endpoint's lab requests."""
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(self.endpoint + path, data=data), timeout=10) as got:
                return json.load(got)
        except urllib.error.HTTPError as error:
            raise LabError(f"the endpoint refuses {path}: {error.read().decode(errors='replace')}") from error

    def settle(self, instance, state, reason=""):
        """Report that a transition is complete."""
        self.call("/lab/settle", {"instance": instance, "state": state, "reason": reason})

    def act(self, instance, verb):
        """Start or stop an instance as its owner would."""
        self.call("/lab/act", {"instance": instance, "verb": verb})

    def find_address(self, address):
        """The view of the instance with an address, for the metadata service."""
        with self._lock:
            for machine in self.machines.values():
                if machine.view["address"] == address and machine.phase in ("booting", "running"):
                    return machine.view
        return None

    def next_repo_is_broken(self, view):
        """Whether a fault applies to this first boot; each fault is used once."""
        with self._lock:
            self.first_boots += 1
            for fault in self.faults:
                if fault.get("nth") == self.first_boots or fault.get("name") == view["name"]:
                    self.faults.remove(fault)
                    log(view["instance"], view["name"], "boots with a broken package repository")
                    return True
        return False

    def apply_firewall(self):
        """Program the security groups for the machines as they are now."""
        with self._lock:
            hosts = [
                {"instance": m.view["instance"], "address": m.view["address"], "groups": m.view["groups"],
                 "on": m.phase in ("booting", "running")}
                for m in self.machines.values() if m.phase != "gone"
            ]
            self.firewall.apply(hosts, self.groups)

    def follow(self, view):
        """Send every machine where the endpoint's view wants it."""
        with self._lock:
            self.groups = view["groups"]
            for one in view["instances"]:
                self._follow(one)
        self.apply_firewall()

    def _follow(self, one):
        machine = self.machines.get(one["instance"])
        if machine is None:
            if one["state"] == "terminated":
                return
            if one["flavour"] is None:
                self.settle(one["instance"], "terminated", f"nothing boots from {one['ami']} here")
                return
            machine = self.machines[one["instance"]] = Machine(self, one, self.paths)
        machine.view = one
        wanted = one["state"]
        if wanted != machine.wanted:
            log(one["instance"], one["name"], one["address"], machine.wanted, "->", wanted)
            machine.wanted = wanted
            work = {"pending": machine.boot, "stopping": machine.stop, "shutting-down": machine.remove,
                    "terminated": machine.remove}.get(wanted)
            if work and machine.phase != "gone":
                machine.submit(work)
        if one["reboots"] != machine.reboots:
            machine.reboots = one["reboots"]
            machine.submit(machine.reboot)
        if machine.phase == "gone":
            del self.machines[one["instance"]]

    def run(self):
        """Follow the endpoint for ever."""
        revision = 0
        while True:
            try:
                view = self.call(f"/lab/view?since={revision}")
                revision = view["revision"]
                self.follow(view)
            except Exception as error:  # the next view may be fine; `lab status` shows it
                if str(error) not in self.errors:
                    self.errors = (self.errors + [str(error)])[-20:]
                    log("follow:", traceback.format_exc())
                time.sleep(0.5)


def main(endpoint):
    """Start everything and follow."""
    controller = Controller(endpoint, Paths())
    metadata = imds.create(controller.find_address)
    resolver = dns.create()
    commands = control.create(controller)
    for target in (metadata.serve_forever, lambda: dns.serve(resolver), commands.serve_forever):
        threading.Thread(target=target, daemon=True).start()
    controller.apply_firewall()
    log("controller: ready for", endpoint)
    controller.run()


if __name__ == "__main__":
    main(sys.argv[1])
