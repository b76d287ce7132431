"""What is done to the database while 1,000 events a second come in and pages are read: nobody stands still for 5 s, and
nothing is lost. `make chaos` does it with five million rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2
import pytest

from tests.chaos.watching import Progress, Reader, SteadyPublisher
from tests.deployment import Deployment
from tests.long import LONG
from tests.web import Web

pytestmark = pytest.mark.chaos

ROWS = 5_000_000 if LONG else 30_000
PER_SECOND = 1_000
LONGEST_STALL = 5.0  # seconds
PATHS = ["/conversations/", "/conversations/7/", "/conversations/?q=another", "/conversations/8/"]
FILL = """
INSERT INTO events_conversation (key, sender_id, first_event_time, latest_event_time, n_events, n_user_messages,
    first_user_text, first_user_text_time, latest_text, latest_text_time, latest_input_channel,
    latest_input_channel_time, model_id, assistant_id, model_time)
SELECT md5(n::text)::uuid, 'old-' || n, at, at + 9, 10, 10, 'hi', at, 'hi', at, 'rest', at, '', '', -1
FROM generate_series(1, {rows} / 10) n, LATERAL (SELECT 1.7e9 + n * 4e8 / {rows} AS at) time;
INSERT INTO events_event (conversation_id, timestamp, digest, type, name, text, data)
SELECT c.id, c.first_event_time + n, n, 'user', 'greet', 'a word and another ' || c.id,
    '{{"event": "user", "timestamp": 1.0, "text": "a word and another"}}'
FROM events_conversation c, generate_series(0, 9) n;
ANALYZE;
"""


@contextmanager
def busy(postgres, rabbitmq) -> Iterator[Watch]:
    """Two event services and a web process, on a database with a history."""
    with Deployment(postgres.create_database("online"), rabbitmq.new_vhost()) as deployment:
        with psycopg2.connect(deployment.database_url) as connection, connection.cursor() as cursor:
            cursor.execute(FILL.format(rows=ROWS))
        for _ in range(2):
            deployment.start_event_service()
        deployment.wait_until(lambda: deployment.ask("SELECT count(*) FROM events_heartbeat")[0][0] == 2, "hearts")
        with Web(deployment) as web:
            publisher = SteadyPublisher(deployment.environment["EVENT_BROKER_URL"], PER_SECOND)
            reader = Reader(web, web.sign_in("admin"), PATHS)
            with publisher, reader, Progress(deployment) as progress:
                deployment.wait_until(lambda: progress.last > ROWS + PER_SECOND, "events that come in")
                yield Watch(deployment, publisher, reader, progress)
                assert publisher.rate > PER_SECOND * 0.9
        nothing_lost(deployment, publisher)


@dataclass
class Watch:
    deployment: Deployment
    publisher: SteadyPublisher
    reader: Reader
    progress: Progress

    def during(self, what: str, *command: str) -> None:
        """Runs it, and looks how long anybody stood still."""
        self.reader.longest = self.progress.longest = 0.0
        began, read = time.monotonic(), self.reader.n
        self.deployment.manage(*command)
        print(
            f"{what}: {ROWS:,} rows in {time.monotonic() - began:.1f} s, {self.publisher.rate:,.0f} events/s came in,"
            f" longest page {self.reader.longest:.2f} s of {self.reader.n - read},"
            f" longest without a new event {self.progress.longest:.2f} s"
        )
        assert max(self.reader.longest, self.progress.longest) < LONGEST_STALL


def nothing_lost(deployment: Deployment, publisher: SteadyPublisher) -> None:
    deployment.wait_for_events(ROWS + publisher.n, seconds=300)
    numbers = deployment.ask("SELECT (data::json ->> 'value')::int FROM events_event WHERE type = 'slot' ORDER BY 1")
    assert [number for (number,) in numbers] == list(range(publisher.n))
    assert deployment.n_events() == ROWS + publisher.n


def form_of(deployment: Deployment) -> str:
    return str(deployment.ask("SELECT relkind FROM pg_class WHERE relname = 'events_event'")[0][0])


def test_a_migration_and_the_way_to_months_stop_nobody(postgres, rabbitmq):
    with busy(postgres, rabbitmq) as watch:
        deployment = watch.deployment
        deployment.environment["DJANGO_SETTINGS_MODULE"] = "tests.chaos.grown_settings"
        watch.during("a new column, its values and its index", "migrate", "events")
        assert deployment.ask("SELECT count(*) FROM events_event WHERE length IS NULL AND type = 'user'") == [(0,)]
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'events_by_length'::regclass"
        assert deployment.ask(valid) == [(True,)]
        watch.during("events apart by month", "partition_events")
        assert (form_of(deployment), deployment.ask(valid)) == ("p", [(True,)])
        if LONG:
            watch.during("and together again", "partition_events", "--undo")
            assert (form_of(deployment), deployment.ask(valid)) == ("r", [(True,)])
