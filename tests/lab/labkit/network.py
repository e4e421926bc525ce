"""The lab's network: one namespace with a bridge and the services, one namespace per host.

Nothing of it touches the machine's own network but one interface, UPLINK, with the address CLIENT:
that is where tests dial from. The lab's namespace has no other way out, forwards no IP packets,
and lets no host open a connection to the machine, so nothing of the lab reaches the world.
"""
import ipaddress
import json
from pathlib import Path

from .config import CLIENT, HOST_PREFIX, METADATA, NAME, NETWORK, RESOLVER, ROUTER, UPLINK
from .errors import LabError
from .system import in_netns, run

NETNS_DIR = Path("/run/netns")
LAB_NETNS = NETNS_DIR / NAME

# What hosts may ask of the services in the lab's namespace, and nothing else.
EDGE_RULES = f"""
table ip lab_edge {{
  chain input {{
    type filter hook input priority 0; policy drop;
    iifname lo accept
    ct state established,related accept
    ip protocol icmp accept
    ip daddr {{ {ROUTER}, {RESOLVER} }} tcp dport 443 accept
    ip daddr {RESOLVER} udp dport 53 accept
    ip daddr {RESOLVER} tcp dport 53 accept
    ip daddr {METADATA} tcp dport 80 accept
  }}
}}
table ip6 lab_edge {{
  chain input {{ type filter hook input priority 0; policy drop; }}
  chain forward {{ type filter hook forward priority 0; policy drop; }}
}}
"""


def namespace(name):
    """Path of a named network namespace."""
    return NETNS_DIR / name


def mac(address):
    """A host keeps its hardware address over reboots, so that its neighbours' tables stay right."""
    return "02:58:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def up():
    """Create the lab's namespace with its bridge, and the machine's leg in it."""
    for link in json.loads(run("ip", "-j", "-4", "address", "show")):
        for entry in link["addr_info"]:
            if ipaddress.ip_interface(f"{entry['local']}/{entry['prefixlen']}").network.overlaps(NETWORK):
                raise LabError(f"{link['ifname']} has the address {entry['local']}: the lab needs {NETWORK} for itself")
    run("ip", "netns", "add", NAME)
    sysctl(LAB_NETNS, "net.ipv4.ip_forward", 0)
    sysctl(LAB_NETNS, "net.bridge.bridge-nf-call-iptables", 1)
    sysctl(LAB_NETNS, "net.bridge.bridge-nf-call-ip6tables", 1)
    length = NETWORK.prefixlen
    run("ip", "-batch", "-", stdin=f"""
        link add {UPLINK} type veth peer name uplink netns {NAME}
        address add {CLIENT}/{length} dev {UPLINK}
        link set {UPLINK} up
    """)
    run("ip", "-n", NAME, "-batch", "-", stdin=f"""
        link set lo up
        link add br0 type bridge forward_delay 0
        address add {ROUTER}/{length} dev br0
        address add {RESOLVER}/{length} dev br0
        address add {METADATA}/32 dev br0
        link set br0 up
        link set uplink master br0 up
    """)
    in_netns(LAB_NETNS, "nft", "-f", "-", stdin=EDGE_RULES)


def down():
    """Remove every namespace and interface of the lab; with them go veths and nftables rules."""
    for name in leftovers()["namespaces"]:
        run("ip", "netns", "delete", name)
    if UPLINK in leftovers()["links"]:
        run("ip", "link", "delete", UPLINK)


def _links(space=None):
    """Names of the interfaces in a namespace (default: the machine's)."""
    where = ("-n", space) if space else ()
    return [link["ifname"] for link in json.loads(run("ip", *where, "-j", "link", "show"))]


def leftovers():
    """What exists of the lab's network."""
    spaces = [p.name for p in NETNS_DIR.iterdir()] if NETNS_DIR.is_dir() else []
    links = _links()
    return {
        "namespaces": sorted(n for n in spaces if n == NAME or n.startswith(HOST_PREFIX)),
        "links": sorted(n for n in links if n == UPLINK or n.startswith(HOST_PREFIX)),
    }


def tables():
    """The lab's nftables tables in the machine's own namespace, where there should be none ever."""
    listed = json.loads(run("nft", "-j", "list", "tables"))["nftables"]
    names = [entry["table"]["name"] for entry in listed if "table" in entry]
    return [name for name in names if name.startswith(("lab_", "subako_"))]


def sysctl(netns, key, value):
    """Set a per-namespace kernel parameter."""
    in_netns(netns, "sh", "-c", f"echo {value} >/proc/sys/{key.replace('.', '/')}")


def _port(name):
    """The bridge's end of a host's cable."""
    return "p-" + name.removeprefix(HOST_PREFIX)


def host_up(name, address):
    """A host's namespace with its `eth0` on the bridge."""
    port = _port(name)
    run("ip", "netns", "add", name)
    # Security groups are enforced for IPv4, hence there is no IPv6.
    sysctl(namespace(name), "net.ipv6.conf.all.disable_ipv6", 1)
    sysctl(namespace(name), "net.ipv6.conf.default.disable_ipv6", 1)
    run("ip", "-batch", "-",
        stdin=f"link add {port} netns {NAME} type veth peer name eth0 address {mac(address)} netns {name}\n")
    run("ip", "-n", NAME, "link", "set", port, "master", "br0", "up")
    run("ip", "-n", name, "-batch", "-", stdin=f"""
        link set lo up
        address add {address}/{NETWORK.prefixlen} dev eth0
        link set eth0 up
        route add default via {ROUTER}
    """)


def host_down(name):
    """Remove a host's namespace, if there is one."""
    if not namespace(name).exists():
        return
    # The kernel takes a deleted namespace apart later; the cable has to be gone now.
    if _port(name) in _links(NAME):
        run("ip", "-n", NAME, "link", "delete", _port(name))
    run("ip", "netns", "delete", name)


def host_exists(name):
    """True if the host's namespace exists."""
    return namespace(name).exists()
