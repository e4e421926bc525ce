"""The lab's two registries: Docker Hub's look-alike, and a private one that wants a login.

Both serve over TLS with a certificate that the guests trust, under the names that the resolver
leads here. They start from the images that `lab setup` pushed, and tests may push to them.
"""
import shutil

from . import build_images
from .config import PRIVATE_USER, RESOLVER, ROUTER

ADDRESSES = {"registry": ROUTER, "registry-private": RESOLVER}
# bcrypt of config.PRIVATE_PASSWORD (the registry reads no other kind).
PRIVATE_HASH = "$2b$05$EIRrnMxQnhT1CRqWzRBKQ.Cp7kTQEdSDuoy6K6umqldgKUkXhyG.2"


def configure(paths):
    """Write the configurations; [(daemon, its file)]."""
    files = []
    logins = paths.run / "registry.htpasswd"
    logins.write_text(f"{PRIVATE_USER}:{PRIVATE_HASH}\n")
    for name, address in ADDRESSES.items():
        data = paths.run / name
        shutil.copytree(paths.registry_seed, data)
        auth = f"auth: {{htpasswd: {{realm: lab, path: {logins}}}}}\n" if name == "registry-private" else ""
        config = paths.run / f"{name}.yml"
        config.write_text(
            "version: 0.1\nlog: {level: info, accesslog: {disabled: false}}\n"
            f"storage: {{filesystem: {{rootdirectory: {data}}}, delete: {{enabled: true}}}}\n{auth}"
            f"http:\n  addr: '{address}:443'\n  tls: {{certificate: {paths.pki / 'server.crt'},"
            f" key: {paths.pki / 'server.key'}}}\n"
        )
        files.append((name, config))
    return files


def public(paths):
    """The API of Docker Hub's look-alike, as the machine reaches it."""
    return build_images.Registry(f"https://{ROUTER}", cafile=str(paths.pki / "ca.crt"))
