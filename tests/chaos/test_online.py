"""What is done to the database while 1,000 events a second come in and pages are read: nobody stands still for 5 s, and
nothing is lost. `make chaos` does it with five million rows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2
import pytest

from tests.chaos.watching import Progress, Reader, SteadyPublisher
from tests.deployment import Deployment
from tests.web import Web

pytestmark = pytest.mark.chaos

ROWS = 5_000_000 if os.environ.get("CHAOS_LONG") else 30_000
PER_SECOND = 1_000
LONGEST_STALL = 5.0  # seconds
FILL = """
INSERT INTO events_conversation (key, sender_id, first_event_time, latest_event_time, n_events, n_user_messages,
    first_user_text, first_user_text_time, latest_text, latest_text_time, latest_input_channel,
    latest_input_channel_time, model_id, assistant_id, model_time)
SELECT md5(n::text)::uuid, 'old-' || n, at, at + 9, 10, 10, 'hi', at, 'hi', at, 'rest', at, '', '', -1
FROM generate_series(1, {rows} / 10) n, LATERAL (SELECT 1.7e9 + n * 4e8 / {rows} AS at) time;
INSERT INTO events_event (conversation_id, timestamp, digest, type, name, text, data)
SELECT c.id, c.first_event_time + n, n, 'user', 'greet', 'a word and another ' || c.id,
    '{{"event": "user", "text": "a word and another"}}'
FROM events_conversation c, generate_series(0, 9) n;
ANALYZE;
"""


@contextmanager
def busy(postgres, rabbitmq, name: str) -> Iterator[tuple[Deployment, SteadyPublisher]]:
    """Two event services and a web process, on a database with a history."""
    with Deployment(postgres.create_database(name), rabbitmq.new_vhost()) as deployment:
        with psycopg2.connect(deployment.database_url) as connection, connection.cursor() as cursor:
            cursor.execute(FILL.format(rows=ROWS))
        for _ in range(2):
            deployment.start_event_service()
        deployment.wait_until(lambda: deployment.ask("SELECT count(*) FROM events_heartbeat")[0][0] == 2, "hearts")
        with Web(deployment) as web:
            cookie = web.sign_in("admin")
            paths = ["/conversations/", "/conversations/7/", "/conversations/?q=another", "/conversations/8/"]
            publisher = SteadyPublisher(deployment.environment["EVENT_BROKER_URL"], PER_SECOND)
            with publisher, Reader(web, cookie, paths) as reader, Progress(deployment) as progress:
                deployment.wait_until(lambda: progress.last > ROWS + PER_SECOND, "events that come in")
                reader.longest = progress.longest = 0.0
                yield deployment, publisher
                rate = publisher.rate
        print(
            f"{name}: {ROWS:,} rows, {rate:,.0f} events/s came in: longest page {reader.longest:.2f} s of {reader.n},"
            f" longest without a new event {progress.longest:.2f} s"
        )
        nothing_lost(deployment, publisher)
        assert max(reader.longest, progress.longest) < LONGEST_STALL
        assert rate > PER_SECOND * 0.9


def nothing_lost(deployment: Deployment, publisher: SteadyPublisher) -> None:
    deployment.wait_for_events(ROWS + publisher.n, seconds=300)
    numbers = deployment.ask("SELECT (data::json ->> 'value')::int FROM events_event WHERE type = 'slot' ORDER BY 1")
    assert [number for (number,) in numbers] == list(range(publisher.n))
    assert deployment.n_events() == ROWS + publisher.n


def timed(what: str, do: Callable[[], object]) -> None:
    began = time.monotonic()
    do()
    print(f"{what}: {time.monotonic() - began:.1f} s")


def test_a_new_column_its_values_and_its_index_come_online(postgres, rabbitmq):
    with busy(postgres, rabbitmq, "online_migration") as (deployment, _):
        deployment.environment["DJANGO_SETTINGS_MODULE"] = "tests.chaos.grown_settings"
        timed("migration", lambda: deployment.manage("migrate", "events"))
        assert deployment.ask("SELECT count(*) FROM events_event WHERE length IS NULL AND type = 'user'") == [(0,)]
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'events_by_length'::regclass"
        assert deployment.ask(valid) == [(True,)]


def test_the_events_are_parted_by_month_and_put_together_again_online(postgres, rabbitmq):
    with busy(postgres, rabbitmq, "online_partitions") as (deployment, _):
        timed("partitions", lambda: deployment.manage("partition_events"))
        assert deployment.ask("SELECT relkind FROM pg_class WHERE relname = 'events_event'") == [("p",)]
        timed("back", lambda: deployment.manage("partition_events", "--undo"))
        assert deployment.ask("SELECT relkind FROM pg_class WHERE relname = 'events_event'") == [("r",)]
