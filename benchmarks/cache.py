"""With and without the DB cache: `python -m benchmarks.cache 1000000 10000000`, numbers of events.

Two web processes on the same database, one of which keeps no answer, are asked the same in turn: so what else the
machine does slows both. Each figure is a median of rounds, with the least and the greatest: seven of eight requests, or
fewer where the answers take seconds.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from benchmarks import crowd
from benchmarks.ending import end_in_order
from benchmarks.scale import COMMON, FREQUENT
from benchmarks.traffic import traffic
from events import brokers
from tests.deployment import Deployment
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.web import Web

ROUNDS, EACH = 7, 8
FEWEST, QUESTION_TAKES, ROUND_TAKES = 3, 8, 1.5  # rounds, and seconds after which there are no more
READERS, READ = 16, 1
ARRIVING = 200  # events a second
COUNTED = {"q": crowd.COMMON_WORDS[0], "intent": FREQUENT}
QUESTIONS = {
    "list, all": "/conversations/",
    "list, common intent": f"/conversations/?{urlencode({'intent': COMMON})}",
    "list, intent and channel": f"/conversations/?{urlencode({'intent': COMMON, 'channel': 'telegram'})}",
    "facets: values of a slot": f"/conversations/?{urlencode({'slot': 'order_number'})}",
    "number that match, to 1,000": f"/conversations/count/?{urlencode(COUNTED)}",
    "number that match, all": f"/conversations/count/?{urlencode({**COUNTED, 'exact': 1})}",
    "statistics": "/api/statistics",
    "analytics of two years": f"/api/analytics?{urlencode({'start': crowd.BEGAN, 'end': crowd.BEGAN + 6e7})}",
}
ASKED_BY_MANY = {name: QUESTIONS[name] for name in ("number that match, all", "statistics")}
Figure = Callable[["Asker", str], float]
RECORD = """
import statistics, time
from benchmarks.traffic import traffic
from events import live, stamps
from events.brokers.base import Message
from events.models import Conversation
move = stamps._move
def without(column, pks):
    live.announce({live.CONVERSATIONS, *(live.conversation_topic(pk) for pk in pks)})
messages = [Message(body) for body in traffic(10_000_000, BATCHES * 100)]
batches = [messages[first : first + 1000] for first in range(0, len(messages), 1000)]
times = {move: [], without: []}
for number, batch in enumerate(batches):
    stamps._move = (move, without)[number % 2]
    started = time.perf_counter()
    Conversation.objects.record(batch)
    times[stamps._move].append(1000 * (time.perf_counter() - started))
stamps._move = move
pairs = [with_it / without_it for with_it, without_it in zip(times[move][4:], times[without][4:])]
quarters = statistics.quantiles(pairs, n=4)
alone = []
from django.db import connection, transaction
for _ in range(200):
    with transaction.atomic():
        started = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE events_stamppart SET events = 1 WHERE id ="
                " (SELECT id FROM events_stamppart ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)")
        alone.append(1000 * (time.perf_counter() - started))
asked = []
for _ in range(200):
    started = time.perf_counter()
    stamps.read()
    asked.append(1000 * (time.perf_counter() - started))
print(f"{statistics.median(times[move]):.1f} {statistics.median(times[without]):.1f}"
    f" {quarters[1]:.3f} {quarters[0]:.3f} {quarters[2]:.3f}"
    f" {statistics.median(alone):.2f} {statistics.median(asked):.2f}")
"""
BATCHES = 80


@dataclass
class Asker:
    """Somebody who is signed in to one web process."""

    web: Web
    cookie: str

    def milliseconds(self, path: str) -> float:
        started = time.perf_counter()
        request = urllib.request.Request(self.web.url + path, headers={"Cookie": self.cookie})
        with urllib.request.urlopen(request, timeout=300) as answer:
            answer.read()
        return 1000 * (time.perf_counter() - started)

    def median(self, path: str) -> float:
        times = [self.milliseconds(path)]
        while len(times) < EACH and sum(times) < 1000 * ROUND_TAKES:
            times.append(self.milliseconds(path))
        return statistics.median(times)

    def answers_a_second(self, path: str) -> float:
        """Of many readers at once."""
        started = time.perf_counter()
        with ThreadPoolExecutor(READERS) as readers:
            list(readers.map(self.milliseconds, [path] * (READERS * READ)))
        return READERS * READ / (time.perf_counter() - started)


def compare(questions: dict[str, str], measure: Figure, with_cache: Asker, without: Asker, rounds: int) -> None:
    for name, path in questions.items():
        with_cache.milliseconds(path), without.milliseconds(path)
        began, pairs = time.monotonic(), []
        while len(pairs) < rounds and (len(pairs) < FEWEST or time.monotonic() - began < QUESTION_TAKES):
            pairs.append((measure(without, path), measure(with_cache, path)))
        ratios = [before / after for before, after in pairs]
        print(f"  {name:28} {_spread([pair[0] for pair in pairs])} {_spread([pair[1] for pair in pairs])}"
              f"   {statistics.median(ratios):6.2f} ({min(ratios):.2f} to {max(ratios):.2f})", flush=True)  # fmt: skip


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):8.1f} ({min(values):.1f} to {max(values):.1f})"


@contextmanager
def arriving(deployment: Deployment) -> Iterator[None]:
    stop = threading.Event()
    arriving = threading.Thread(target=arrive, args=(deployment.environment["EVENT_BROKER_URL"], stop))
    service = deployment.start_event_service()
    arriving.start()
    try:
        yield
    finally:
        stop.set()
        arriving.join()
        deployment.kill(service)


def arrive(url: str, stop: threading.Event) -> None:
    broker = brokers.from_url(url)
    for number, body in enumerate(traffic(50_000_000, 100_000)):
        broker.publish(body)
        if number % 20 == 19 and stop.wait(20 / ARRIVING):
            break
    broker.close()


def measure(deployment: Deployment) -> None:
    without_cache = {"DJANGO_SETTINGS_MODULE": "benchmarks.without_cache"}
    with Web(deployment) as one:
        deployment.environment.update(without_cache)
        with Web(deployment) as other:
            deployment.environment["DJANGO_SETTINGS_MODULE"] = "rasax.settings"
            cookie = one.sign_in("annotator")
            with_cache, without = Asker(one, cookie), Asker(other, cookie)
            print("ms without the cache, with it, and how many times faster; nothing arrives", flush=True)
            compare(QUESTIONS, Asker.median, with_cache, without, ROUNDS)
            print(f"the same while {ARRIVING} events a second arrive", flush=True)
            with arriving(deployment):
                compare(QUESTIONS, Asker.median, with_cache, without, ROUNDS)
                print(f"answers a second to {READERS} readers without, with, and their ratio", flush=True)
                compare(ASKED_BY_MANY, Asker.answers_a_second, with_cache, without, FEWEST)
    script = RECORD.replace("BATCHES", str(BATCHES))
    figures = deployment.manage("shell", "-c", script).stdout.split()[-7:]
    print(
        "record(): ms a batch of 1,000 with the stamp and without, ratio (quarters), ms of the statement, of reading it"
    )
    print("  ", *figures, flush=True)


def show(sizes: list[int]) -> None:
    with PostgresServer(shared_buffers="2GB") as postgres, RedisServer() as redis:
        for size in sizes:
            url = postgres.create_database(f"c{size}")
            with Deployment(url, REDIS_URL=redis.url) as deployment:
                deployment.environment["EVENT_BROKER_URL"] = f"file://{Path(deployment.folder) / 'rasa_event.log'}"
                began = time.monotonic()
                print(f"{crowd.fill(url, size):,} events in {size // crowd.EVENTS_EACH:,} conversations", flush=True)
                measure(deployment)
                print(f"  (this took {time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    end_in_order()
    show([int(word) for word in sys.argv[1:] if word.isdecimal()] or [1_000_000])
