"""The event table in another form: apart by month, or whole again, while events come in and are read.

A second table is made beside it. Triggers bring it whatever is inserted or deleted from then on, batches bring what was
there, and when both have the same events they change names. Only the triggers' making and the change of names lock the
event table; each waits for it for two seconds at most, and then asks again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection

from events.partitions.months import OTHER, TABLE, Month
from events.partitions.parts import columns_of, grant_alike, parts_of, users_of
from events.partitions.tables import LOCK, coming, is_partitioned, make_month, months_in
from events.schema.patience import shortly, until_free

NEW, OLD, BOOKMARK = f"{TABLE}_moved", f"{TABLE}_old", f"{TABLE}_moving"
BATCH = 10_000  # events in a transaction
TELL_EVERY = 2.0  # seconds

Tell = Callable[[str], object]


class CannotMove(RuntimeError):
    """The text says what to do."""


class Move:
    """A run may be killed at any moment; the next goes on where it was. `pause` is seconds of rest after a batch."""

    def __init__(self, *, by_month: bool, tell: Tell, pause: float = 0) -> None:
        self.by_month, self.tell, self.pause = by_month, tell, pause
        self.told_at = 0.0

    def run(self) -> bool:
        """False where nothing had to be done."""
        self._drop_old()
        if self._is_done():
            return self._give_up()
        self._begin()
        self._copy()
        self._compare()
        until_free(self._swap, self.tell)
        self._drop_old()
        return True

    def _is_done(self) -> bool:
        with connection.cursor() as cursor:
            return is_partitioned(cursor, TABLE) == self.by_month

    def _give_up(self) -> bool:
        """Ends what the opposite command began and did not complete."""
        if not is_moving():
            return False
        until_free(self._forget_target, self.tell)
        self.tell("What was begun is taken back; the event table is as it was.")
        return True

    def _forget_target(self) -> None:
        with shortly(connection) as cursor:
            _drop_triggers(cursor)
            cursor.execute(f"DROP TABLE IF EXISTS {NEW}")
            cursor.execute(f"DROP TABLE IF EXISTS {BOOKMARK}")

    def _drop_old(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {OLD}")

    def _begin(self) -> None:
        if _exists(BOOKMARK) and not _fits():
            self.tell("The schema changed since this was begun; beginning anew.")
            until_free(self._forget_target, self.tell)
        if not _exists(BOOKMARK):
            months = self._months() if self.by_month else []
            until_free(lambda: self._prepare(months), self.tell)
        with connection.cursor() as cursor:
            # What is written after the triggers were made, they bring.
            cursor.execute(
                f"UPDATE {BOOKMARK} SET (copied, last) = (SELECT coalesce(min(id) - 1, 0), coalesce(max(id), 0)"
                f" FROM {TABLE}) WHERE last IS NULL"
            )

    def _months(self) -> list[Month]:
        """Those with an event, and those that are made ahead."""
        self.tell("Looking which months there are events of.")
        now = time.time()
        with connection.cursor() as cursor:
            return sorted({*months_in(cursor, TABLE, now), *coming(now)})

    def _prepare(self, months: Iterable[Month]) -> None:
        with shortly(connection) as cursor:
            if users := users_of(cursor, TABLE):
                raise CannotMove(f"The event table is referred to by {', '.join(users)}. Drop that first.")
            self._make_target(cursor, months)
            _make_triggers(cursor)
            cursor.execute(
                f"CREATE TABLE {BOOKMARK} AS SELECT 0::bigint AS copied, NULL::bigint AS last,"
                " (SELECT max(id) FROM django_migrations) AS schema"
            )

    def _make_target(self, cursor: Any, months: Iterable[Month]) -> None:
        like = f"LIKE {TABLE} INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS"
        cursor.execute(f"CREATE TABLE {NEW} ({like}) {'PARTITION BY RANGE (timestamp)' if self.by_month else ''}")
        for part in self._parts(cursor):
            cursor.execute(part.made(NEW, f"{part.name}_moved"))
        grant_alike(cursor, NEW)
        if self.by_month:
            cursor.execute(f"CREATE TABLE {OTHER} (LIKE {NEW} INCLUDING ALL EXCLUDING IDENTITY EXCLUDING INDEXES)")
            cursor.execute(f"ALTER TABLE {NEW} ATTACH PARTITION {OTHER} DEFAULT")
        for month in months:
            make_month(cursor, month, NEW)

    def _parts(self, cursor: Any) -> list[Any]:
        # A unique index of a partitioned table must have the timestamp in it. Ids are unique by their sequence.
        return parts_of(cursor, "id, timestamp" if self.by_month else "id")

    def _copy(self) -> None:
        began, at_first = time.monotonic(), _bookmark()[0]
        while (mark := _bookmark())[0] < mark[1]:
            until_free(lambda: _copy_batch(*mark), self.tell)
            time.sleep(self.pause)
            if time.monotonic() - self.told_at > TELL_EVERY:
                self.told_at = time.monotonic()
                rate = (mark[0] - at_first) / (time.monotonic() - began)
                self.tell(f"{mark[0] / mark[1]:.1%}: event {mark[0]:,} of {mark[1]:,}, {rate:,.0f}/s")

    def _compare(self) -> None:
        self.tell("All events are copied; counting them, and gathering statistics.")
        with connection.cursor() as cursor:
            # In one statement, which sees either none or both of what a transaction brings.
            cursor.execute(f"SELECT (SELECT count(*) FROM {TABLE}), (SELECT count(*) FROM {NEW})")
            there, here = cursor.fetchone()
            if there != here:
                raise CannotMove(
                    f"Of {there:,} events {here:,} were copied. Nothing is changed; take it back with"
                    f" {'--undo' if self.by_month else 'partition_events'} and report this."
                )
            cursor.execute(f"ANALYZE {NEW}")

    def _swap(self) -> None:
        with shortly(connection) as cursor:
            cursor.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
            parts = self._parts(cursor)
            _drop_triggers(cursor)
            _hand_over_ids(cursor)
            for part in parts:
                cursor.execute(part.renamed(part.name, f"{part.name}_old"))
                cursor.execute(part.renamed(f"{part.name}_moved", part.name))
            cursor.execute(f"ALTER TABLE {TABLE} RENAME TO {OLD}")
            cursor.execute(f"ALTER TABLE {NEW} RENAME TO {TABLE}")
            cursor.execute(f"DROP TABLE {BOOKMARK}")


def is_moving() -> bool:
    """Also where a run was killed: each event is written twice until the next."""
    return connection.vendor == "postgresql" and _exists(BOOKMARK)


def _exists(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
        return bool(cursor.fetchone()[0])


def _fits() -> bool:
    """Whether the table that was begun is still of the event table's schema."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT schema = (SELECT max(id) FROM django_migrations) FROM {BOOKMARK}")
        return bool(cursor.fetchone()[0]) and columns_of(cursor, TABLE) == columns_of(cursor, NEW)


def _bookmark() -> tuple[int, int]:
    """Up to which id all is copied, and the last that is to be."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT copied, last FROM {BOOKMARK}")
        copied, last = cursor.fetchone()
        return copied, last


def _copy_batch(copied: int, last: int) -> None:
    with shortly(connection) as cursor:
        # Who deletes holds this until it is committed: nothing is copied that somebody is deleting.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOCK)
        cursor.execute(
            "SELECT coalesce(max(id), %s) FROM"
            f" (SELECT id FROM {TABLE} WHERE id > %s AND id <= %s ORDER BY id LIMIT %s) batch",
            [last, copied, last, BATCH],
        )
        upto = cursor.fetchone()[0]
        columns = ", ".join(name for name, _ in columns_of(cursor, NEW))
        cursor.execute(
            f"INSERT INTO {NEW} ({columns}) SELECT {columns} FROM {TABLE} WHERE id > %s AND id <= %s"
            " ON CONFLICT DO NOTHING",
            [copied, upto],
        )
        cursor.execute(f"UPDATE {BOOKMARK} SET copied = %s", [upto])


def _make_triggers(cursor: Any) -> None:
    """Waits for all who are writing, so that a batch sees whatever the triggers do not bring."""
    columns = ", ".join(name for name, _ in columns_of(cursor, NEW))
    bring = f"INSERT INTO {NEW} ({columns}) SELECT {columns} FROM changed ON CONFLICT DO NOTHING;"
    take = (
        f"PERFORM pg_advisory_xact_lock_shared({LOCK[0]}, {LOCK[1]});"
        f" DELETE FROM {NEW} n USING changed c WHERE n.id = c.id AND n.timestamp = c.timestamp;"
    )
    for what, table, does in (("insert", "NEW", bring), ("delete", "OLD", take)):
        cursor.execute(
            f"CREATE OR REPLACE FUNCTION {NEW}_{what}() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN {does} RETURN NULL; END $$"
        )
        cursor.execute(
            f"CREATE TRIGGER {NEW}_{what} AFTER {what} ON {TABLE} REFERENCING {table} TABLE AS changed"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {NEW}_{what}()"
        )


def _drop_triggers(cursor: Any) -> None:
    for what in ("insert", "delete"):
        cursor.execute(f"DROP TRIGGER IF EXISTS {NEW}_{what} ON {TABLE}")
        cursor.execute(f"DROP FUNCTION IF EXISTS {NEW}_{what}()")


def _hand_over_ids(cursor: Any) -> None:
    sequence = f"{TABLE}_id_seq"
    cursor.execute("SELECT pg_get_serial_sequence(%s, 'id'), pg_get_serial_sequence(%s, 'id')", [TABLE, NEW])
    old, new = cursor.fetchone()
    cursor.execute(f"SELECT setval(%s, s.last_value, s.is_called) FROM {old} s", [new])
    cursor.execute(f"ALTER SEQUENCE {old} RENAME TO {OLD}_id_seq")
    cursor.execute(f"ALTER SEQUENCE {new} RENAME TO {sequence}")
