"""One migration at a time: of two `migrate` that start together, Django's own fails.

What is held is let go by the kernel or the server when its process dies, whatever it dies of.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.db import Error

from events.schema.direct import refuse_pooled

LOCK = (0x72617361, 1)  # two numbers of four bytes each, which no one else takes in this database
PAUSE = 0.5


@contextmanager
def turn(connection: Any, waiting: Callable[[], None]) -> Iterator[None]:
    """Calls `waiting` twice a second while another has its turn.

    The lock is the session's that migrates, so that it is gone as soon as nothing can be changed over that session
    any more. It needs PostgreSQL itself or a pooler that gives out whole sessions; raises PooledByTransaction.
    """
    how = _on_postgresql if connection.vendor == "postgresql" else _on_sqlite
    with how(connection, waiting):
        yield


@contextmanager
def _on_postgresql(connection: Any, waiting: Callable[[], None]) -> Iterator[None]:
    refuse_pooled(connection)
    while not _ask(connection, "SELECT pg_try_advisory_lock(%s, %s)"):
        waiting()
        time.sleep(PAUSE)
    try:
        yield
    finally:
        with contextlib.suppress(Error):  # a session that is broken holds nothing
            _ask(connection, "SELECT pg_advisory_unlock(%s, %s)")


def _ask(connection: Any, sql: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, LOCK)
        return bool(cursor.fetchone()[0])


@contextmanager
def _on_sqlite(connection: Any, waiting: Callable[[], None]) -> Iterator[None]:
    with _lock_file(connection) as file:
        while file and not _locked(file, fcntl.LOCK_EX):
            waiting()
            time.sleep(PAUSE)
        yield


def _lock_file(connection: Any) -> contextlib.AbstractContextManager[IO[bytes] | None]:
    """Beside the database, and never deleted: who waits for one that is gone would wait for nobody."""
    if connection.is_in_memory_db():
        return contextlib.nullcontext()
    return Path(f"{connection.settings_dict['NAME']}.migrating").open("ab")


def _locked(file: IO[bytes], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_taken(connection: Any) -> bool:
    """Whether somebody migrates at this moment."""
    if connection.vendor == "postgresql":
        return _ask(
            connection,
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
            " WHERE locktype = 'advisory' AND datname = current_database()"
            " AND classid = %s AND objid = %s AND objsubid = 2 AND granted)",
        )
    with _lock_file(connection) as file:
        return bool(file and not _locked(file, fcntl.LOCK_SH))
