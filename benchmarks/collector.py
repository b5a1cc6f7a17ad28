"""`python -m benchmarks.collector`: takes what telemetry sends, looks at none of it, and ends with its input."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Taking(BaseHTTPRequestHandler):
    """Every request is well."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Read it, so that its sender may go on."""
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is told of it."""


def main() -> None:
    """Say where it listens, and listen."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
