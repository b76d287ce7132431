"""A way to a shared server that can be blocked or cut, while other tests go on using the server."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

from tests.servers.process import HOST, free_port


class Passage:
    """Passes bytes from its own port to another one of this machine."""

    def __init__(self, port: int) -> None:
        self.target, self.port = port, free_port()
        self.open, self.ended = threading.Event(), False
        self.open.set()
        self.sockets: set[socket.socket] = set()
        self.listener: socket.socket | None = None

    def __enter__(self) -> Self:
        self.rejoin()
        return self

    def __exit__(self, *args: object) -> None:
        self.ended = True
        self.open.set()
        self.cut()

    def block(self) -> None:
        """Connections stay and can be made, and nothing comes through any more."""
        self.open.clear()

    def unblock(self) -> None:
        self.open.set()

    def cut(self) -> None:
        """Connections break, and none can be made."""
        for each in [self.listener, *self.sockets]:
            if each:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
        self.sockets.clear()

    def rejoin(self) -> None:
        self.listener = socket.create_server((HOST, self.port))
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near = listener.accept()[0]
                far = socket.create_connection((HOST, self.target))
                self.sockets |= {near, far}
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                self.open.wait()
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
