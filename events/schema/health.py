"""Tells over HTTP how the migration goes, as Rasa X's database migration service did: `GET /health`."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from events.schema.running import FAILED, PENDING, Status


class HealthServer:
    """`with` serves until its end; whoever migrates hands in the latest status."""

    def __init__(self, host: str, port: int) -> None:
        """Port 0 takes a free one. Raises OSError where the port is taken."""
        self.status = Status(PENDING)
        self.server = ThreadingHTTPServer((host, port), self._handler())
        self.port = int(self.server.server_address[1])

    def __enter__(self) -> HealthServer:
        threading.Thread(target=self.server.serve_forever, args=(0.1,), name="health", daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def take(self, status: Status) -> None:
        self.status = status

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        health = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.path.partition("?")[0] == "/health"
                self.answer(_code(health.status) if known else 404, health.status.as_json() if known else {})

            do_HEAD = do_GET  # noqa: N815 - the name is http.server's

            def answer(self, code: int, body: dict[str, Any]) -> None:
                text = json.dumps(body).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            def log_message(self, *args: object) -> None:
                """Probes ask every few seconds; nobody reads that."""

        return Handler


def _code(status: Status) -> int:
    return 500 if status.status == FAILED else 200
