"""The whole deployment of docker/compose.yml as plain processes: `python -m benchmarks.stack [--quick]`.

50 readers open pages through nginx while 500 events a second come in over RabbitMQ; the memory of each service; the
time from `make run` on a machine with nothing to the first page, and the size of what it installed. Without a container
engine the size of the image cannot be measured. `--quick` takes a fiftieth of the events and a tenth of the time.
"""

from __future__ import annotations

import http.client
import multiprocessing
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path

import psycopg2

from benchmarks import crowd, fresh
from benchmarks.ending import end_in_order
from benchmarks.traffic import traffic
from events import brokers
from tests.compose.plain import PlainCompose
from tests.compose.reading import Composed
from tests.servers.supervisor import descendants
from tests.web import SIGN_IN

QUICK = "--quick" in sys.argv
READERS = 50
PER_SECOND = 500  # events
SECONDS = 5 if QUICK else 60
EVENTS = 20_000 if QUICK else 1_000_000  # that are there before
THINKS = 5.0  # seconds between two pages of a reader who reads


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="rasax-stack-"))
    try:
        with PlainCompose(Composed(folder, "separate")) as running:
            deployed(running)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    fresh.show()


def deployed(running: PlainCompose) -> None:
    running.wait_until(lambda: running.processes["db-migration-service"].poll() == 0, "migrated database")
    for name in ("rasax", "event-service"):
        running.wait_until(lambda name=name: running.is_healthy(name), f"healthy {name}")
    time.sleep(5)
    idle = memory(running)
    there = crowd.fill(running.composed.secret("database_url").read_text(), EVENTS)
    names = [f"reader-{number}" for number in range(READERS)]
    sign_in = SIGN_IN.format(names=names, role="annotator")
    told = running.run("rasax", "python", "manage.py", "shell", "-c", sign_in)
    cookies = [line for line in told.splitlines() if line.startswith("sessionid=")]
    print(f"{there} events; {READERS} readers through nginx, {SECONDS} s each; ms")
    print(f"  {'':44}{'pages/s':>9}{'list p50':>10}{'p95':>7}{'conversation p50':>18}{'p95':>7}")
    row("alone, a page each 5 s", running, cookies, THINKS)
    with arriving(running) as rate:
        row(f"{PER_SECOND} events/s come in, a page each 5 s", running, cookies, THINKS)
        row(f"{PER_SECOND} events/s come in, as fast as they can", running, cookies, 0)
    print(f"  stored meanwhile: {rate():.0f} events/s, {waiting(running)} wait")
    show_memory(idle, memory(running))


@contextmanager
def arriving(running: PlainCompose) -> Iterator[object]:
    """Yields what tells, afterwards, how many events a second were stored."""
    url = running.composed.secret("rabbitmq_url").read_text()
    publisher = multiprocessing.get_context("spawn").Process(target=publish, args=(url,), daemon=True)
    began, before = time.monotonic(), n_events(running)
    publisher.start()
    rates: list[float] = []
    try:
        yield lambda: rates[0]
        rates.append((n_events(running) - before) / (time.monotonic() - began))
    finally:
        publisher.terminate()
        publisher.join()


def publish(url: str) -> None:
    broker = brokers.from_url(url)
    began = time.monotonic()
    bodies = chain.from_iterable(traffic(10**8 + first, 1000) for first in count(0, 1000))
    for number, body in enumerate(bodies):
        time.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
        broker.publish(body)


def n_events(running: PlainCompose) -> int:
    with psycopg2.connect(running.composed.secret("database_url").read_text()) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM events_event")
        return int(cursor.fetchone()[0])


def waiting(running: PlainCompose) -> int | None:
    broker = brokers.from_url(running.composed.secret("rabbitmq_url").read_text())
    try:
        return broker.depth()
    finally:
        broker.close()


def row(name: str, running: PlainCompose, cookies: list[str], thinks: float) -> None:
    reading = Reading(running.composed.ports["nginx"], thinks)
    readers = [threading.Thread(target=reading.read, args=(cookie,), daemon=True) for cookie in cookies]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    times, failed = reading.times, reading.failed
    figures = "".join(
        f"{at:>{width}.0f}" for kind, width in (("list", 10), ("conversation", 18)) for at in told(times[kind])
    )
    print(f"  {name:44}{sum(map(len, times.values())) / SECONDS:>9.1f}{figures}", flush=True)
    if failed:
        print(f"  {len(failed)} requests failed: {failed[0]}")


def told(times: list[float]) -> tuple[float, float]:
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


class Reading:
    """Pages as people open them, the list and conversations by turns; `thinks` is the pause between two, in seconds."""

    def __init__(self, port: int, thinks: float) -> None:
        self.port, self.thinks, self.until = port, thinks, time.monotonic() + SECONDS
        self.times: dict[str, list[float]] = defaultdict(list)
        self.failed: list[str] = []

    def read(self, cookie: str) -> None:
        chance = random.Random(cookie)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        time.sleep(chance.random() * self.thinks)
        while (began := time.monotonic()) < self.until:
            self._open(connection, cookie, chance)
            time.sleep(max(0.0, began + self.thinks * chance.uniform(0.5, 1.5) - time.monotonic()))

    def _open(self, connection: http.client.HTTPConnection, cookie: str, chance: random.Random) -> None:
        kind, pk = chance.choice(["list", "conversation"]), chance.randrange(1, EVENTS // crowd.EVENTS_EACH)
        path = "/conversations/" if kind == "list" else f"/conversations/{pk}/"
        began = time.monotonic()
        connection.request("GET", path, headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        self.times[kind].append(1000 * (time.monotonic() - began))
        if answer.status != 200:
            self.failed.append(f"{path} {answer.status}")


def memory(running: PlainCompose) -> dict[str, float]:
    """MB of each service and server with its children; what several share is divided among them."""
    roots = {name: process.pid for name, process in running.processes.items() if process.poll() is None}
    roots |= {name: server._process.pid for name, server in running.servers.items() if server._process}
    return {name: sum(map(proportional, [pid, *descendants(pid)])) for name, pid in roots.items()}


def proportional(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def show_memory(idle: dict[str, float], loaded: dict[str, float]) -> None:
    print("Memory in MB, when it has started and after that")
    for name in sorted(loaded):
        print(f"  {name:20}{idle.get(name, 0):>8.0f}{loaded[name]:>8.0f}")


if __name__ == "__main__":
    end_in_order()
    main()
