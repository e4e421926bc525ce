"""Instance metadata service: 169.254.169.254, told apart by the caller's address."""
import http.server
import socketserver

from .config import METADATA, REGION, metadata_token
from .netns import inside
from .network import LAB_NETNS
from .system import log


def tree(view):
    """The paths below /latest and their text."""
    key_name = view["key_name"]
    entries = {
        "meta-data/ami-id": view["ami"],
        "meta-data/hostname": view["hostname"],
        "meta-data/instance-id": view["instance"],
        "meta-data/instance-type": view["type"],
        "meta-data/local-hostname": view["hostname"],
        "meta-data/local-ipv4": view["address"],
        "meta-data/public-ipv4": view["public_ip"],
        "meta-data/placement/availability-zone": view["zone"],
        "meta-data/placement/region": REGION,
        "meta-data/public-keys/0/openssh-key": view["public_key"] or None,
        "user-data": view["user_data"],
    }
    if key_name:
        entries["meta-data/public-keys/"] = f"0={key_name}"
    return {path: text for path, text in entries.items() if text is not None}


def lookup(view, path):
    """The text at a path below /latest: a value, or the listing of a folder; None if there is none."""
    entries = tree(view)
    if path in entries:
        return entries[path]
    folder = path.rstrip("/")
    if folder in entries:
        return entries[folder]
    prefix = folder + "/" if folder else ""
    names = set()
    for entry in entries:
        if entry.startswith(prefix) and entry != prefix:
            head, slash, _ = entry[len(prefix):].partition("/")
            names.add(head + slash)
    return "\n".join(sorted(names)) or None


class Handler(http.server.BaseHTTPRequestHandler):
    """One request of a host."""

    find = None  # address -> view of the instance, set by serve()

    def log_message(self, *_):
        pass

    def reply(self, code, text=""):
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def view(self):
        view = type(self).find(self.client_address[0])
        return view if view and view["metadata_enabled"] else None

    def do_PUT(self):
        if self.view() is None or self.path != "/latest/api/token":
            self.reply(404)
        elif "X-Forwarded-For" in self.headers or "X-aws-ec2-metadata-token-ttl-seconds" not in self.headers:
            self.reply(400)
        else:
            self.reply(200, metadata_token(self.client_address[0]))

    def do_GET(self):
        view = self.view()
        if view is None:
            return self.reply(404)
        token = self.headers.get("X-aws-ec2-metadata-token")
        good = metadata_token(self.client_address[0])
        if token != good and (token is not None or view["tokens_required"]):
            return self.reply(401)
        if not self.path.startswith("/latest/"):
            return self.reply(404)
        text = lookup(view, self.path.removeprefix("/latest/"))
        return self.reply(404) if text is None else self.reply(200, text)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """One thread per request."""

    daemon_threads = True
    allow_reuse_address = True

    def server_bind(self):  # without the reverse look-up of HTTPServer
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = METADATA, 80

    def handle_error(self, request, client_address):
        log("imds: request of", client_address[0], "failed")
        super().handle_error(request, client_address)


def create(find):
    """The service, listening in the lab's namespace; run its serve_forever."""
    Handler.find = staticmethod(find)
    with inside(LAB_NETNS):
        return Server((METADATA, 80), Handler)
