"""The stamp: numbers that are others after each commit that changed what lists, counts and statistics tell.

What was found while the stamp was this one is still so while it is. It is in the database and moves in the transaction
of the change itself, so that no cache and no replica can miss a change, whoever dies when.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, connection, connections

from events import live

BITS = 40  # of a number, so that the sum of some rows is exact in every database and in JSON
NOW = {
    "postgresql": "extract(epoch FROM clock_timestamp())::double precision",
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
}
# Any row that nobody holds: who moves the stamp waits for nobody, so there is no ring to wait in.
FREE = {"postgresql": "FOR UPDATE SKIP LOCKED"}


@dataclass(frozen=True, slots=True)
class Stamp:
    """Times are seconds since 1970 by the clock of the primary database, which all processes share."""

    events: int  # another after each batch that was recorded
    marks: int  # another after each mark that somebody put on a conversation or took from it
    forgotten: int  # another after each deletion for good
    moved_at: float
    at: float  # when this was known to be so


def read(alias: str = DEFAULT_DB_ALIAS) -> Stamp:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(events), 0), coalesce(sum(marks), 0), coalesce(sum(forgotten), 0),"
            f" coalesce(max(moved_at), 0), {NOW[connections[alias].vendor]} FROM events_stamppart"
        )
        events, marks, forgotten, moved_at, at = cursor.fetchone()
    return Stamp(int(events), int(marks), int(forgotten), float(moved_at), float(at))


def events_were_recorded(pks: Iterable[int]) -> None:
    """Of these conversations: to be called inside the transaction, like the other two. Moves the stamp and tells the
    browsers that show the list or one of these."""
    _move("events", pks)


def conversations_were_marked(pks: Iterable[int] = ()) -> None:
    _move("marks", pks)


def conversations_were_forgotten(pks: Iterable[int]) -> None:
    _move("forgotten", pks)


def _move(column: str, pks: Iterable[int]) -> None:
    """Random, not counted: a database that was put back, and goes on otherwise, never comes to a stamp it had."""
    number, now = random.getrandbits(BITS), NOW[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE events_stamppart SET {column} = %s, moved_at = {now} WHERE id ="
            f" (SELECT id FROM events_stamppart ORDER BY id LIMIT 1 {FREE.get(connection.vendor, '')})",
            [number],
        )
        if not cursor.rowcount:
            values = [number * (column == each) for each in ("events", "marks", "forgotten")]
            cursor.execute(
                f"INSERT INTO events_stamppart (events, marks, forgotten, moved_at) VALUES (%s, %s, %s, {now})", values
            )
    live.announce({live.CONVERSATIONS, *(live.conversation_topic(pk) for pk in pks)})
