"""HTTP as Rasa speaks it, and as it goes wrong on demand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

FAULTS = ("slow", "trickle", "error", "html", "html error", "garbage", "endless", "large", "redirect", "packed", "cut")
JSON = "application/json"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body or b"null")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has heard enough hangs up."""


def handler_of(rasa: Any) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def respond(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)
            rasa.asked.append(asked)
            if fault := rasa.fault_at(asked.path):
                getattr(self, f"fault_{fault.replace(' ', '_')}")()
                self.close_connection = True
                return
            self.send(*rasa.answer(asked))

        do_GET = do_POST = do_PUT = do_DELETE = respond  # noqa: N815 - the base class calls them so

        def send(self, status: int, body: Any, kind: str = JSON, **headers: str) -> None:
            content = body if isinstance(body, bytes) else body.encode() if kind != JSON else json.dumps(body).encode()
            content = b"" if status == 204 else content
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(content)

        def fault_slow(self) -> None:
            rasa.released.wait(60)

        def fault_trickle(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n")
            while not rasa.released.wait(0.1):
                self.wfile.write(b" ")

        def fault_error(self) -> None:
            self.send(500, rasa.error(500, "UnexpectedError", "An unexpected error occurred. Error: no room on disk"))

        def fault_html(self) -> None:
            self.send(200, "<html><body>Welcome to nginx!</body></html>", "text/html")

        def fault_html_error(self) -> None:
            self.send(502, "<html><body>Bad Gateway</body></html>", "text/html")

        def fault_garbage(self) -> None:
            self.wfile.write(b"220 smtp.example.com ESMTP\r\n" * 3)

        def fault_endless(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
            part = b" " * 2**20
            while not rasa.released.is_set():
                self.wfile.write(part)

        def fault_large(self) -> None:
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000000000\r\n\r\n"
            )

        def fault_redirect(self) -> None:
            self.send(302, "", "text/html", Location="http://169.254.169.254/latest/meta-data/")

        def fault_packed(self) -> None:
            self.send(200, b"\x1f\x8b" + bytes(100), JSON, Content_Encoding="gzip")

        def fault_cut(self) -> None:
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"vers')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            """Says nothing."""

    return Handler
