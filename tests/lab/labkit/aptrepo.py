"""A flat apt repository out of a folder of Debian packages, with no tool but dpkg-deb."""
import hashlib
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .system import run


def _repack(source, target):
    """Recompress with zstd: a host unpacks it several times as fast as xz."""
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        tree = Path(scratch, "tree")
        run("dpkg-deb", "-R", source, tree, timeout=120)
        run("dpkg-deb", "--root-owner-group", "-Zzstd", "-z1", "-b", tree, target, timeout=120)


def build(debs, folder):
    """Fill `folder` with the repacked packages and the two index files."""
    folder.mkdir(parents=True)
    sources = sorted(debs)
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(lambda deb: _repack(deb, folder / deb.name.replace("%3a", "_")), sources):
            pass
    index = []
    for deb in sorted(folder.glob("*.deb")):
        data = deb.read_bytes()
        index.append(
            run("dpkg-deb", "-f", deb).rstrip("\n")
            + f"\nFilename: ./{deb.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
        )
    packages = "\n".join(index).encode()
    (folder / "Packages").write_bytes(packages)
    (folder / "Release").write_text(
        "Origin: Subako lab\nLabel: lab\nSuite: stable\nArchitectures: amd64 all\nSHA256:\n"
        f" {hashlib.sha256(packages).hexdigest()} {len(packages)} Packages\n",
        encoding="ascii",
    )


def replace_folder(new, old):
    """Put a finished folder in the place of another."""
    if old.exists():
        shutil.rmtree(old)
    os.rename(new, old)
