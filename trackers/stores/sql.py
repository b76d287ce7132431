"""The table of Rasa's SQLTrackerStore, on PostgreSQL, SQLite, Oracle and what else SQLAlchemy speaks to.

Rasa's documentation, "SQLTrackerStore". The version of a conversation is the id of its last row: ids rise, so a row
with a higher one was written since. Runs on SQLAlchemy 1.4 (Rasa's) and 2.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import groupby
from typing import Any, Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from trackers.stores import encoding
from trackers.stores.appending import AppendingTrackerStore
from trackers.stores.base import (
    PAGE_SIZE,
    Event,
    Page,
    Stored,
    TrackerStoreMisconfigured,
    TrackerStoreUnavailable,
)
from trackers.stores.databases import address_of, begin_for_writing, engine_for, ensure_database, last_id

EVENTS = sa.Table(
    "events",
    sa.MetaData(),
    # Only where ids do not count by themselves, as on Oracle, the sequence is used.
    sa.Column("id", sa.Integer, sa.Sequence("events_seq", optional=True), primary_key=True),
    sa.Column("sender_id", sa.String(255), nullable=False, index=True),
    sa.Column("type_name", sa.String(255), nullable=False),
    sa.Column("timestamp", sa.Float),
    sa.Column("intent_name", sa.String(255)),
    sa.Column("action_name", sa.String(255)),
    sa.Column("data", sa.Text),
)
ROW = EVENTS.c
ROWS_AT_ONCE = 500
_later = ROW.id > sa.bindparam("version")
_of_sender = ROW.sender_id == sa.bindparam("sender")
_started = sa.select(sa.func.max(ROW.id)).where(_of_sender, ROW.type_name == "session_started").scalar_subquery()
_before_start = sa.select(sa.func.max(ROW.id)).where(_of_sender, ROW.id < _started).scalar_subquery()

LATEST = (
    sa.select(ROW.id, ROW.data)
    # With the row before, which may be the action_session_start.
    .where(_of_sender, ROW.id >= sa.func.coalesce(_before_start, 0))
    .order_by(ROW.id)
)
MANY = (
    sa.select(ROW.sender_id, ROW.id, ROW.data)
    .where(ROW.sender_id.in_(sa.bindparam("senders", expanding=True)))
    .order_by(ROW.sender_id, ROW.id)
)
LAST = sa.select(sa.func.max(ROW.id)).where(_of_sender)
# Locks one row by its key: whoever saves this conversation from the same version waits here.
LOCK = sa.select(ROW.id).where(ROW.id == sa.bindparam("version"), _of_sender).with_for_update()
# By id, not by sender: few rows are younger than what was read a moment ago, so it costs the same at any length.
LATER = sa.select(sa.func.max(ROW.id)).where(_later, _of_sender)
SENDERS = sa.select(ROW.sender_id).distinct().order_by(ROW.sender_id).limit(sa.bindparam("size"))
# A statement of its own, for Oracle finds nothing greater than the empty text, which is NULL there.
SENDERS_AFTER = SENDERS.where(ROW.sender_id > sa.bindparam("after"))


class SQLTrackerStore(AppendingTrackerStore):
    """The parameters are Rasa's; `host` is a host, host:port or a whole database URL."""

    def __init__(  # noqa: PLR0913 - Rasa's parameters
        self,
        domain: Any = None,
        *,
        dialect: str = "sqlite",
        host: str | None = None,
        port: Any = None,
        db: str = "rasa.db",
        username: str | None = None,
        password: str | None = None,
        event_broker: Any = None,
        login_db: str | None = None,
        query: Mapping[str, str] | None = None,
        driver: str | None = None,
    ) -> None:
        super().__init__(domain, event_broker)
        name = f"{dialect}+{driver}" if driver else dialect
        self._address = address_of(host, port, sa.engine.URL.create(name, username, password, database=db), query)
        self._login_db = login_db
        self._where = self._address.render_as_string(hide_password=True)
        self._engine = engine_for(self._address)
        self._ready = False

    def read(self, sender_ids: Sequence[str]) -> Iterator[Stored]:
        with self._reading() as connection:
            result = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(MANY, {"senders": list(sender_ids)})
            for sender_id, rows in groupby(result, key=lambda row: row[0]):
                found = list(rows)
                yield Stored(sender_id, found[-1][1], [row[2] for row in found])

    def read_latest(self, sender_id: str) -> Stored | None:
        with self._reading() as connection:
            rows = connection.execute(LATEST, {"sender": sender_id}).fetchall()
        return Stored(sender_id, rows[-1][0], [row[1] for row in rows]) if rows else None

    def holds(self, sender_id: str) -> bool:
        with self._reading() as connection:
            return connection.scalar(LAST, {"sender": sender_id}) is not None

    def append(self, tracker: Any, events: list[Event], version: int | None) -> int | None:
        if not events:
            return version or 0  # a table has no place for a conversation without events
        known = {"sender": tracker.sender_id, "version": version or 0}
        rows = [_row(tracker.sender_id, event) for event in events]
        with self._writing() as connection:
            begin_for_writing(connection, tracker.sender_id, is_new=version is None)
            if version is not None and connection.scalar(LOCK, known) is None:
                return None
            if connection.scalar(LATER, known) is not None:
                return None
            connection.execute(EVENTS.insert(), rows)
            return last_id(connection) or connection.scalar(LATER, known)

    def remove(self, sender_id: str) -> bool:
        with self._writing() as connection:
            return connection.execute(EVENTS.delete().where(_of_sender), {"sender": sender_id}).rowcount > 0  # type: ignore[no-any-return]

    def pages(self, after: str | None = None, size: int = PAGE_SIZE) -> Iterator[Page]:
        while True:
            with self._reading() as connection:
                statement = SENDERS_AFTER if after else SENDERS
                found = connection.execute(statement, {"after": after, "size": size}).scalars().all()
            if not found:
                return
            after = found[-1]
            yield Page(list(found), found[-1])

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        with self._talking(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        with self._talking(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            self._prepare()
            yield
        except (OperationalError, InterfaceError, ProgrammingError, PoolTimeout) as error:
            reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            raise TrackerStoreUnavailable(f"the database {self._where}: {reason}") from error

    def _prepare(self) -> None:
        """Makes database and table if they are missing, as Rasa does; refuses another table of the same name."""
        if self._ready:
            return
        if self._login_db:
            ensure_database(self._address, self._login_db)
        if not sa.inspect(self._engine).has_table(EVENTS.name):
            try:
                EVENTS.create(self._engine)
            except DBAPIError:
                if not sa.inspect(self._engine).has_table(EVENTS.name):  # else another process was faster
                    raise
        found = {column["name"] for column in sa.inspect(self._engine).get_columns(EVENTS.name)}
        if not found >= {column.name for column in EVENTS.columns}:
            raise TrackerStoreMisconfigured(
                f"the table events in {self._where} has the columns {', '.join(sorted(found))}, not a tracker store's"
                " (type_name, intent_name, …); is it an event broker's? Set `db` to the tracker store's database"
            )
        self._ready = True


def _row(sender_id: str, event: Event) -> dict[str, Any]:
    parse_data = event.get("parse_data") or {}
    intent = parse_data.get("intent") or {}
    return {
        "sender_id": sender_id,
        "type_name": event["event"],
        "timestamp": event.get("timestamp"),
        "intent_name": intent.get("name"),
        "action_name": event.get("name"),
        "data": encoding.encode(event),
    }
