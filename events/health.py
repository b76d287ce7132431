"""Tells over HTTP how a process does that serves no pages, as Rasa X's services did: `GET /health`."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Health = tuple[int, dict[str, Any]]  # HTTP status, body


class HealthServer:
    """`with` serves until its end. `ask` is called in threads of the server's own."""

    def __init__(self, ask: Callable[[], Health], host: str, port: int) -> None:
        """Port 0 takes a free one. Raises OSError where the port is taken."""
        self.server = ThreadingHTTPServer((host, port), _handler(ask))
        self.port = int(self.server.server_address[1])

    def __enter__(self) -> HealthServer:
        threading.Thread(target=self.server.serve_forever, args=(0.1,), name="health", daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def _handler(ask: Callable[[], Health]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(*(ask() if self.path.partition("?")[0] == "/health" else (404, {})))

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
