"""Locks of tables that are in use: asked for shortly, so that whoever comes after does not wait for long, and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import OperationalError, transaction

PATIENCE = 1800  # seconds in which a busy table is asked for again and again
PAUSE = 5.0
SHORTLY = 2  # seconds that a change waits for a table, and with it all who want to read the table after it
LOCK_NOT_AVAILABLE, DEADLOCK = "55P03", "40P01"  # PostgreSQL's codes

Result = TypeVar("Result")


def is_busy(error: Exception) -> bool:
    return getattr(error.__cause__, "pgcode", None) == LOCK_NOT_AVAILABLE


@contextmanager
def shortly(connection: Any) -> Iterator[Any]:
    """A transaction that fails rather than wait for a table; gives its cursor."""
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{SHORTLY}s"])
        yield cursor


def until_free(do: Callable[[], Result], tell: Callable[[str], object]) -> Result:
    """What `do` returns, once the tables that it locks are free; raises what it raises otherwise."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return do()
        except OperationalError as error:
            passing = getattr(error.__cause__, "pgcode", None) in (LOCK_NOT_AVAILABLE, DEADLOCK)
            if not passing or time.monotonic() > deadline:
                raise
        tell(f"The event table is in use; trying again in {PAUSE:g} s.")
        time.sleep(PAUSE)
