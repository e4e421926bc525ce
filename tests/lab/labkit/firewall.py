"""Security groups, enforced on the bridge with nftables.

As in EC2: nothing enters an instance unless a rule of one of its groups says so, answers to what
is established always pass, and a rule may name another group instead of an address range. Egress
rules are not modelled. A host that is off neither sends nor receives: its peers see silence.
"""
import threading

from .config import NETWORK
from .network import LAB_NETNS
from .system import in_netns


def _chain(instance):
    return instance.replace("-", "_")


def match(permission):
    """The nftables expression for protocol and ports of one rule."""
    protocol = permission["protocol"]
    first, last = permission["from"], permission["to"]
    if protocol == "-1":
        return ""
    if protocol in ("tcp", "udp"):
        return f"{protocol} dport {first}-{last}" if first is not None else f"ip protocol {protocol}"
    if protocol == "icmp":
        return "ip protocol icmp" if first in (None, -1) else f"icmp type {first}"
    return f"ip protocol {protocol}"


def render(hosts, groups):
    """The whole table.

    hosts: [{instance, address, on, groups: [group id]}]
    groups: {group id: [{protocol, from, to, range: cidr or None, group: group id or None}]}
    """
    on = [h for h in hosts if h["on"]]
    off = sorted({h["address"] for h in hosts if not h["on"]} - {h["address"] for h in on})
    members = {}
    for host in on:
        for group in host["groups"]:
            members.setdefault(group, []).append(host["address"])
    out = ["table ip lab_sg", "delete table ip lab_sg", "table ip lab_sg {"]
    for host in on:
        out.append(f" chain {_chain(host['instance'])} {{")
        for group in host["groups"]:
            for rule in groups.get(group, []):
                sources = [rule["range"]] if rule["range"] else members.get(rule["group"], [])
                for source in sources:
                    origin = "" if source == "0.0.0.0/0" else f"ip saddr {source} "
                    out.append(f"  {origin}{match(rule)} accept")
        out += ["  counter drop", " }"]
    out.append(" chain forward {")
    out.append("  type filter hook forward priority 10; policy drop;")
    if off:
        out.append(f"  ip saddr {{ {', '.join(off)} }} drop")
        out.append(f"  ip daddr {{ {', '.join(off)} }} drop")
    out.append("  ct state established,related accept")
    if on:
        verdicts = ", ".join(f"{h['address']} : jump {_chain(h['instance'])}" for h in on)
        out.append(f"  ip saddr {NETWORK} ip daddr vmap {{ {verdicts} }}")
    out += [" }", "}", ""]
    return "\n".join(out)


class Firewall:
    """Keeps the kernel's table equal to the last one asked for."""

    def __init__(self):
        self._lock = threading.Lock()
        self._current = None

    def apply(self, hosts, groups):
        """Program the table if it changed."""
        wanted = render(hosts, groups)
        with self._lock:
            if wanted != self._current:
                in_netns(LAB_NETNS, "nft", "-f", "-", stdin=wanted)
                self._current = wanted
