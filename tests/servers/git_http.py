"""Smart HTTP: git's own CGI, `git http-backend`, behind basic authentication. Arguments: port, folder."""

import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

HOST = "127.0.0.1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith("/hangs/"):
            time.sleep(60)
        elif parts.path.startswith("/elsewhere/"):
            self._answer(302, {"Location": "http://127.0.0.1:9/elsewhere"}, b"")
        elif parts.path.startswith("/page/"):
            self._answer(200, {"Content-Type": "text/html"}, b"<h1>Welcome</h1>")
        elif self.headers.get("Authorization") != f"Basic {os.environ['GIT_HTTP_SECRET']}":
            self._answer(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
        else:
            self._backend(unquote(parts.path), parts.query)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *unused: object) -> None:
        pass

    def _backend(self, path: str, query: str) -> None:
        body = (
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if "chunked" not in self._encoding()
            else self._chunks()
        )
        env = {
            **os.environ,
            "GIT_PROJECT_ROOT": sys.argv[2],
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_USER": "tests",
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=env, capture_output=True, timeout=60, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
        self._answer(int(lines.pop("Status", "200").split()[0]), lines, content)

    def _encoding(self) -> str:
        return self.headers.get("Transfer-Encoding", "")

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    ThreadingHTTPServer((HOST, int(sys.argv[1])), Handler).serve_forever()
