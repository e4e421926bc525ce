"""The VPC's resolver: host names of the VPC, the lab's registries, and nothing else at once.

Docker looks names up before every pull; a resolver that does not answer would cost it seconds.
"""
import re
import socket
import struct

from .config import PRIVATE_REGISTRY, PUBLIC_REGISTRY, RESOLVER, ROUTER
from .netns import inside
from .network import LAB_NETNS
from .system import log

FIXED = {PUBLIC_REGISTRY: ROUTER, PRIVATE_REGISTRY: RESOLVER}
HOST_NAME = re.compile(r"ip-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})(\.ec2\.internal|\.[a-z0-9-]+\.compute\.internal)?$")
TYPE_A = 1
FOUND, UNKNOWN = 0x8580, 0x8583  # authoritative answer; NXDOMAIN


def resolve(name):
    """The address behind a name, or None."""
    name = name.lower()
    if name in FIXED:
        return FIXED[name]
    match = HOST_NAME.fullmatch(name)
    if match and all(int(part) < 256 for part in match.groups()[:4]):
        return ".".join(match.groups()[:4])
    return None


def answer(query):
    """The response to a query packet."""
    position, labels = 12, []
    while query[position]:
        length = query[position]
        labels.append(query[position + 1:position + 1 + length].decode("ascii"))
        position += 1 + length
    kind = struct.unpack(">H", query[position + 1:position + 3])[0]
    question = query[12:position + 5]
    address = resolve(".".join(labels))
    record = b""
    if address and kind == TYPE_A:
        record = b"\xc0\x0c" + struct.pack(">HHIH", TYPE_A, 1, 60, 4) + socket.inet_aton(address)
    header = struct.pack(">HHHHH", FOUND if address else UNKNOWN, 1, 1 if record else 0, 0, 0)
    return query[:2] + header + question + record


def create():
    """The resolver's socket, in the lab's namespace."""
    with inside(LAB_NETNS):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((RESOLVER, 53))
    return server


def serve(server):
    """Answer for ever."""
    while True:
        query, peer = server.recvfrom(1500)
        try:
            server.sendto(answer(query), peer)
        except (IndexError, UnicodeDecodeError, struct.error) as error:
            log("dns: a query of", peer[0], "makes no sense:", error)
        except OSError as error:
            log("dns:", peer[0], error)
