"""Whole months that go: a table that is dropped costs the same whatever was in it, and leaves nothing to clean up.

First the conversations go, as always; their events of these months stay where they are, and belong to nobody. Then each
month's table gives way to one with what belongs to conversations that are still there, or to none.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection
from django.db.models import Q

from events.partitions.months import TABLE, Month
from events.partitions.moving import is_moving
from events.partitions.tables import are_partitioned, attach, months_of
from events.schema.patience import shortly, until_free

DUE, CLEARED = "to be cleared", "cleared"  # remarks on a month's table, which outlive whoever clears
BATCH = 5_000
TRIES = 3  # of a month into which somebody writes

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Span:
    """What was in a month's table when it was looked at; the same later if nobody wrote there."""

    n: int
    last: int
    kept: int


def mark(before: float, since: float) -> list[Month]:
    """The months that end before one time, unless they were cleared and all that is due began later: marked, so that
    whoever clears can be killed. None while the event table is in motion."""
    if not are_partitioned() or is_moving():
        return []
    with connection.cursor() as cursor:
        remarks = months_of(cursor)
        found = [m for m, remark in remarks.items() if m.end <= before and (m.end > since or remark != CLEARED)]
        for month in found:
            _remark(cursor, month, DUE)
    return found


def outside(months: Iterable[Month]) -> Q:
    """Events of no such month."""
    found = Q()
    for month in months:
        found &= Q(timestamp__lt=month.start) | Q(timestamp__gte=month.end)
    return found


def clear(months: Iterable[Month] = ()) -> dict[Month, Span]:
    """These, and those that somebody marked and did not come to."""
    if not are_partitioned() or is_moving():
        return {}
    with connection.cursor() as cursor:
        marked = {month for month, remark in months_of(cursor).items() if remark == DUE}
        there = months_of(cursor).keys()
    return {month: _clear(month) for month in sorted({*months, *marked} & there)}


def _clear(month: Month) -> Span:
    began = time.monotonic()
    span = until_free(lambda: _try(month), lambda said: log.info(said, month=str(month)))
    log.info("cleared a month", month=str(month), events=span.n, kept=span.kept, seconds=time.monotonic() - began)
    return span


def _try(month: Month) -> Span:
    for _ in range(TRIES):
        span = _look(month)
        if 2 * span.kept > span.n:
            break
        if _replace(month, span):
            return span
    _delete_rows(month)
    return span


def _look(month: Month, cursor: Any = None) -> Span:
    if cursor is None:
        with connection.cursor() as cursor:  # noqa: PLR1704
            return _look(month, cursor)
    cursor.execute(
        "SELECT count(*), coalesce(max(e.id), 0), count(c.id)"
        f" FROM {month.table} e LEFT JOIN events_conversation c ON c.id = e.conversation_id"
    )
    return Span(*cursor.fetchone())


def _replace(month: Month, span: Span) -> bool:
    """False where somebody wrote into the month meanwhile. What is kept is copied before anything is locked."""
    kept = f"{month.table}_kept"
    with shortly(connection) as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {kept}")
        if span.kept:
            cursor.execute(f"CREATE TABLE {kept} (LIKE {month.table} INCLUDING ALL)")
            cursor.execute(  # which spares who attaches it to read it under the lock
                f"ALTER TABLE {kept} ADD CONSTRAINT in_its_month CHECK (timestamp >= %s AND timestamp < %s)",
                [month.start, month.end],
            )
            cursor.execute(f"INSERT INTO {kept} SELECT e.* FROM {month.table} e WHERE EXISTS ({_CONVERSATION})")
            cursor.execute(f"ANALYZE {kept}")
    with shortly(connection) as cursor:
        cursor.execute(f"LOCK TABLE {month.table} IN SHARE ROW EXCLUSIVE MODE")
        if _look(month, cursor) != span:
            return False
        # Who waits for us to write into this month holds what we want now: we give up before a deadlock is seen in it.
        cursor.execute("SELECT set_config('lock_timeout', '500ms', true)")
        cursor.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(f"DROP TABLE {month.table}")
        if span.kept:
            cursor.execute(f"ALTER TABLE {kept} RENAME TO {month.table}")
            attach(cursor, month, month.table)
            cursor.execute(f"ALTER TABLE {month.table} DROP CONSTRAINT in_its_month")
            _remark(cursor, month, CLEARED)
    return True


_CONVERSATION = "SELECT FROM events_conversation c WHERE c.id = e.conversation_id"


def _delete_rows(month: Month) -> None:
    """Where most of a month stays, or events of it come in all the time."""
    for first, last in _ranges(month):
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {month.table} e WHERE e.id >= %s AND e.id < %s AND NOT EXISTS ({_CONVERSATION})",
                [first, last],
            )
    with connection.cursor() as cursor:
        _remark(cursor, month, CLEARED)


def _ranges(month: Month) -> Iterator[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM {month.table}")
        first, last = cursor.fetchone()
    return ((start, start + BATCH) for start in range(first, last + 1, BATCH))


def _remark(cursor: Any, month: Month, remark: str) -> None:
    cursor.execute(f"COMMENT ON TABLE {month.table} IS %s", [remark])
