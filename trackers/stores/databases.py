"""What differs between databases: addresses, engines, and how a transaction that writes begins."""

from __future__ import annotations

import os
from hashlib import blake2b
from typing import Any, Mapping
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, InvalidRequestError, NoSuchModuleError, ProgrammingError
from sqlalchemy.pool import QueuePool

from trackers.stores.base import TrackerStoreMisconfigured

CONNECT_SECONDS = 5
BUSY_SECONDS = 30  # how long SQLite waits for another writer
POOL_SIZE = 50  # Rasa's defaults
MAX_OVERFLOW = 100


def address_of(host: str | None, port: Any, other: URL, query: Mapping[str, str] | None) -> URL:
    """`other` holds the parameters that count when `host` is not a whole URL."""
    if host and "://" in host:
        try:
            address = make_url(host)
        except ArgumentError as error:
            raise TrackerStoreMisconfigured(
                "the SQL tracker store's url is not dialect://user:password@host/db"
            ) from error
        return address.set(drivername="postgresql") if address.drivername == "postgres" else address
    try:
        parts = urlsplit(f"//{host or ''}")
        number = parts.port or (int(port) if port else None)
    except ValueError as error:
        raise TrackerStoreMisconfigured(
            f"the SQL tracker store's port is not a number ({error}); correct it"
        ) from error
    address = other.set(host=parts.hostname, port=number, query=dict(query or {}))
    if "service_name" in address.query:  # Oracle's other way to name the database
        address = address.set(database="")
    return address


def engine_for(address: URL) -> Engine:
    try:
        backend = address.get_backend_name()
        engine = sa.create_engine(address, future=True, **_OPTIONS.get(backend, _no_options)(address))
    except NoSuchModuleError as error:
        raise TrackerStoreMisconfigured(
            f"{address.drivername!r} is no dialect that SQLAlchemy knows ({error}); set `dialect`"
        ) from error
    except (ArgumentError, InvalidRequestError) as error:
        raise TrackerStoreMisconfigured(f"the SQL tracker store's address is refused ({error}); correct it") from error
    if backend == "sqlite":
        # pysqlite would begin transactions late and for reading; `begin_for_writing` begins them.
        sa.event.listen(engine, "connect", _autocommit)
    return engine


def _autocommit(connection: Any, _record: Any) -> None:
    connection.isolation_level = None


def _no_options(_address: URL) -> dict[str, Any]:
    return {}


def _postgresql_options(_address: URL) -> dict[str, Any]:
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS}
    schema = os.environ.get("POSTGRESQL_SCHEMA")
    if schema:
        arguments["options"] = f"-csearch_path={schema}"
    return {
        "connect_args": arguments,
        "pool_size": _number("SQL_POOL_SIZE", POOL_SIZE),
        "max_overflow": _number("SQL_MAX_OVERFLOW", MAX_OVERFLOW),
    }


def _sqlite_options(address: URL) -> dict[str, Any]:
    options: dict[str, Any] = {
        "connect_args": {"check_same_thread": False, "timeout": BUSY_SECONDS},
        "poolclass": QueuePool,
    }
    if address.database in (None, "", ":memory:"):  # which lives and dies with one connection
        options.update(pool_size=1, max_overflow=0)
    return options


_OPTIONS = {"postgresql": _postgresql_options, "sqlite": _sqlite_options}


def _number(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdigit():
        raise TrackerStoreMisconfigured(f"{name} is {text!r}; set it to a number of connections")
    return int(text)


def begin_for_writing(connection: Connection, sender_id: str, *, is_new: bool) -> None:
    """Lets no other writer of this conversation in until the transaction ends."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql" and is_new:
        # A conversation that does not exist has no row to lock. Elsewhere two first saves may both succeed.
        key = int.from_bytes(blake2b(sender_id.encode(), digest_size=8).digest(), "big", signed=True)
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({key})")


def last_id(connection: Connection) -> int | None:
    """The id that this connection gave last, None where it has to be looked for."""
    statement = _LAST_ID.get(connection.dialect.name)
    return connection.exec_driver_sql(statement).scalar() if statement else None


_LAST_ID = {"postgresql": "SELECT lastval()", "sqlite": "SELECT last_insert_rowid()"}


def ensure_database(address: URL, login_db: str) -> None:
    """Rasa's `login_db`: connects there and creates the database if it is missing; PostgreSQL only."""
    if address.get_backend_name() != "postgresql":
        raise TrackerStoreMisconfigured("login_db is for PostgreSQL only; remove it, or set `dialect: postgresql`")
    engine = engine_for(address.set(database=login_db))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        there = sa.text("SELECT 1 FROM pg_catalog.pg_database WHERE datname = :name")
        if connection.scalar(there, {"name": address.database}) is None:
            quoted = engine.dialect.identifier_preparer.quote_identifier(address.database or "")
            try:
                connection.exec_driver_sql(f"CREATE DATABASE {quoted}")
            except ProgrammingError:  # another process was faster
                if connection.scalar(there, {"name": address.database}) is None:
                    raise
    engine.dispose()
