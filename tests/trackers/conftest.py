"""Tracker stores to take conversations from and to bring them to, and the commands that do it."""

import json
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from django.core.management import call_command

from tests.deployment import Deployment
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.trackers.conversations import recorded_rows
from trackers.stores.base import Event
from trackers.stores.sql import SQLTrackerStore
from trackers.tracker import DialogueStateTracker


@pytest.fixture
def endpoints(tmp_path: Path) -> Callable[..., Path]:
    """Writes an endpoints.yml with one section; a nameless one is of the tracker store."""

    def write(section: str = "tracker_store", /, **parameters: Any) -> Path:
        path = tmp_path / f"endpoints-{len(list(tmp_path.glob('endpoints-*')))}.yml"
        path.write_text(f"{section}:\n" + "".join(f"  {k}: {json.dumps(v)}\n" for k, v in parameters.items()))
        return path

    return write


@pytest.fixture
def sqlite_store(tmp_path: Path, endpoints: Any) -> tuple[Path, Path]:
    """The recorded conversations in a store of Rasa's, and the endpoints.yml that names it."""
    database = tmp_path / "rasa.db"
    fill_sqlite(database, recorded_rows())
    return endpoints(type="SQL", dialect="sqlite", db=str(database)), database


def fill_sqlite(database: Path, rows: Any) -> None:
    SQLTrackerStore(db=str(database)).sync.exists("nobody")  # makes the table
    add_rows(database, rows)


def add_rows(database: Path, rows: Any) -> None:
    engine = sa.create_engine(f"sqlite:///{database}")
    insert = sa.text("INSERT INTO events (sender_id, type_name, data) VALUES (:sender, 'x', :data)")
    with engine.begin() as connection:
        connection.execute(insert, [{"sender": sender_id, "data": data} for sender_id, data in rows])
    engine.dispose()


@pytest.fixture
def redis_section(redis_server: RedisServer, worker_id: str) -> Iterator[dict[str, Any]]:
    """A database of its own beside those of the stores' tests."""
    number = int(worker_id.strip("master gw") or 0) + 11
    with redis.Redis(port=redis_server.port, db=number) as client:
        client.flushdb()
        yield {"type": "redis", "url": "127.0.0.1", "port": redis_server.port, "db": number}
        client.flushdb()


@pytest.fixture
def redis_client(redis_section: dict[str, Any]) -> Iterator[Any]:
    with redis.Redis(port=redis_section["port"], db=redis_section["db"]) as client:
        yield client


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def run(command: str, *arguments: Any, stderr: StringIO | None = None) -> tuple[str, str]:
    """What the command told, and what it told meanwhile."""
    stdout, stderr = StringIO(), stderr or StringIO()
    call_command(command, *map(str, arguments), stdout=stdout, stderr=stderr)
    return stdout.getvalue(), stderr.getvalue()


def save(store: Any, sender_id: str, *events: Event) -> None:
    store.sync.save(DialogueStateTracker.from_events(sender_id, events))


MANY = 1500  # conversations of 35 events; the one in the middle is broken


@pytest.fixture
def deployment(postgres: PostgresServer, worker_id: str) -> Iterator[Deployment]:
    with Deployment(postgres.create_database(f"moving_{worker_id}_{time.time_ns()}")) as deployment:
        yield deployment


@pytest.fixture
def many(tmp_path: Path, endpoints: Any) -> tuple[Path, int]:
    """An endpoints.yml, and how many events of its store can be read."""
    own = [text for sender_id, text in recorded_rows() if sender_id == "v3pika-form"]
    fill_sqlite(tmp_path / "many.db", [(f"user-{n}", text) for n in range(MANY) for text in own])
    add_rows(tmp_path / "many.db", [("user-700", "{")])
    return endpoints(type="SQL", db=str(tmp_path / "many.db")), (MANY - 1) * len(own)
