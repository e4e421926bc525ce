"""Container images for the lab, made and pushed without Docker.

An image is one gzip layer of a few files, a config and a manifest, sent to a registry by its HTTP
API. Everything is deterministic: the same inputs give the same digests.
"""
import gzip
import hashlib
import io
import json
import ssl
import stat
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

from .errors import LabError

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
APPLETS = """ash awk base64 basename cat chmod chown cp cut date dd df dirname du echo env expr false
find free grep gunzip gzip head hostname id ifconfig ip kill killall less ln ls md5sum mkdir mknod
mktemp more mount mv nc netstat nslookup nproc od ping printf ps pwd readlink realpath rm rmdir sed
seq sh sha256sum sleep sort stat stty sync tail tar tee test time timeout top touch tr true tty
umount uname uniq uptime vi wc wget which whoami xargs yes""".split()


class Tree:
    """The files of a layer."""

    def __init__(self):
        self._buffer = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._buffer, mode="w", format=tarfile.USTAR_FORMAT)

    def _info(self, name, kind, mode):
        info = tarfile.TarInfo(name)
        info.type, info.mode = kind, mode
        return info

    def folder(self, *names, mode=0o755):
        """Empty folders."""
        for name in names:
            self._tar.addfile(self._info(name, tarfile.DIRTYPE, mode))
        return self

    def file(self, name, content, mode=0o644):
        """A file with text or bytes."""
        data = content.encode() if isinstance(content, str) else content
        info = self._info(name, tarfile.REGTYPE, mode)
        info.size = len(data)
        self._tar.addfile(info, io.BytesIO(data))
        return self

    def link(self, name, target):
        """A symbolic link."""
        info = self._info(name, tarfile.SYMTYPE, 0o777)
        info.linkname = target
        self._tar.addfile(info)
        return self

    def bytes(self):
        """The finished archive."""
        self._tar.close()
        return self._buffer.getvalue()


def userland(busybox):
    """A small system around busybox: sh, ping, wget, nslookup and the like."""
    tree = Tree().folder("bin", "etc", "proc", "sys", "dev", "root", "run", "usr", "var")
    tree.folder("tmp", mode=0o1777)
    tree.file("bin/busybox", Path(busybox).read_bytes(), 0o755)
    for name in APPLETS:
        tree.link(f"bin/{name}", "busybox")
    tree.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    tree.file("etc/group", "root:x:0:\nnobody:x:65534:\n")
    return tree


def catalogue(app, busybox):
    """[(repository, [tags], layer, container config)] of all the lab's images."""
    program = Path(app).read_bytes()

    def with_app(*names):
        tree = userland(busybox).file(names[0], program, 0o755)
        for name in names[1:]:
            tree.link(name, "/" + names[0])
        return tree.bytes()

    reply = with_app("replyhost", "bin/fetch")
    alpine = userland(busybox).file("etc/alpine-release", "3.20.3\n").file(
        "etc/os-release", 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME="Alpine look-alike"\n'
    )
    serve = {"Cmd": ["/replyhost"], "ExposedPorts": {"80/tcp": {}}}
    second = 1_000_000_000
    failing = {"Test": ["CMD", "/healthcheck-fail"], "Interval": second, "Timeout": second, "Retries": 2}
    return [
        ("mingsiro71/replyhost", ["latest", "v1"], reply, serve),
        ("mingsiro71/replyhost", ["v2"], reply, {**serve, "Env": ["VERSION=v2"]}),
        ("library/alpine", ["latest", "3", "3.20"], alpine.bytes(), {"Cmd": ["/bin/sh"]}),
        ("library/crash", ["latest"], with_app("crash"), {"Cmd": ["/crash"]}),
        ("library/unhealthy", ["latest"], with_app("replyhost", "healthcheck-fail"),
         {**serve, "Healthcheck": failing}),
        ("team/replyhost", ["latest"], reply, serve),
    ]


def digest(data):
    """A content address."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry:
    """The HTTP API of a registry."""

    def __init__(self, base, cafile=None):
        self.base = base
        self.context = ssl.create_default_context(cafile=cafile) if cafile else None
        if self.context:  # we dial the address, the certificate has the public name
            self.context.check_hostname = False

    def call(self, method, url, data=None, kind=None):
        """One request; the response."""
        url = url if url.startswith("http") else self.base + url
        request = urllib.request.Request(url, data=data, method=method)
        request.add_header("Accept", MANIFEST_TYPE)
        if kind:
            request.add_header("Content-Type", kind)
        try:
            return urllib.request.urlopen(request, timeout=20, context=self.context)
        except urllib.error.HTTPError as error:
            raise LabError(f"registry: {method} {url}: {error.code} {error.read(300).decode()}") from error
        except urllib.error.URLError as error:
            raise LabError(f"registry: {method} {url}: {error.reason}") from error

    def push(self, repository, tags, layer, config):
        """Send an image; its digest."""
        packed = gzip.compress(layer, compresslevel=6, mtime=0)
        settings = json.dumps({
            "architecture": "amd64", "os": "linux", "created": "2025-01-01T00:00:00Z",
            "config": {"Env": ["PATH=/bin"], **config},
            "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
            "history": [{"created": "2025-01-01T00:00:00Z", "created_by": "lab"}],
        }).encode()
        for blob in (packed, settings):
            place = self.call("POST", f"/v2/{repository}/blobs/uploads/", b"").headers["Location"]
            mark = "&" if "?" in place else "?"
            self.call("PUT", f"{place}{mark}digest={digest(blob)}", blob, "application/octet-stream")
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json",
                       "size": len(settings), "digest": digest(settings)},
            "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                        "size": len(packed), "digest": digest(packed)}],
        }).encode()
        for tag in tags:
            self.call("PUT", f"/v2/{repository}/manifests/{tag}", manifest, MANIFEST_TYPE)
        return digest(manifest)

    def retag(self, repository, source, target):
        """Make a tag point to what another one points to; the digest."""
        manifest = self.call("GET", f"/v2/{repository}/manifests/{source}").read()
        self.call("PUT", f"/v2/{repository}/manifests/{target}", manifest, MANIFEST_TYPE)
        return digest(manifest)


def build_app(source, target, logfile, run_logged):
    """Compile the images' program: static, small."""
    run_logged(
        "nice", "-n", "5", "rustc", "--edition", "2024", "-C", "opt-level=s", "-C", "panic=abort",
        "-C", "strip=symbols", "-C", "target-feature=+crt-static", "-o", target, source,
        logfile=logfile, timeout=300,
    )
    Path(target).chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
