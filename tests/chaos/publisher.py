"""Publishes numbered events, each when the one before is confirmed, and remembers which were."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time

from events import brokers
from events.brokers.base import BrokerUnavailable

CONVERSATIONS = 50


class Publisher:
    """A thread that publishes until stopped; `confirmed` grows as the broker takes responsibility."""

    def __init__(self, url: str) -> None:
        self.broker = brokers.from_url(url)
        self.numbers = itertools.count()
        self.confirmed: list[int] = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self) -> Publisher:
        self.thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.stopping.set()
        self.thread.join()
        self.broker.close()

    def _run(self) -> None:
        for number in self.numbers:
            if self.stopping.is_set():
                return
            self._publish(number)

    def _publish(self, number: int) -> None:
        body = event(number)
        while not self.stopping.is_set():
            try:
                self.broker.publish(body)
            except BrokerUnavailable:
                # As Rasa does, the same event is sent again; it may have arrived although nobody confirmed it.
                time.sleep(0.2)
            else:
                self.confirmed.append(number)
                return


def event(number: int) -> bytes:
    """`number` is the event's own; it has a place in one of a few conversations that all workers fight for."""
    sender = f"chaos-{random.Random(number).randrange(CONVERSATIONS)}"
    body = {"sender_id": sender, "event": "slot", "timestamp": 1e9 + number / 1000, "name": "number", "value": number}
    return json.dumps(body).encode()
