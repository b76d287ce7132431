"""Many events of months that have no table, such as an import brings: given months of their own.

`tables.keep_up` moves a few under a lock. Here they are copied before anything is locked, and then tables change
places: the months come, and the table of all other times gives way to one that is without them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connection

from events.partitions.months import OTHER, TABLE, Month
from events.partitions.tables import LOCK, MOST_STRAYS, are_partitioned, attach, months_in
from events.schema.patience import shortly, until_free

REST = f"{OTHER}_rest"
TRIES = 3

Tell = Callable[[str], object]


class StillComing(RuntimeError):
    """The text says what to do."""


def many() -> dict[Month, int]:
    """How many events lie there of each month that `keep_up` leaves, since it would lock the table for too long."""
    if not are_partitioned():
        return {}
    with connection.cursor() as cursor:
        found = months_in(cursor, OTHER, time.time())
    return {month: n for month, n in sorted(found.items()) if n > MOST_STRAYS}


def take_in(tell: Tell) -> list[Month]:
    """Any number of events, while others write. Raises StillComing where somebody writes just these."""
    months = list(many())
    if not months:
        return []
    tell(f"Copying the events of {', '.join(map(str, months))}, which have no table yet.")
    for _ in range(TRIES):
        seen = _copy(months)
        if until_free(lambda: _change_places(months, seen), tell):  # noqa: B023
            return months
    raise StillComing(
        f"Events without a month still come in, so that {', '.join(map(str, months))} could not be given tables."
        " Nothing is lost; run manage.py partition_events again when the import has ended."
    )


def _copy(months: list[Month]) -> tuple[int, int]:
    """What was there before. What a run left over that was killed goes first."""
    with shortly(connection) as cursor:
        seen = _look(cursor)
        for table, condition, values in _parts(months):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
            cursor.execute(f"CREATE TABLE {table} (LIKE {TABLE} INCLUDING ALL EXCLUDING IDENTITY)")
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT belongs CHECK ({condition})", values)
            cursor.execute(f"INSERT INTO {table} SELECT * FROM {OTHER} WHERE {condition}", values)
    with connection.cursor() as cursor:
        for table, _condition, _values in _parts(months):
            cursor.execute(f"ANALYZE {table}")
    return seen


def _parts(months: list[Month]) -> list[tuple[str, str, list[float]]]:
    """Tables, and what belongs into each."""
    within = "(timestamp >= %s AND timestamp < %s)"
    parts = [(_copied(month), within, [month.start, month.end]) for month in months]
    bounds = [bound for month in months for bound in (month.start, month.end)]
    return [*parts, (REST, " AND ".join([f"NOT {within}"] * len(months)), bounds)]


def _copied(month: Month) -> str:
    return f"{month.table}_copied"


def _look(cursor: Any) -> tuple[int, int]:
    """The same later if nobody wrote there."""
    cursor.execute(f"SELECT count(*), coalesce(sum(id), 0)::numeric FROM {OTHER}")
    n, ids = cursor.fetchone()
    return n, int(ids)


def _change_places(months: list[Month], seen: tuple[int, int]) -> bool:
    """False where somebody wrote there meanwhile."""
    with shortly(connection) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOCK)
        cursor.execute(f"LOCK TABLE {OTHER} IN SHARE ROW EXCLUSIVE MODE")
        if _look(cursor) != seen:
            return False
        # Who waits for us to write there holds what we want now: we give up before a deadlock is seen in it.
        cursor.execute("SELECT set_config('lock_timeout', '500ms', true)")
        cursor.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(f"DROP TABLE {OTHER}")
        cursor.execute(f"ALTER TABLE {REST} RENAME TO {OTHER}")
        for month in months:
            cursor.execute(f"ALTER TABLE {_copied(month)} RENAME TO {month.table}")
            attach(cursor, month, month.table)
            cursor.execute(f"ALTER TABLE {month.table} DROP CONSTRAINT belongs")
        cursor.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {OTHER} DEFAULT")
        cursor.execute(f"ALTER TABLE {OTHER} DROP CONSTRAINT belongs")
    return True
