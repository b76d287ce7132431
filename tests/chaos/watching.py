"""Steady traffic while something is done to the database, and how long the longest standstill of it was."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Self

import psycopg2

from tests.deployment import Deployment
from tests.web import Web


class Loop:
    """Calls something again and again in a thread of its own; raises at the end what that raised."""

    def __init__(self, pause: float = 0) -> None:
        self.pause, self.stopping, self.failed = pause, threading.Event(), None
        self.thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.stopping.set()
        self.thread.join()
        if self.failed is not None:
            raise self.failed

    def _run(self) -> None:
        try:
            with self.opened() as do:
                while not self.stopping.is_set():
                    do()
                    time.sleep(self.pause)
        except BaseException as error:  # noqa: BLE001 - raised by who waits for the end
            self.failed = error

    @contextmanager
    def opened(self) -> Iterator[Callable[[], None]]:
        raise NotImplementedError


class SteadyPublisher(Loop):
    """So many events a second, in bursts of a fiftieth of a second."""

    def __init__(self, url: str, per_second: int) -> None:
        super().__init__(0.005)
        self.url, self.per_second, self.n, self.began = url, per_second, 0, time.monotonic()

    @contextmanager
    def opened(self) -> Iterator[Callable[[], None]]:
        from kombu import Connection

        with Connection(self.url) as connection:
            channel, self.began = connection.channel(), time.monotonic()

            def publish() -> None:
                while self.n < (time.monotonic() - self.began) * self.per_second:
                    message = channel.prepare_message(_event(self.n), properties={"delivery_mode": 2})
                    channel.basic_publish(message, exchange="rasa-exchange", routing_key="")
                    self.n += 1

            yield publish

    @property
    def rate(self) -> float:
        return self.n / (time.monotonic() - self.began)


def _event(number: int) -> bytes:
    """Of now, in one of a hundred conversations."""
    body = {"sender_id": f"steady-{number % 100}", "event": "slot", "name": "number", "value": number}
    return json.dumps({**body, "timestamp": time.time()}).encode()


class Reader(Loop):
    """Reads pages in turn; `longest` is the slowest in seconds."""

    def __init__(self, web: Web, cookie: str, paths: list[str]) -> None:
        super().__init__(0.1)
        self.web, self.cookie, self.paths, self.n, self.longest = web, cookie, paths, 0, 0.0

    @contextmanager
    def opened(self) -> Iterator[Callable[[], None]]:
        yield self._read

    def _read(self) -> None:
        path, began = self.paths[self.n % len(self.paths)], time.monotonic()
        request = urllib.request.Request(f"{self.web.url}{path}", headers={"Cookie": self.cookie})
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
        self.longest, self.n = max(self.longest, time.monotonic() - began), self.n + 1


class Progress(Loop):
    """`longest` is the time in seconds in which no new event was kept."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(0.05)
        self.deployment, self.last, self.since, self.longest = deployment, 0, time.monotonic(), 0.0

    @contextmanager
    def opened(self) -> Iterator[Callable[[], None]]:
        with closing(psycopg2.connect(self.deployment.database_url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()

            def look() -> None:
                cursor.execute("SELECT coalesce(max(id), 0) FROM events_event")
                (last,) = cursor.fetchone() or (0,)
                self.longest = max(self.longest, time.monotonic() - self.since)
                if last > self.last:
                    self.last, self.since = last, time.monotonic()

            yield look
