"""What the SQL event broker must do on every database."""

import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from sqlalchemy import create_engine, text

from events.brokers import sql
from events.brokers.base import BrokerMisconfigured, EventBroker, Position, PositionInMemory
from events.brokers.sql import SQLEventBroker
from tests.events.brokers.contract import Connect, EventBrokerContract, bodies, numbered, receive

WRITERS = 8
ROWS_EACH = 30
Run = Callable[[str], None]


# As several Rasa servers under load: the id is taken, the commit comes later, or a rollback.
WRITER = """
import random, sqlite3, sys, time
url, writer, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if url.startswith("sqlite"):
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60)
else:
    import psycopg2
    connection = psycopg2.connect(url)
chance = random.Random(writer)
for number in range(rows):
    body = '{"writer": %d, "number": %d}' % (writer, number)
    connection.cursor().execute(f"INSERT INTO events (sender_id, data) VALUES ('s', '{body}')")
    time.sleep(chance.choice((0, 0, 0.005, 0.03)))
    connection.rollback() if number % 10 == 9 else connection.commit()
"""


def committed() -> set[bytes]:
    return {
        b'{"writer": %d, "number": %d}' % (writer, number)
        for writer in range(WRITERS)
        for number in range(ROWS_EACH)
        if number % 10 != 9
    }


class SQLEventBrokerContract(EventBrokerContract):
    carries_environment = False

    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def position(self) -> Position:
        return PositionInMemory()

    @pytest.fixture
    def make(self, url: str, position: Position) -> Connect:
        return lambda: SQLEventBroker(url, position=position)

    @pytest.fixture
    def run(self, url: str) -> Run:
        def run(statement: str) -> None:
            engine = create_engine(url)
            with engine.begin() as connection:
                connection.execute(text(statement))
            engine.dispose()

        return run

    def test_rows_are_written_as_rasa_writes_them(self, url: str, broker: EventBroker) -> None:
        broker.publish(b'{"sender_id": "carol", "event": "restart"}')
        broker.publish(b"[]")
        with create_engine(url).connect() as connection:
            rows = connection.execute(text("SELECT id, sender_id, data FROM events ORDER BY id")).all()
        assert [tuple(row) for row in rows] == [
            (1, "carol", '{"sender_id": "carol", "event": "restart"}'),
            (2, None, "[]"),
        ]

    def test_nothing_is_lost_when_eight_writers_commit_late_and_roll_back(
        self, connect: Connect, url: str, broker: EventBroker
    ) -> None:
        broker.receive()  # makes the table
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, url, str(writer), str(ROWS_EACH)])
            for writer in range(WRITERS)
        ]
        got: list[bytes] = []
        deadline = time.monotonic() + 60
        while set(got) != committed() and time.monotonic() < deadline:
            if len(got) % 50 == 0:
                broker.close()
                broker = connect()
            messages = broker.receive(limit=20)
            broker.acknowledge(messages)
            got += bodies(messages)
        assert [writer.wait() for writer in writers] == [0] * WRITERS
        assert set(got) == committed()
        assert len(got) == len(committed())

    def test_a_late_row_arrives_after_a_restart_too(self, connect: Connect, run: Run) -> None:
        first = connect()
        first.publish(b"1")
        run("INSERT INTO events (id, data) VALUES (4, '4')")
        first.acknowledge(receive(first, 2))
        first.close()
        run("INSERT INTO events (id, data) VALUES (2, '2')")
        assert bodies(receive(connect(), 1)) == [b"2"]

    def test_a_gap_is_given_up_when_it_is_old(self, url: str, run: Run) -> None:
        broker = SQLEventBroker(url, gap_seconds=0.3)
        broker.publish(b"1")
        run("INSERT INTO events (id, data) VALUES (4, '4')")
        receive(broker, 2)
        assert broker._place is not None
        assert sorted(broker._place.gaps) == [2, 3]
        time.sleep(0.4)
        broker.receive()
        assert broker._place.gaps == {}
        broker.close()

    def test_a_table_that_was_emptied_is_received_from_its_start(self, connect: Connect, run: Run) -> None:
        broker = connect()
        for body in numbered(3):
            broker.publish(body)
        broker.acknowledge(receive(broker, 3))
        run("DROP TABLE events")
        connect().publish(b"again")
        assert bodies(receive(broker, 1)) == [b"again"]

    def test_a_row_without_data_is_an_empty_message(self, broker: EventBroker, run: Run) -> None:
        broker.receive()
        run("INSERT INTO events (id, sender_id) VALUES (1, 'x')")
        assert bodies(receive(broker, 1)) == [b""]

    def test_the_tracker_stores_table_is_refused(self, broker: EventBroker, run: Run) -> None:
        run(
            "CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id VARCHAR(255), type_name VARCHAR(255),"
            " timestamp FLOAT, intent_name VARCHAR(255), action_name VARCHAR(255), data TEXT)"
        )
        with pytest.raises(BrokerMisconfigured, match=r"type_name.*tracker store's\? Set the database"):
            broker.receive()

    def test_few_large_rows_are_fetched_at_a_time(
        self, connect: Connect, broker: EventBroker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sql, "ROWS_AT_ONCE", 2)
        large = [b"x" * 1_000_000] * 5
        self.publish(connect, large)
        assert len(receive(broker, 1, max_bytes=1_500_000)) == 1
        assert bodies(receive(broker, 4, max_bytes=1_500_000)) == large[1:]
