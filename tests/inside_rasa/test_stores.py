"""Our stores in the process of a real Rasa, beside Rasa's own ones."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa

from tests.inside_rasa.server import rasa_python
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.trackers.conversations import recorded_conversations

pytestmark = pytest.mark.rasa

ROOT = Path(__file__).parents[2]
EXCHANGE = Path(__file__).parent / "exchange.py"


def exchange(store: str, url: str | None, **parameters: Any) -> dict[str, Any]:
    python = rasa_python()
    task = {"store": store, "url": url, "parameters": parameters, "conversations": recorded_conversations()}
    run = subprocess.run(
        [python, str(EXCHANGE)],
        input=json.dumps(task), capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    answer: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    assert answer["class"] == "trackers.rasa"
    return answer


def check_what_was_read(answer: dict[str, Any]) -> None:
    assert len(answer["conversations"]) == 3 * len(recorded_conversations())
    for found in answer["conversations"]:
        assert found["by_ours"]["events"] == found["events"], found["name"]
        assert found["by_rasas"]["events"] == found["events"], found["name"]
        assert found["by_ours"]["state"] == found["by_rasas"]["state"], found["name"]
    assert answer["keys"] == sorted(found["name"] for found in answer["conversations"])


def test_conversations_on_sqlite_are_read_alike_by_both(tmp_path: Path) -> None:
    path = tmp_path / "rasa.db"
    check_what_was_read(exchange("SQLTrackerStore", None, db=str(path)))
    check_rows(f"sqlite:///{path}")


def test_conversations_on_postgresql_are_read_alike_by_both(postgres: PostgresServer) -> None:
    url = postgres.create_database("inside_rasa")
    parameters = {"dialect": "postgresql", "port": postgres.port, "username": "postgres", "db": "inside_rasa"}
    check_what_was_read(exchange("SQLTrackerStore", "127.0.0.1", **parameters))
    check_rows(url)


def check_rows(url: str) -> None:
    """Whoever wrote them: the same columns with the same bytes."""
    statement = "SELECT sender_id, type_name, timestamp, intent_name, action_name, data FROM events ORDER BY id"
    with sa.create_engine(url).connect() as connection:
        rows = connection.execute(sa.text(statement)).fetchall()
    written: dict[str, dict[str, list[Any]]] = {}
    for sender_id, *row in rows:
        writer, _, name = sender_id.partition(" ")
        written.setdefault(name, {}).setdefault(writer, []).append(row)
    for by_writer in written.values():
        assert by_writer["ours"] == by_writer["rasas"] == by_writer["mixed"]


def test_conversations_on_redis_are_read_alike_by_both(redis_server: RedisServer) -> None:
    with redis.Redis(port=redis_server.port, db=9) as client:
        client.flushdb()
        check_what_was_read(exchange("RedisTrackerStore", "127.0.0.1", port=redis_server.port, db=9))
        for name, events in recorded_conversations().items():
            for writer in ("ours", "rasas", "mixed"):
                whole = json.dumps({"events": events, "name": f"{writer} {name}"})
                assert client.get(f"tracker:{writer} {name}").decode() == whole
