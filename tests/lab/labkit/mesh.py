"""Stand-in for IPVS, on kernels that have none.

Docker hands two things to IPVS: the ingress routing mesh (a published port on any node reaches any
task) and the virtual IPs of services. Without it both are dead. This program reads services and
tasks from a manager's Engine API and programs the same with nftables, from outside the guests:
1. in each host and in its `ingress_sbox`: published ports -> tasks, round robin per connection;
2. in each load-balancer sandbox of an overlay network: virtual IP -> tasks.

A swarm agent waits two seconds between taking a task out of rotation and stopping it, which is more
than this program needs to follow. The tasks of a node that dies stay in rotation for about
as long as the gossip between Docker's agents takes to notice (GOSSIP).

Usage: python -m labkit.mesh
"""
import glob
import json
import os
import time
import traceback

from . import control, engine_api
from .config import Paths
from .engine_api import EngineError
from .errors import LabError
from .host import enter_argv
from .system import in_netns, log, run

PERIOD = 0.25
GOSSIP = 5  # seconds
TABLE = "subako_mesh"


def read_services(pid1, dead=()):
    """What a manager knows; `dead`: addresses of nodes that no longer take part.

    ({(protocol, port): (target port, addresses)}, {network: {virtual ip: addresses}})
    """
    services = engine_api.get(pid1, "/services")
    if not services:
        return {}, {}
    down = {
        n["ID"] for n in engine_api.get(pid1, "/nodes")
        if n["Status"]["State"] == "down" or n["Status"].get("Addr") in dead
    }
    ingress = {n["Id"] for n in engine_api.get(pid1, "/networks", driver=["overlay"]) if n.get("Ingress")}
    addresses = {}
    for task in engine_api.get(pid1, "/tasks", **{"desired-state": ["running"]}):
        if task["Status"]["State"] == "running" and task.get("NodeID") not in down:
            for attachment in task.get("NetworksAttachments") or []:
                place = addresses.setdefault((task["ServiceID"], attachment["Network"]["ID"]), [])
                place += [a.split("/")[0] for a in (attachment.get("Addresses") or [])[:1]]
    ports, virtual = {}, {}
    for service in services:
        endpoint = service.get("Endpoint") or {}
        for port in endpoint.get("Ports") or []:
            if port.get("PublishMode", "ingress") == "ingress" and port.get("PublishedPort"):
                targets = sorted(a for n in ingress for a in addresses.get((service["ID"], n), []))
                ports[(port["Protocol"], port["PublishedPort"])] = (port["TargetPort"], targets)
        for entry in endpoint.get("VirtualIPs") or []:
            if entry["NetworkID"] not in ingress and entry.get("Addr"):
                targets = sorted(addresses.get((service["ID"], entry["NetworkID"]), []))
                virtual.setdefault(entry["NetworkID"], {})[entry["Addr"].split("/")[0]] = targets
    return ports, virtual


def rotation(targets, port=None):
    """A `dnat` target that takes each address in turn."""
    turns = ", ".join(f"{n} : {address}" for n, address in enumerate(targets))
    return f"numgen inc mod {len(targets)} map {{ {turns} }}" + (f":{port}" if port else "")


def ruleset(prerouting, postrouting, output=()):
    """A table that replaces its predecessor in one transaction."""
    def chain(name, hook, priority, rules):
        lines = "".join(f"    {rule}\n" for rule in rules)
        return f"  chain {name} {{\n    type nat hook {hook} priority {priority}; policy accept;\n{lines}  }}\n"

    return (
        f"table ip {TABLE}\ndelete table ip {TABLE}\ntable ip {TABLE} {{\n"
        + chain("before", "prerouting", -110, prerouting)
        + (chain("own", "output", -110, output) if output else "")
        + chain("after", "postrouting", 90, postrouting) + "}\n"
    )


def identity(path):
    """Which namespace is behind a path; the kernel uses inode numbers again, hence the rest."""
    found = os.stat(path)
    return str(path), found.st_ino, found.st_ctime_ns


class Mesh:
    """What has been programmed where."""

    def __init__(self, paths):
        self.paths = paths
        self.complaints = {}  # instance -> what was wrong last
        self.programmed = {}  # namespace -> ruleset
        self.gateways = {}  # ingress sandbox -> its address on docker_gwbridge

    def complain(self, instance, text):
        """Log an error of a host unless it is the same as before."""
        if self.complaints.get(instance) != text:
            self.complaints[instance] = text
            log(instance, text)

    def program(self, path, text, prepare=None):
        """Program a namespace unless it has this ruleset; `prepare` runs before."""
        key = identity(path)
        if self.programmed.get(key) == text:
            return
        if prepare:
            prepare()
        in_netns(path, "nft", "-f", "-", stdin=text)
        self.programmed[key] = text

    def gateway(self, sandbox):
        """The address by which a host reaches its ingress sandbox."""
        key = identity(sandbox)
        if key not in self.gateways:
            found = json.loads(in_netns(sandbox, "ip", "-j", "-4", "address", "show", "dev", "eth1"))
            self.gateways[key] = found[0]["addr_info"][0]["local"]
        return self.gateways[key]

    def step(self):
        """Look once, program what changed."""
        known = control.ask(self.paths, "list", seconds=5)
        hosts = [h for h in known if h["phase"] == "running" and h["pid1"]]
        dead = [h["address"] for h in known if h["phase"] == "off" and h["phase_seconds"] > GOSSIP]
        state = None
        for host in hosts:
            if os.path.exists(f"/proc/{host['pid1']}/root/run/docker/netns/ingress_sbox"):
                try:
                    state = read_services(host["pid1"], dead)
                    break
                except EngineError:  # a worker, or a manager without a leader: the next one may know
                    continue
        if state is None:
            return bool(hosts)
        for host in hosts:
            try:
                self.program_host(host["pid1"], *state)
            except (LabError, OSError, IndexError, KeyError) as error:
                # The host is going, or its sandboxes are being made: the next round sees.
                self.complain(host["instance"], str(error))
        return True

    def program_host(self, pid1, ports, virtual):
        """The ingress mesh and the virtual IPs in one host."""
        folder = f"/proc/{pid1}/root/run/docker/netns"
        sandbox = f"{folder}/ingress_sbox"
        if not os.path.exists(sandbox):
            return
        served = {key: value for key, value in sorted(ports.items()) if value[1]}
        gateway = self.gateway(sandbox)
        to_sandbox = [f"fib daddr type local {proto} dport {port} dnat to {gateway}" for proto, port in served]
        accept = f"DOCKER-USER -d {gateway} -o docker_gwbridge -j ACCEPT"
        self.program(
            f"/proc/{pid1}/ns/net",
            ruleset(
                ['iifname != "docker_gwbridge" ' + rule for rule in to_sandbox],
                [f"ip daddr {gateway} oifname docker_gwbridge masquerade"], to_sandbox,
            ),
            lambda: run(
                *enter_argv(pid1), "sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/docker_gwbridge/route_localnet;"
                f" iptables -w -C {accept} 2>/dev/null || iptables -w -I {accept}"),
        )
        self.program(
            sandbox,
            ruleset(
                [f"iifname eth1 {proto} dport {port} dnat to {rotation(targets, target)}"
                 for (proto, port), (target, targets) in served.items()],
                ["oifname eth0 masquerade"],
            ),
            lambda: in_netns(sandbox, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"),
        )
        for network, addresses in virtual.items():
            for balancer in glob.glob(f"{folder}/lb_{network[:9]}*"):
                self.program_balancer(balancer, addresses)

    def program_balancer(self, balancer, addresses):
        """The virtual IPs of one overlay network on one host."""
        def prepare():
            present = in_netns(balancer, "ip", "-o", "-4", "address", "show", "dev", "eth0")
            for address in addresses:
                if f" {address}/32 " not in present:
                    in_netns(balancer, "ip", "address", "add", f"{address}/32", "dev", "eth0")
            in_netns(balancer, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward;"
                     " echo 0 >/proc/sys/net/ipv4/conf/eth0/send_redirects")

        self.program(
            balancer,
            ruleset(
                [f"ip daddr {address} dnat to {rotation(targets)}"
                 for address, targets in sorted(addresses.items()) if targets],
                ["oifname eth0 masquerade"],
            ),
            prepare,
        )


def main():
    """Follow the swarm for ever."""
    mesh = Mesh(Paths())
    last = ""
    while True:
        try:
            busy = mesh.step()
            last = ""
        except Exception as error:  # never give up: the next round may be fine
            busy = False
            if str(error) != last:
                log(traceback.format_exc())
            last = str(error)
        time.sleep(PERIOD if busy else 1)


if __name__ == "__main__":
    main()
