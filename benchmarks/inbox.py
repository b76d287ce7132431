"""The NLU inbox with a million distinct texts: `python -m benchmarks.inbox [1000000] [--sqlite]`.

Each page over HTTP, median and p95 in milliseconds, with its queries; and what the inbox costs the event service.
"""

from __future__ import annotations

import io
import json
import sqlite3
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psycopg2

from benchmarks.ending import end_in_order
from benchmarks.scale import _request
from tests.deployment import Deployment
from tests.servers.postgres import PostgresServer
from tests.web import Web

REQUESTS = 40
INTENTS = 120
BEGAN = 1_600_000_000.0
PAGES: dict[str, dict[str, object]] = {
    "least sure first": {},
    "most frequent first": {"order": "frequent"},
    "newest first": {"order": "newest"},
    "a common intent": {"intent": "intent_000"},
    "a rare intent": {"intent": "intent_119"},
    "a common intent, newest": {"intent": "intent_000", "order": "newest"},
    "a rare intent, newest": {"intent": "intent_119", "order": "newest"},
    "an environment": {"environment": "production"},
    "a rare environment": {"environment": "staging"},
    "a day": {"since": "2020-09-20", "until": "2020-09-20"},
    "half of the time": {"since": "2020-09-14"},
    "a day, rare environment": {"since": "2020-09-20", "until": "2020-09-20", "environment": "staging"},
    "a common word": {"q": "common"},
    "a rare word": {"q": "rare7"},
    "nobody's word": {"q": "aardvark"},
    "a common word and intent": {"q": "common", "intent": "intent_001", "order": "newest"},
    "the thousandth page": {"before": "0.05_1"},
}
COUNT_QUERIES = """
import json
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
client = Client()
client.force_login(get_user_model().objects.get(username="annotator"))
numbers = []
for path in {paths}:
    client.get(path, HTTP_HOST="localhost")
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path, HTTP_HOST="localhost").status_code == 200
    numbers.append(len(queries))
print(json.dumps(numbers))
"""
COST = """
import statistics, time
from django.conf import settings
from benchmarks.traffic import traffic
from events.brokers.base import Message
from events.models import Conversation
INBOX = "rasax.annotation.following.follow"
every = list(settings.EVENT_FOLLOWERS)
messages = [Message(body) for body in traffic(10**6, {pairs} * 200)]
batches = [messages[first : first + 1000] for first in range(0, len(messages), 1000)]
times = {{True: [], False: []}}
for number, batch in enumerate(batches):
    kept = number % 4 in (1, 2)  # by turns the first and the second of a pair
    settings.EVENT_FOLLOWERS = every if kept else [path for path in every if path != INBOX]
    started = time.perf_counter()
    Conversation.objects.record(batch)
    times[kept].append(1000 * (time.perf_counter() - started))
ratios = [kept / without for without, kept in zip(times[False], times[True])]
print(*map(statistics.median, (times[False], times[True])), *statistics.quantiles(ratios, n=4))
"""
PAIRS = 60  # of batches of 1,000 events, one without the inbox and one with it


def rows(size: int) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Texts and occurrences: each is said once, every tenth three times; a hundredth of it in staging."""
    texts, said, event = [], [], 0
    for number in range(1, size + 1):
        intent = f"intent_{min(number % INTENTS * (number % 7) % INTENTS, INTENTS - 1):03}"
        words = f"text {number} word{number % 4000} {'common' if number % 3 else 'plain'} rare{number // 100}"
        times = [BEGAN + number + again * 10 for again in range(3 if number % 10 == 0 else 1)]
        lowest = round((number * 7919 % size) / size, 2)
        environment = 2 if number % 100 == 0 else 1
        for at in times:
            event += 1
            said.append((event, number, environment, at, lowest))
        seen = (len(times), times[0], times[-1], event, intent, lowest, lowest, 1 << environment)
        texts.append((number, number * 2**33, words, *seen))
    return texts, said


TEXTS = (
    "id digest text n first_seen last_seen latest_event intent confidence lowest environments"
    " state taught added suggested annotated_as"
)
SAID = "event_id message_id environment_id timestamp confidence"
FACETS = [
    ("environment", "production"),
    ("environment", "staging"),
    *(("intent", f"intent_{n:03}") for n in range(INTENTS)),
]


def fill(url: str, size: int) -> None:
    texts, said = rows(size)
    tables = {
        "events_environment": ("id name first_seen", [(1, "production", "2020-01-01"), (2, "staging", "2020-01-01")]),
        "events_facet": ("kind value n_conversations", [(*facet, 1) for facet in FACETS]),
        "annotation_inboxmessage": (TEXTS, [(*row, "new", False, False, "", "") for row in texts]),
        "annotation_occurrence": (SAID, said),
    }
    (_fill_sqlite if url.startswith("sqlite") else _fill_postgresql)(url, tables)


def _fill_postgresql(url: str, tables: dict[str, tuple[str, list[tuple[object, ...]]]]) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for table, (columns, lines) in tables.items():
            text = io.StringIO("".join("\t".join(map(str, line)) + "\n" for line in lines))
            cursor.copy_expert(f"COPY {table} ({', '.join(columns.split())}) FROM STDIN", text)
        cursor.execute("SELECT setval(pg_get_serial_sequence('annotation_inboxmessage', 'id'), 100000000)")
        cursor.execute("SELECT setval(pg_get_serial_sequence('events_environment', 'id'), 100)")
        cursor.execute("SELECT setval(pg_get_serial_sequence('events_event', 'id'), 100000000)")
        cursor.execute("VACUUM ANALYZE")


def _fill_sqlite(url: str, tables: dict[str, tuple[str, list[tuple[object, ...]]]]) -> None:
    with sqlite3.connect(urlsplit(url).path) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for table, (columns, lines) in tables.items():
            marks = ", ".join("?" * len(columns.split()))
            connection.executemany(f"INSERT INTO {table} ({', '.join(columns.split())}) VALUES ({marks})", lines)
        connection.execute(
            "INSERT INTO events_event (id, conversation_id, timestamp, digest, type, data)"
            " VALUES (100000000, 0, 0, 0, 'gap', '{}')"
        )
        connection.execute("ANALYZE")


def show(url: str, size: int) -> None:
    with Deployment(url) as deployment:
        fill(url, size)
        print(f"{size:,} distinct texts: median, p95, queries", flush=True)
        measure(deployment, size)


def measure(deployment: Deployment, size: int) -> None:
    paths = {name: f"/inbox/?{urlencode(asked)}" for name, asked in PAGES.items()}
    paths |= {"one text": f"/inbox/{size // 2}/", "the number in the bar": "/inbox/count/"}
    with Web(deployment) as web:
        cookie = web.sign_in("annotator")
        counted = deployment.manage("shell", "-c", COUNT_QUERIES.format(paths=list(paths.values()))).stdout
        for (name, path), queries in zip(paths.items(), json.loads(counted.splitlines()[-1]), strict=True):
            median, p95 = _timed(web, cookie, path)
            print(f"  {name:30} {median:6.0f} ms {p95:6.0f} ms {queries:3} queries", flush=True)
    told = deployment.manage("shell", "-c", COST.format(pairs=PAIRS)).stdout.split()[-5:]
    without, kept, lower, median, upper = map(float, told)
    print(f"  {PAIRS} pairs of 1,000 events each, medians: {without:.0f} ms without the inbox, {kept:.0f} ms with it;")
    print(f"  the median of the ratios of the pairs: {median:.3f} (quartiles {lower:.3f} to {upper:.3f})")


def _timed(web: Web, cookie: str, path: str) -> tuple[float, float]:
    times = []
    for number in range(-3, REQUESTS):
        started = time.perf_counter()
        with urllib.request.urlopen(_request(web, cookie, path), timeout=120) as answer:
            answer.read()
        if number >= 0:
            times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def main() -> None:
    size = next((int(word) for word in sys.argv[1:] if word.isdecimal()), 1_000_000)
    if "--sqlite" in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            show(f"sqlite:///{Path(folder) / 'inbox.sqlite3'}", size)
        return
    with PostgresServer(shared_buffers="2GB") as postgres:
        show(postgres.create_database("inbox"), size)


if __name__ == "__main__":
    end_in_order()
    main()
