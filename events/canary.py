"""An event of our own that goes the whole way, from the event broker into a commit, to see that the way is open.

It is told apart by its type and sender, which no conversation has, and is dropped where messages are read: it is no
event that is kept, and no number but its own counts it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from events.brokers.base import BrokerUnavailable, EventBroker, Message
from events.monitoring import metrics

TYPE = "rasax_canary"
SENDER = "rasax-canary:"  # and who sent it
MARK = TYPE.encode()

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Canary:
    """Publishes one each `period` seconds, over a connection and from a thread of its own: a broker that takes nothing
    from us must not keep us from taking from it."""

    broker: EventBroker
    period: float
    name: str = ""

    def start(self, stop: threading.Event) -> None:
        threading.Thread(target=self._run, args=(stop,), name="canary", daemon=True).start()

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(self.period):
            try:
                self.broker.publish(canary(time.time(), self.name))
            except BrokerUnavailable as error:
                metrics.SERVICE_FAILURES.labels("canary").inc()
                log.warning("a canary could not be sent", error=error)
        self.broker.close()


def canary(sent_at: float, name: str) -> bytes:
    """As Rasa would publish an event of a type that it does not know."""
    return json.dumps({"sender_id": f"{SENDER}{name}", "event": TYPE, "timestamp": sent_at}).encode()


def told_apart(messages: Sequence[Message]) -> tuple[list[Message], float | None]:
    """The messages without canaries, and when the latest of these was sent. Whoever sent them, they are dropped."""
    marked = {index: sent for index, each in enumerate(messages) if MARK in each.body and (sent := _sent_at(each.body))}
    others = [each for index, each in enumerate(messages) if index not in marked] if marked else list(messages)
    return others, max(marked.values(), default=None)


def _sent_at(body: bytes) -> float | None:
    """None where it only speaks of canaries."""
    try:
        event = json.loads(body)
    except ValueError:
        return None
    if not isinstance(event, dict) or event.get("event") != TYPE or not str(event.get("sender_id")).startswith(SENDER):
        return None
    sent = event.get("timestamp")
    return float(sent) if isinstance(sent, int | float) else None
