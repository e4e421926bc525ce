"""The endpoint's program: moto behind a thin layer that orders writes and tells of changes.

Usage: python -m labkit.ec2.server REGION PORT_FILE AMIS_FILE
"""
import io
import os
import sys
import traceback
from pathlib import Path
from urllib.parse import parse_qs

READ_ONLY = ("Describe", "Get", "List")


class Endpoint:
    """WSGI: the lab's own paths, and moto for everything else."""

    def __init__(self, view, moto):
        self.view, self.moto = view, moto

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"].startswith("/lab/"):
            length = int(environ.get("CONTENT_LENGTH") or 0)
            status, body = self.view.handle(environ, environ["wsgi.input"].read(length))
            start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
            return [body]
        action = self.action(environ)
        if action is None or action.startswith(READ_ONLY):
            return self.moto(environ, start_response)
        # moto is not safe against concurrent writes: two launches could get one address.
        with self.view.lock:
            answer = list(self.moto(environ, start_response))
        self.view.touch()
        return answer

    @staticmethod
    def action(environ):
        """The action of a query-protocol request (EC2's); None for others (S3's)."""
        if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            return None
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        return parse_qs(body.decode()).get("Action", [None])[0]


def main(region, port_file, amis_file):
    """Serve until killed."""
    os.environ.update(
        MOTO_AMIS_PATH=amis_file, MOTO_ENABLE_AMI_VALIDATION="1", MOTO_ENABLE_KEYPAIR_VALIDATION="1",
        MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION="1",
    )
    # moto reads its settings when imported.
    from moto.server import DomainDispatcherApplication, create_backend_app
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    from . import patches
    from .view import View

    patches.apply(region)
    view = View(region)
    view.network()  # builds the region, so that the first request is not the slow one

    class Handler(MotoRequestHandler):
        def log_request(self, code="-", size="-"):
            if not self.path.startswith("/lab/view"):
                super().log_request(code, size)

    server = make_server(
        "127.0.0.1", int(os.environ.get("SUBAKO_LAB_PORT", 0)),
        Endpoint(view, DomainDispatcherApplication(create_backend_app)), threaded=True, request_handler=Handler,
    )
    Path(port_file).write_text(str(server.port))
    server.serve_forever()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception:
        traceback.print_exc()
        sys.exit(1)
