"""How PostgreSQL and SQLite give all rows of one instant, and take them in one transaction.

`snapshot` and `taking` are the two doors; what is between them and a database is the few primitives of its class.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import IO, Any, Protocol

from django.db import connection, transaction

from rasax.deployment.backup import values
from rasax.deployment.backup.archive import Kept

AT_ONCE = 1000  # rows
# What COPY writes must not depend on how a server is configured.
PLAIN = (
    "SET LOCAL datestyle = 'ISO'; SET LOCAL timezone = 'UTC'; SET LOCAL bytea_output = 'hex';"
    " SET LOCAL extra_float_digits = 1"
)


class Snapshot(Protocol):
    """The database as it was at one instant, while others write on."""

    def read(self, table: str, kept: Kept, into: Any) -> int:
        """Writes all rows as lines of COPY; how many there are."""

    def last(self, table: str, serial: str) -> int:
        """The last number that the column gave, also where its row is gone; 0 for none."""

    def ask(self, sql: str) -> list[tuple[Any, ...]]: ...


class Taking(Protocol):
    """A database in a transaction that replaces what it has."""

    def claim(self, tables: list[str]) -> None:
        """Others neither read nor write them until the end."""

    def empty(self, tables: list[str]) -> None: ...

    def write(self, table: str, kept: Kept, lines: IO[bytes]) -> int: ...

    def go_on_after(self, table: str, kept: Kept) -> None:
        """Numbers that were given once are not given again."""


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _columns(kept: Kept) -> str:
    return ", ".join(quoted(name) for name, _kind in kept.columns)


def _kinds(kept: Kept) -> list[str]:
    return [kind for _name, kind in kept.columns]


@contextmanager
def snapshot() -> Iterator[Snapshot]:
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; {PLAIN}")
            yield PostgresqlSnapshot(cursor)
    else:
        # Of our own: Django's would begin by taking the only place there is for those who write.
        with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=20, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            yield SqliteSnapshot(reader)


@contextmanager
def taking() -> Iterator[Taking]:
    kind = PostgresqlTaking if connection.vendor == "postgresql" else SqliteTaking
    with transaction.atomic(), connection.cursor() as cursor:
        yield kind(cursor)


class PostgresqlSnapshot:
    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def read(self, table: str, kept: Kept, into: Any) -> int:
        # Of a query, since COPY refuses a table that has partitions.
        self._cursor.copy_expert(f"COPY (SELECT {_columns(kept)} FROM {quoted(table)}) TO STDOUT", into)
        return int(self._cursor.rowcount)

    def last(self, table: str, serial: str) -> int:
        ((sequence,),) = self.ask(f"SELECT pg_get_serial_sequence('{quoted(table)}', '{serial}')")
        ((number, was_given),) = self.ask(f"SELECT last_value, is_called FROM {sequence}") if sequence else [(0, False)]
        return int(number) if was_given else 0

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        self._cursor.execute(sql)
        return list(self._cursor.fetchall())


class SqliteSnapshot:
    def __init__(self, reader: sqlite3.Connection) -> None:
        self._reader = reader

    def read(self, table: str, kept: Kept, into: Any) -> int:
        kinds, n = _kinds(kept), 0
        for row in self._reader.execute(f"SELECT {_columns(kept)} FROM {quoted(table)}"):
            into.write(values.line(row, kinds))
            n += 1
        return n

    def last(self, table: str, serial: str) -> int:
        found = self.ask(f"SELECT seq FROM sqlite_sequence WHERE name = '{table}'")
        return int(found[0][0]) if found else 0

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self._reader.execute(sql).fetchall()


class PostgresqlTaking:
    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        cursor.execute(f"SET CONSTRAINTS ALL DEFERRED; {PLAIN}")

    def claim(self, tables: list[str]) -> None:
        self._cursor.execute(f"LOCK TABLE {', '.join(map(quoted, tables))}")

    def empty(self, tables: list[str]) -> None:
        self._cursor.execute(f"TRUNCATE {', '.join(map(quoted, tables))}")

    def write(self, table: str, kept: Kept, lines: IO[bytes]) -> int:
        self._cursor.copy_expert(f"COPY {quoted(table)} ({_columns(kept)}) FROM STDIN", lines)
        return int(self._cursor.rowcount)

    def go_on_after(self, table: str, kept: Kept) -> None:
        if kept.last:
            found = "pg_get_serial_sequence(%s, %s)"
            self._cursor.execute(f"SELECT setval({found}, %s)", [quoted(table), kept.serial, kept.last])


class SqliteTaking:
    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        cursor.execute("PRAGMA defer_foreign_keys = ON")

    def claim(self, tables: list[str]) -> None:
        """The transaction has: SQLite knows one who writes."""

    def empty(self, tables: list[str]) -> None:
        for table in tables:
            self._cursor.execute(f"DELETE FROM {quoted(table)}")

    def write(self, table: str, kept: Kept, lines: IO[bytes]) -> int:
        kinds, n = _kinds(kept), 0
        insert = f"INSERT INTO {quoted(table)} ({_columns(kept)}) VALUES ({', '.join(['%s'] * len(kinds))})"
        while rows := [values.row(line, kinds) for line in islice(lines, AT_ONCE)]:
            self._cursor.executemany(insert, rows)
            n += len(rows)
        return n

    def go_on_after(self, table: str, kept: Kept) -> None:
        self._cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
        self._cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, kept.last])
