"""The table that Rasa's `type: SQL` writes to; Rasa's documentation, "Event Brokers", section "SQL Event Broker"."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import chain
from time import time
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Select,
    String,
    Table,
    Text,
    cast,
    create_engine,
    func,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from events.brokers.base import (
    BrokerMisconfigured,
    BrokerUnavailable,
    Message,
    Position,
    sender_id,
)
from events.brokers.gaps import Place
from events.brokers.polled import PolledEventBroker

EVENTS = Table(
    "events",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("sender_id", String(255)),
    Column("data", Text),
)
COLUMNS = {column.name for column in EVENTS.columns}
CONNECT_SECONDS = 5
GAP_SECONDS = 600  # far longer than a transaction of one insert lives
ROWS_AT_ONCE = 100  # from the server; a row may hold 10 MB
GAPS_AT_ONCE = 500


class SQLEventBroker(PolledEventBroker):
    """Receives rows by their ids; `position` keeps how far, with the gaps that may still be filled.

    The parameters are Rasa's; `url` is a host, host:port or a whole database URL. A table that was emptied, and so
    counts from a lower id again, is received from its start: recording is idempotent, so that is harmless.
    """

    poll_seconds = 0.1

    def __init__(  # noqa: PLR0913 - Rasa's parameters
        self,
        url: str | None = None,
        *,
        dialect: str = "sqlite",
        port: int | str | None = None,
        db: str = "events.db",
        username: str | None = None,
        password: str | None = None,
        position: Position | None = None,
        gap_seconds: float = GAP_SECONDS,
    ) -> None:
        address = _address(url, port, URL.create(dialect, username, password, database=db))
        self._where = address.render_as_string(hide_password=True)
        timeout = {"connect_timeout": CONNECT_SECONDS} if address.get_backend_name() == "postgresql" else {}
        try:
            self._engine = create_engine(address, connect_args=timeout)
        except ArgumentError as error:
            raise BrokerMisconfigured(f"{self._where} is no database for SQLAlchemy ({error}); set dialect") from error
        # SQLite lets anything be stored as text; as bytes it can be read whatever it is.
        binary = address.get_backend_name() == "sqlite"
        self._data: Any = cast(EVENTS.c.data, LargeBinary) if binary else EVENTS.c.data
        super().__init__(position)
        self._gap_seconds = gap_seconds
        self._place: Place | None = None  # None while the table has not been looked at

    def publish(self, body: bytes, environment: str | None = None) -> None:
        row = {"sender_id": sender_id(body), "data": body.decode()}
        with self._talking():
            self._opened()
            with self._engine.begin() as connection:
                connection.execute(EVENTS.insert().values(row))

    def depth(self) -> int:
        with self._talking():
            place = self._opened()
            with self._engine.connect() as connection:
                newer = select(func.count()).select_from(EVENTS).where(EVENTS.c.id > place.seen)
                return int(connection.scalar(newer) or 0)

    def close(self) -> None:
        self._generation += 1
        self._place = None
        self._engine.dispose()

    def _look(self, limit: int, max_bytes: int) -> list[Message]:
        with self._talking():
            return self._read(limit, max_bytes)

    def _read(self, limit: int, max_bytes: int) -> list[Message]:
        now = time()
        place = self._opened().forgetting(now - self._gap_seconds)
        with self._engine.connect() as connection:
            rows = _within(chain(self._late(connection, place), self._new(connection, place, limit)), limit, max_bytes)
            if not rows and self._starts_again(connection, place):
                place = Place()
        seen = place.seen
        late = [row.id for row in rows if row.id <= seen]
        self._place = place.without(late).after((row.id for row in rows if row.id > seen), now)
        return [Message(_body(row.data), None, (self._generation, self._place)) for row in rows]

    def _late(self, connection: Connection, place: Place) -> Iterator[Row[Any]]:
        numbers = sorted(place.gaps)
        for start in range(0, len(numbers), GAPS_AT_ONCE):
            some = numbers[start : start + GAPS_AT_ONCE]
            yield from _streamed(connection, self._select().where(EVENTS.c.id.in_(some)))

    def _new(self, connection: Connection, place: Place, limit: int) -> Iterator[Row[Any]]:
        yield from _streamed(connection, self._select().where(EVENTS.c.id > place.seen).limit(limit))

    def _select(self) -> Select[Any]:
        return select(EVENTS.c.id, self._data.label("data")).order_by(EVENTS.c.id)

    def _starts_again(self, connection: Connection, place: Place) -> bool:
        last = connection.scalar(select(func.max(EVENTS.c.id)))
        return (last or 0) < place.seen

    def _opened(self) -> Place:
        if self._place is None:
            self._check_table()
            self._place = Place.from_text(self._position.load())
        return self._place

    def _check_table(self) -> None:
        """Makes the table if it is missing, as Rasa does when it starts; refuses another one of the same name."""
        if not inspect(self._engine).has_table(EVENTS.name):
            try:
                EVENTS.create(self._engine)
            except DBAPIError:
                if not inspect(self._engine).has_table(EVENTS.name):  # else Rasa was faster
                    raise
        found = {column["name"] for column in inspect(self._engine).get_columns(EVENTS.name)}
        if not found >= COLUMNS or "type_name" in found:
            raise BrokerMisconfigured(
                f"the table events in {self._where} has the columns {', '.join(sorted(found))}, not an event broker's"
                " id, sender_id, data; is it the tracker store's? Set the database that Rasa's event_broker writes to"
            )

    @contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError, ProgrammingError, PoolTimeout) as error:
            self.close()
            reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            raise BrokerUnavailable(f"the database {self._where}: {reason}") from error


def _address(url: str | None, port: int | str | None, other: URL) -> URL:
    """`other` holds the parameters that count when `url` is not a whole one."""
    if url and "://" in url:
        try:
            address = make_url(url)
        except ArgumentError as error:
            raise BrokerMisconfigured("the SQL event broker's url is not dialect://user:password@host/db") from error
        old_name = address.drivername == "postgres"
        return address.set(drivername="postgresql") if old_name else address
    try:
        parts = urlsplit(f"//{url or ''}")
        number = parts.port or (int(port) if port else None)
    except ValueError as error:
        raise BrokerMisconfigured(f"the SQL event broker's port is not a number ({error}); correct it") from error
    return other.set(host=parts.hostname, port=number)


def _streamed(connection: Connection, statement: Select[Any]) -> Iterator[Row[Any]]:
    with closing(connection.execute(statement, execution_options={"yield_per": ROWS_AT_ONCE})) as result:
        yield from result


def _within(rows: Iterator[Row[Any]], limit: int, max_bytes: int) -> list[Row[Any]]:
    taken: list[Row[Any]] = []
    size = 0
    for row in rows:
        size += len(row.data or b"")
        if len(taken) == limit or (taken and size > max_bytes):
            break
        taken.append(row)
    return taken


def _body(data: str | bytes | None) -> bytes:
    return data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data or b""
