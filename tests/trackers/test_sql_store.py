import json
import sqlite3
from itertools import count
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import oracle

from tests.rasa import PAYLOADS
from tests.servers.postgres import PostgresServer
from tests.trackers.contract import TrackerStoreContract
from tests.trackers.conversations import recorded_rows, user
from trackers.stores import TrackerStoreMisconfigured, TrackerStoreUnavailable, sql
from trackers.stores.sql import SQLTrackerStore
from trackers.tracker import DialogueStateTracker

RECORDED = json.loads((PAYLOADS / "rasa_3_6_sqlite_store.json").read_text())
COLUMNS = ("sender_id", "type_name", "timestamp", "intent_name", "action_name", "data")
_numbers = count()


class TestOnSQLite(TrackerStoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Any) -> Any:
        return lambda **overrides: SQLTrackerStore(db=str(tmp_path / "rasa.db"), **overrides)

    @pytest.fixture
    def break_conversation(self, store: Any) -> Any:
        return lambda sender_id: _execute(store, "UPDATE events SET data = '{' WHERE sender_id = :s", s=sender_id)


class TestOnPostgreSQL(TrackerStoreContract):
    @pytest.fixture
    def open_store(self, postgres: PostgresServer, worker_id: str) -> Any:
        url = postgres.create_database(f"tracker_store_{worker_id}_{next(_numbers)}")
        opened: list[SQLTrackerStore] = []

        def open_one(**overrides: Any) -> SQLTrackerStore:
            opened.append(SQLTrackerStore(host=url, **overrides))
            return opened[-1]

        yield open_one
        for store in opened:
            store.close()

    @pytest.fixture
    def break_conversation(self, store: Any) -> Any:
        return lambda sender_id: _execute(store, "UPDATE events SET data = NULL WHERE sender_id = :s", s=sender_id)


@pytest.fixture
def recorded_database(tmp_path: Any) -> str:
    """The SQLite file that Rasa 3.6.21 wrote."""
    path = str(tmp_path / "recorded.db")
    with sqlite3.connect(path) as connection:
        for statement in RECORDED["ddl"]:
            connection.execute(statement)
        insert = f"INSERT INTO events VALUES (:id, {', '.join(f':{column}' for column in COLUMNS)})"
        connection.executemany(insert, RECORDED["rows"])
    connection.close()
    return path


def test_a_recorded_store_is_read_to_the_same_events(recorded_database: str) -> None:
    store = SQLTrackerStore(db=recorded_database)
    expected: dict[str, list[str]] = {}
    for row in RECORDED["rows"]:
        expected.setdefault(row["sender_id"], []).append(row["data"])
    assert sorted(store.sync.keys()) == sorted(expected)
    assert {stored.sender_id: list(stored.texts) for stored in store.read(list(expected))} == expected


@pytest.mark.parametrize("turn", [1, 4, 1000])
def test_the_rows_are_those_that_rasa_wrote(tmp_path: Any, turn: int) -> None:
    store = SQLTrackerStore(db=str(tmp_path / "ours.db"))
    trackers: dict[str, DialogueStateTracker] = {}
    rows = RECORDED["rows"]
    for sender_id in dict.fromkeys(row["sender_id"] for row in rows):
        texts = [row["data"] for row in rows if row["sender_id"] == sender_id]
        tracker = trackers.setdefault(sender_id, DialogueStateTracker(sender_id))
        for start in range(0, len(texts), turn):
            tracker.update_with_events(list(map(json.loads, texts[start : start + turn])), override_timestamp=False)
            store.sync.save(tracker)
    written = _rows(store)
    by_sender = sorted(rows, key=lambda row: row["sender_id"])
    assert written == [tuple(row[column] for column in COLUMNS) for row in by_sender]


def test_the_table_is_made_as_rasa_makes_it(tmp_path: Any) -> None:
    path = str(tmp_path / "ours.db")
    SQLTrackerStore(db=path).sync.exists("ann")
    with sqlite3.connect(path) as connection:
        made = {text for (text,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
    assert made == set(RECORDED["ddl"])


def test_the_table_on_postgresql_has_rasas_columns_sequence_and_indexes(
    postgres: PostgresServer, worker_id: str
) -> None:
    store = SQLTrackerStore(host=postgres.create_database(f"ddl_{worker_id}"))
    store.sync.save(DialogueStateTracker.from_events("ann", [user("hi")]))
    described = _execute(
        store,
        "SELECT column_name, data_type, character_maximum_length, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_name = 'events' ORDER BY ordinal_position",
    )
    assert [tuple(row) for row in described] == [
        ("id", "integer", None, "NO", "nextval('events_id_seq'::regclass)"),
        ("sender_id", "character varying", 255, "NO", None),
        ("type_name", "character varying", 255, "NO", None),
        ("timestamp", "double precision", None, "YES", None),
        ("intent_name", "character varying", 255, "YES", None),
        ("action_name", "character varying", 255, "YES", None),
        ("data", "text", None, "YES", None),
    ]
    indexes = _execute(store, "SELECT indexname FROM pg_indexes WHERE tablename = 'events'")
    assert {name for (name,) in indexes} == {"events_pkey", "ix_events_sender_id"}
    store.close()


def test_the_statements_compile_for_oracle() -> None:
    dialect = oracle.dialect()
    create = str(sa.schema.CreateTable(sql.EVENTS).compile(dialect=dialect))
    assert "VARCHAR2(255 CHAR) NOT NULL" in create
    assert "data CLOB" in create
    insert = str(sql.EVENTS.insert().compile(dialect=dialect, column_keys=["sender_id", "type_name", "data"]))
    assert "events_seq.nextval" in insert
    for statement in (sql.LATEST, sql.MANY, sql.LAST, sql.LOCK, sql.LATER, sql.SENDERS, sql.SENDERS_AFTER):
        compiled = str(statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": False}))
        assert "events" in compiled
        assert " LIMIT " not in compiled
    assert str(sql.LOCK.compile(dialect=dialect)).endswith("FOR UPDATE")


@pytest.mark.parametrize(
    ("parameters", "address"),
    [
        ({}, "sqlite:///rasa.db"),
        ({"dialect": "postgresql", "host": "db.example", "db": "x"}, "postgresql://db.example/x"),
        ({"dialect": "postgresql", "host": "db.example:5433", "db": "x"}, "postgresql://db.example:5433/x"),
        ({"dialect": "postgresql", "host": "db.example", "port": "5434", "db": "x"}, "postgresql://db.example:5434/x"),
        ({"host": "postgresql://u:p@h:1/d", "port": 2, "db": "other"}, "postgresql://u:***@h:1/d"),
        ({"host": "postgres://u:p@h/d"}, "postgresql://u:***@h/d"),
        (
            {"dialect": "postgresql", "host": "h", "db": "d", "username": "u", "password": "p@/:", "query": {"a": "b"}},
            "postgresql://u:***@h/d?a=b",
        ),
        (
            {"dialect": "oracle", "driver": "oracledb", "host": "h", "port": 1521, "query": {"service_name": "XEPDB1"}},
            "oracle+oracledb://h:1521/?service_name=XEPDB1",
        ),
        ({"dialect": "postgresql", "driver": "psycopg2", "host": "h", "db": "d"}, "postgresql+psycopg2://h/d"),
    ],
)
def test_each_form_of_address_is_understood(parameters: dict[str, Any], address: str) -> None:
    assert SQLTrackerStore(**parameters)._where == address


def test_login_db_makes_the_database(postgres: PostgresServer, worker_id: str) -> None:
    name = f"Made by login {worker_id}"
    parameters = {"dialect": "postgresql", "host": "127.0.0.1", "port": postgres.port, "username": "postgres"}
    for _ in range(2):
        store = SQLTrackerStore(**parameters, db=name, login_db="postgres")
        store.sync.save(DialogueStateTracker.from_events("ann", [user("hi")]))
        assert store.sync.exists("ann")
        store.close()


def test_a_schema_is_used(postgres: PostgresServer, worker_id: str, monkeypatch: Any) -> None:
    url = postgres.create_database(f"schema_{worker_id}")
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA bot")
    connection.close()
    monkeypatch.setenv("POSTGRESQL_SCHEMA", "bot")
    store = SQLTrackerStore(host=url)
    store.sync.save(DialogueStateTracker.from_events("ann", [user("hi")]))
    assert [tuple(row) for row in _execute(store, "SELECT sender_id FROM bot.events")] == [("ann",)]
    store.close()


def test_a_conversation_on_postgresql_is_appended_to_by_id_not_by_length(
    postgres: PostgresServer, worker_id: str
) -> None:
    store = SQLTrackerStore(host=postgres.create_database(f"plan_{worker_id}"))
    store.sync.exists("ann")
    _execute(
        store,
        "INSERT INTO events (sender_id, type_name, data) SELECT 'u' || n % 20, 'user', '{\"event\": \"user\"}'"
        " FROM generate_series(1, 40000) n",
    )
    _execute(store, "ANALYZE events")
    known = {"sender": "u1", "version": 39990}
    compiled = sql.LATER.compile(store._engine, compile_kwargs={"literal_binds": False})
    plan = _execute(store, f"EXPLAIN {compiled.string % {k: repr(v) for k, v in _named(compiled, known).items()}}")
    assert "events_pkey" in "".join(line for (line,) in plan)
    store.close()


def test_a_database_that_is_not_there_is_named() -> None:
    store = SQLTrackerStore(dialect="postgresql", host="127.0.0.1", port=1, db="x", username="u", password="secret")
    with pytest.raises(TrackerStoreUnavailable, match=r"postgresql://u:.*@127.0.0.1:1/x: .*refused") as caught:
        store.sync.retrieve("ann")
    assert "secret" not in str(caught.value)


def test_a_wrong_password_is_told_without_it() -> None:
    with PostgresServer() as server:
        rules = server.data / "pg_hba.conf"
        rules.write_text(f"host all guarded 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        with psycopg2.connect(server.url()) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'; SELECT pg_reload_conf()")
        connection.close()
        address = {"dialect": "postgresql", "host": "127.0.0.1", "port": server.port, "db": "postgres"}
        store = SQLTrackerStore(**address, username="guarded", password="mistaken")
        with pytest.raises(TrackerStoreUnavailable, match="password authentication failed for user") as caught:
            store.sync.retrieve("ann")
        assert "mistaken" not in str(caught.value)
        store.close()


def test_an_event_brokers_table_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "broker.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id VARCHAR(255), data TEXT)")
    with pytest.raises(TrackerStoreMisconfigured, match="is it an event broker's"):
        SQLTrackerStore(db=str(path)).sync.retrieve("ann")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"port": "abc"}, "port is not a number"),
        ({"dialect": "klingon"}, "no dialect that SQLAlchemy knows"),
        ({"host": "postgresql:/x://"}, "url is not dialect"),
    ],
)
def test_parameters_that_cannot_work_are_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(TrackerStoreMisconfigured, match=message):
        SQLTrackerStore(**parameters)


def test_login_db_is_for_postgresql_only(tmp_path: Any) -> None:
    with pytest.raises(TrackerStoreMisconfigured, match="login_db is for PostgreSQL only"):
        SQLTrackerStore(db=str(tmp_path / "x.db"), login_db="postgres").sync.exists("ann")


def test_the_recorded_rows_of_postgresql_are_read(tmp_path: Any) -> None:
    store = SQLTrackerStore(db=str(tmp_path / "rows.db"))
    store.sync.exists("x")
    with store._engine.begin() as connection:
        rows = [{"sender_id": s, "type_name": json.loads(data)["event"], "data": data} for s, data in recorded_rows()]
        connection.execute(sql.EVENTS.insert(), rows)
    texts = [text for stored in store.read([*store.sync.keys()]) for text in stored.texts]
    assert sorted(texts) == sorted(data for _, data in recorded_rows())


def _rows(store: SQLTrackerStore) -> list[tuple[Any, ...]]:
    found = _execute(store, f"SELECT {', '.join(COLUMNS)} FROM events ORDER BY sender_id, id")
    return [tuple(row) for row in found]


def _execute(store: SQLTrackerStore, statement: str, **values: Any) -> list[Any]:
    with store._engine.begin() as connection:
        result = connection.execute(sa.text(statement), values)
        return list(result) if result.returns_rows else []


def _named(compiled: Any, values: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in compiled.params}
