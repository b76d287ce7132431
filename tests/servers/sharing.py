"""One server for all the workers of pytest-xdist.

The first worker that needs a server starts it and stops it; all hold a lock while they use it, and the first
waits for the others' locks before it stops the server.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.servers.process import Server

AnyServer = TypeVar("AnyServer", bound=Server)


@contextmanager
def locked(path: Path, how: int) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, how)
        yield


def already_started(kind: type[AnyServer], address: Path) -> AnyServer | None:
    """A handle on the server whose folder is written down, unless its worker died and took it along."""
    if not address.exists():
        return None
    server = kind(Path(address.read_text()))
    return server if server.running else None


@contextmanager
def shared_server(kind: type[AnyServer], folder: Path) -> Iterator[AnyServer]:
    """A running server; folder is one that all workers of this run know, and no other run."""
    change, use, address = (folder / f"{kind.name}.{what}" for what in ("change", "use", "address"))
    owned = None
    with use.open("ab") as in_use:
        with locked(change, fcntl.LOCK_EX):
            server = already_started(kind, address)
            if server is None:
                server = owned = kind().__enter__()
                server.shared = True
                address.write_text(str(server.folder))
            fcntl.flock(in_use, fcntl.LOCK_SH)
        try:
            yield server
        finally:
            fcntl.flock(in_use, fcntl.LOCK_UN)
            if owned:
                with locked(change, fcntl.LOCK_EX):
                    address.unlink(missing_ok=True)
                with locked(use, fcntl.LOCK_EX):
                    owned.shared = False
                    owned.close()
