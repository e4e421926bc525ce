"""A guest's Docker Engine API, spoken from outside through the guest's own socket."""
import http.client
import json
import socket
import urllib.parse


class EngineError(Exception):
    """The engine does not answer, or answers with an error."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("docker", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def get(pid1, path, timeout=3, **filters):
    """GET a path of the engine in the machine with this PID 1; the decoded answer."""
    if filters:
        path += "?filters=" + urllib.parse.quote(json.dumps(filters))
    connection = _Connection(f"/proc/{pid1}/root/run/docker.sock", timeout)
    try:
        connection.request("GET", "/v1.41" + path)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise EngineError(f"{path}: {error}") from error
    finally:
        connection.close()
    if response.status != 200:
        raise EngineError(f"{path}: {response.status} {body[:200]!r}")
    return json.loads(body)
