"""A replica of the database, from which lists, statistics and exports are read where there is one and it keeps up.

It is read only while it tells everything that people changed, so that nobody misses what they have just done, and
events up to two seconds ago. Else, and where it does not answer, the same is read from the primary.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections

from events import stamps
from events.outage import Outage
from events.stamps import Stamp

ALIAS = "replica"
BEHIND = 2.0  # seconds that it may be

T = TypeVar("T")
_source: ContextVar[str] = ContextVar("source", default=DEFAULT_DB_ALIAS)


class Router:
    """Reads go where `read` says, all else to the primary."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return _source.get()

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS


class Following:
    """Whether the replica follows, as this process sees it."""

    def __init__(self) -> None:
        self.outage = Outage("the replica")
        self.behind_since: float | None = None

    def stamp(self, primary: Stamp) -> Stamp | None:
        """Of the replica, if it may be read."""
        copy = stamps.read(ALIAS)
        if copy.events == primary.events:
            copy = replace(copy, at=primary.at)
        else:  # it tells at least what was so when its stamp was moved
            copy = replace(copy, at=min(copy.moved_at, primary.at))
        if (copy.marks, copy.forgotten) == (primary.marks, primary.forgotten) and primary.at - copy.at <= BEHIND:
            self.behind_since = None
            self.outage.ended()
            return copy
        self._falls_behind()
        return None

    def _falls_behind(self) -> None:
        """What was committed just now is not there yet, which is as it should be; but not for seconds."""
        now = time.monotonic()
        self.behind_since = self.behind_since or now
        if now - self.behind_since > BEHIND:
            self.behind_since = None
            self.outage.began(f"it is more than {BEHIND:.0f} s behind")


following = Following()


def is_configured() -> bool:
    return ALIAS in connections.settings


def read(compute: Callable[[], T]) -> T:
    """What `compute` reads through the ORM, from the replica if it can be. It may be called twice."""
    return read_as_of(stamps.read(), compute)[0] if is_configured() else compute()


def read_as_of(primary: Stamp, compute: Callable[[], T]) -> tuple[T, Stamp]:
    """As `read`, with the stamp of what was read."""
    if not is_configured() or following.outage.lasts():
        return compute(), primary
    try:
        if copy := following.stamp(primary):
            with _reading_replica():
                return compute(), copy
    except (OperationalError, InterfaceError) as error:
        following.outage.began(error)
        connections[ALIAS].close()
    return compute(), primary


@contextmanager
def _reading_replica() -> Iterator[None]:
    before = _source.set(ALIAS)
    try:
        yield
    finally:
        _source.reset(before)
