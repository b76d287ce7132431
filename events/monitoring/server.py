"""Answers over HTTP where a process serves no pages: at a port of its own, for probes and Prometheus."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from events.monitoring import exposition
from events.monitoring.exposition import Page
from events.monitoring.probes import Answer, live

IDLE = 10.0  # seconds that a client may take for its request
Pages = Mapping[str, Callable[[], Answer]]


class MonitoringServer:
    """`with` serves until its end: /health/live, /health/ready, /metrics, and what else is in `pages`.

    `ready` and the pages are called in threads of the server's own. /health is Rasa X's path; it is /health/ready
    unless `pages` has it.
    """

    def __init__(self, ready: Callable[[], Answer], host: str, port: int, pages: Pages | None = None) -> None:
        """Port 0 takes a free one. Raises OSError where the port is taken."""
        known = {"/health": ready, "/health/live": live, "/health/ready": ready, **(pages or {})}
        self.server = ThreadingHTTPServer((host, port), _handler(known))
        self.port = int(self.server.server_address[1])

    def __enter__(self) -> MonitoringServer:
        threading.Thread(target=self.server.serve_forever, args=(0.1,), name="monitoring", daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def _handler(pages: Pages) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = IDLE

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            self.answer(*(self.metrics() if path == "/metrics" else _as_json(pages, path)))

        do_HEAD = do_GET  # noqa: N815 - the name is http.server's

        def metrics(self) -> Page:
            given = self.headers.get("Authorization", "")
            return exposition.refused(given, open_without_token=True) or exposition.told(pages["/health/ready"]())

        def answer(self, code: int, kind: str, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Probes ask every few seconds; nobody reads that."""

    return Handler


def _as_json(pages: Pages, path: str) -> Page:
    code, body = pages[path]() if path in pages else (404, {})
    return code, "application/json", json.dumps(body).encode()
