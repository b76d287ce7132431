"""Whether a process lives, and whether it can do its work: `/health/live` and `/health/ready`.

Who is live answers; that depends on no other server, since a restart mends none. Who is ready has what it needs just
now, and nothing is sent to one that is not.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Any

import structlog
from django.db import close_old_connections, connection
from django.db.migrations.recorder import MigrationRecorder

from events.monitoring import metrics
from events.schema.versions import Key, Schema

OK = "ok"
ANSWERS_WITHIN = 3.0  # seconds; what takes longer does not answer
KEPT = 1.0  # seconds; however many ask, so often is looked

Look = Callable[[], str]  # OK, or what is wrong, in words that a stranger may read
Answer = tuple[int, dict[str, Any]]  # HTTP status, body

log = structlog.get_logger(__name__)


def live() -> Answer:
    return 200, {"status": "live"}


def ready(checks: Mapping[str, str], **more: object) -> Answer:
    fine = all(found == OK for found in checks.values())
    return (200 if fine else 503), {"status": "ready" if fine else "not ready", "checks": dict(checks), **more}


class Probe:
    """Looks at several things at once, each in a thread of its own, and waits for none longer than 3 s."""

    def __init__(self, **looks: Look) -> None:
        self.parts = {name: _Part(name, look) for name, look in looks.items()}

    def ask(self) -> Answer:
        looking = self._begin()
        wait(looking.values(), ANSWERS_WITHIN)
        return _told(looking)

    async def ask_async(self) -> Answer:
        """Holds no thread, so that many who ask in vain are in nobody's way."""
        looking = self._begin()
        await asyncio.wait([asyncio.wrap_future(each) for each in looking.values()], timeout=ANSWERS_WITHIN)
        return _told(looking)

    def _begin(self) -> dict[str, Future[str]]:
        return {name: part.look_once() for name, part in self.parts.items()}


def _told(looking: Mapping[str, Future[str]]) -> Answer:
    return ready({name: each.result() if each.done() else "does not answer" for name, each in looking.items()})


class _Part:
    """One thing that is needed. Its thread stays, and with it its connection to the database."""

    def __init__(self, name: str, look: Look) -> None:
        self.name, self.look = name, look
        self.lock = threading.Lock()
        self.wanted: SimpleQueue[Future[str]] = SimpleQueue()
        self.latest: Future[str] | None = None
        self.looked_at = 0.0
        self.said = OK
        threading.Thread(target=self._work, name=f"probe-{name}", daemon=True).start()

    def look_once(self) -> Future[str]:
        """The look that is under way, or was a moment ago, or a new one."""
        with self.lock:
            if self.latest is None or (self.latest.done() and time.monotonic() - self.looked_at > KEPT):
                self.latest = Future()
                self.wanted.put(self.latest)
            return self.latest

    def _work(self) -> None:
        while True:
            wanted = self.wanted.get()
            found = self._look()
            self.looked_at = time.monotonic()
            wanted.set_result(found)

    def _look(self) -> str:
        error: Exception | None = None
        close_old_connections()
        try:
            found = self.look()
        except Exception as raised:  # noqa: BLE001 - whatever a driver raises, it does not answer
            found, error = "does not answer", raised
            metrics.notice_error("probe", raised)
            connection.close()
        if found != self.said:
            tell = log.info if found == OK else log.warning
            tell("what this process needs has changed", part=self.name, found=found, error=error)
            self.said = found
        return found


def database() -> str:
    """It answers and has the migrations that this rasax needs; a newer rasax may have added others."""
    missing = _wanted() - MigrationRecorder(connection).applied_migrations().keys()
    return "has another schema" if missing else OK


@functools.cache
def _wanted() -> frozenset[Key]:
    return Schema.read(connection).wanted
