"""The tables of the months: which there are, and more of them in time."""

from __future__ import annotations

import time
from typing import Any

import structlog
from django.db import Error, connection

from events.partitions.months import AHEAD, FIRST, OTHER, TABLE, Month
from events.schema.patience import is_busy, shortly

EVERY = 3600.0  # seconds between two looks
MOST_STRAYS = 20_000  # events that are moved into a month's table under the lock that this takes
STATISTICS_LAST = 30 * 86_400.0  # seconds
LOCK = (0x72617361, 2)  # beside that of migrations (events/schema/turns.py)

log = structlog.get_logger(__name__)


def are_partitioned() -> bool:
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        return is_partitioned(cursor, TABLE)


def is_partitioned(cursor: Any, table: str) -> bool:
    cursor.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)", [table])
    found = cursor.fetchone()
    return bool(found and found[0])


def months() -> list[Month]:
    """Those that have a table."""
    with connection.cursor() as cursor:
        return sorted(months_of(cursor))


def months_of(cursor: Any, parent: str = TABLE) -> dict[Month, str]:
    """The months that have a table, and what is remarked on it."""
    cursor.execute(
        "SELECT c.relname, coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_inherits i"
        " JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(%s) ORDER BY 1",
        [parent],
    )
    return {month: remark for name, remark in cursor.fetchall() if (month := Month.named(name))}


def make_month(cursor: Any, month: Month, parent: str = TABLE) -> None:
    """With the events of it that came before. Its indexes are made as it is attached."""
    table = month.table
    cursor.execute(f"CREATE TABLE {table} (LIKE {parent} INCLUDING ALL EXCLUDING IDENTITY EXCLUDING INDEXES)")
    cursor.execute(f"LOCK TABLE {OTHER} IN ACCESS EXCLUSIVE MODE")
    cursor.execute(
        f"WITH stray AS (DELETE FROM {OTHER} WHERE timestamp >= %s AND timestamp < %s RETURNING *)"
        f" INSERT INTO {table} SELECT * FROM stray",
        [month.start, month.end],
    )
    attach(cursor, month, table, parent)


def attach(cursor: Any, month: Month, table: str, parent: str = TABLE) -> None:
    cursor.execute(
        f"ALTER TABLE {parent} ATTACH PARTITION {table} FOR VALUES FROM (%s) TO (%s)", [month.start, month.end]
    )


def coming(now: float) -> list[Month]:
    return [Month.of(now).after(number) for number in range(AHEAD + 1)]


def keep_up(now: float) -> list[Month]:
    """Makes the months that are missing: those ahead, and those of events that lie in no month. Any number of processes
    may do it; returns what this one made."""
    if not are_partitioned():
        return []
    with connection.cursor() as cursor:
        there = months_of(cursor)
        strayed = [month for month, n in months_in(cursor, OTHER, now).items() if n <= MOST_STRAYS]
        wanted = {*coming(now), *strayed} - there.keys()
    return [month for month in sorted(wanted) if _make(month)]


def renew_statistics(*, older_than: float = STATISTICS_LAST) -> bool:
    """Of the whole, from which queries over all months are planned: PostgreSQL renews those of each month by itself.
    False where they are not due."""
    if not are_partitioned():
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_user_tables WHERE relid = to_regclass(%s)"
            " AND last_analyze > now() - make_interval(secs => %s)",
            [TABLE, older_than],
        )
        if cursor.fetchone():
            return False
        cursor.execute(f"ANALYZE {TABLE}")
    log.info("renewed the statistics of the event table")
    return True


def months_in(cursor: Any, table: str, now: float) -> dict[Month, int]:
    """How many events of each month lie there, but for months that only a clock that is wrong could tell of."""
    cursor.execute(
        "SELECT extract(year FROM at)::int, extract(month FROM at)::int, count(*) FROM"
        f" (SELECT to_timestamp(timestamp) AT TIME ZONE 'UTC' AS at FROM {table}"
        "  WHERE timestamp >= %s AND timestamp < %s) AS event GROUP BY 1, 2",
        [FIRST.start, coming(now)[-1].end],
    )
    return {Month(year, month): n for year, month, n in cursor.fetchall()}


def _make(month: Month) -> bool:
    try:
        with shortly(connection) as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", LOCK)
            if not cursor.fetchone()[0] or month in months_of(cursor):
                return False
            make_month(cursor, month)
    except Error as error:
        if not is_busy(error):
            raise
        log.info("the event table is in use; a month is made later", month=str(month))
        return False
    log.info("made the table of a month", month=str(month))
    return True


class Upkeep:
    """Of an event service: looks once an hour whether the coming months have their tables."""

    def __init__(self) -> None:
        self.due = 0.0

    def look(self) -> None:
        """Months are made early enough for this to fail some thousand times."""
        if time.monotonic() < self.due:
            return
        self.due = time.monotonic() + EVERY
        try:
            keep_up(time.time())
        except Error as error:
            log.warning("the coming months' tables could not be made", error=str(error).strip())
