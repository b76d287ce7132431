"""The event service: receive → record → acknowledge, until told to stop.

Celery hosts it (events/worker.py), or `manage.py consume_events` runs it alone. ARCHITECTURE.md, "Keeping events", says
what holds whatever dies when.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import structlog
from django.db import Error, connection
from django.utils import timezone

from events.brokers.base import BrokerUnavailable, EventBroker, Message
from events.canary import Canary, told_apart
from events.models import Conversation, Heartbeat
from events.monitoring import metrics
from events.monitoring.probes import OK
from events.partitions.tables import Upkeep
from events.querysets import Outcome

GIVE_UP_AFTER = 60.0  # seconds without work done; a supervisor may then start the service elsewhere or afresh
BEAT_EVERY = 2.0
LONGEST_PAUSE = 2.0
STANDS_STILL_AFTER = 10.0  # seconds without a commit or an idle moment

log = structlog.get_logger(__name__)


class EventServiceFailed(RuntimeError):
    """Nothing could be received or stored for a minute; its text says why."""


class EventService:
    """One consumer of the event broker. Any number may share a queue: order does not depend on arrival.

    The calling thread alone speaks to the broker and a second one alone to the database, so that the next batch is
    received while one is stored; the database driver lets go of the interpreter while it waits.
    """

    def __init__(
        self,
        broker: EventBroker,
        *,
        name: str = "",
        stop: threading.Event | None = None,
        canary: Canary | None = None,
    ) -> None:
        self.broker, self.canary = broker, canary
        self.stop = stop or threading.Event()
        self.patience = Patience(self.stop)
        self.heart = Heart(name or f"{socket.gethostname()}:{os.getpid()}", type(broker).__name__)
        self.upkeep = Upkeep()

    def checks(self) -> dict[str, str]:
        """For `/health/ready`: whether it can receive and store just now, and did something or was idle lately."""
        failing = self.patience.failing_since
        return {
            "event broker": "does not answer" if "receive" in failing else OK,
            "event database": "does not answer" if "store" in failing else OK,
            "event loop": OK if self.heart.is_beating(STANDS_STILL_AFTER) else "stands still",
        }

    def told(self) -> dict[str, object]:
        """What else `/health/ready` tells, which decides nothing: any of several services may get a canary."""
        sent = self.heart.canary_sent
        return {"canary_age_seconds": round(time.time() - sent, 1)} if sent else {}

    def run(self) -> None:
        """Returns once `stop` is set. Raises EventServiceFailed, and BrokerMisconfigured as the broker does."""
        recorder = ThreadPoolExecutor(1, "record")
        metrics.RUNNING.labels(self.heart.broker).set(1)
        if self.canary:
            self.canary.start(self.stop)
        try:
            self._run(recorder)
        finally:
            recorder.submit(connection.close)
            recorder.shutdown()
            self.broker.close()
            metrics.RUNNING.labels(self.heart.broker).set(0)

    def _run(self, recorder: ThreadPoolExecutor) -> None:
        storing: tuple[list[Message], Future[bool]] | None = None
        while not self.stop.is_set():
            messages = self._receive()
            if storing:
                self._settle(*storing)
            # An empty batch is handed over as well: it is when the heart says that the service was idle.
            self._measure_depth()
            storing = (messages, recorder.submit(self._store, messages))
        if storing:
            self._settle(*storing)

    def _receive(self) -> list[Message]:
        try:
            messages = self.broker.receive()
        except BrokerUnavailable as error:
            self.patience.lose("receive", error)
            return []
        self.patience.regain("receive")
        return messages

    def _settle(self, messages: list[Message], stored: Future[bool]) -> None:
        """Waits for the commit, and only then acknowledges."""
        try:
            if stored.result() and messages:
                self.broker.acknowledge(messages)
        except BrokerUnavailable as error:
            # They come again, and are found to be there already.
            log.warning("a batch could not be acknowledged", messages=len(messages), error=error)

    def _measure_depth(self) -> None:
        """Only now and then: the broker answers on the connection that the events come over."""
        if not self.heart.is_due():
            return
        try:
            self.heart.measure(self.broker.depth())
        except BrokerUnavailable:
            self.heart.measure(None)

    def _store(self, messages: Sequence[Message]) -> bool:
        """Runs in the recorder's thread; tries until the batch is committed, patience ends or the service must stop."""
        messages, canary_sent = told_apart(messages)
        metrics.RECEIVED.inc(len(messages))
        while True:
            try:
                if messages:
                    with metrics.timed(metrics.BATCH):
                        outcome = Conversation.objects.record(messages, source=self.heart.broker)
                    self.heart.count(outcome)
                self.heart.beat(bool(messages), canary_sent)
                self.upkeep.look()
            except Error as error:
                connection.close()
                self.patience.lose("store", error)
                if self.stop.is_set():
                    return False
            else:
                self.patience.regain("store")
                return True


class Patience:
    """Pauses between attempts, a little longer each time, until one of the two halves failed for a minute on end."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self.failing_since: dict[str, float] = {}

    def regain(self, half: str) -> None:
        if since := self.failing_since.pop(half, None):
            log.info("the event service works again", half=half, after=round(time.monotonic() - since, 1))

    def lose(self, half: str, error: Exception) -> None:
        now = time.monotonic()
        metrics.SERVICE_FAILURES.labels(half).inc()
        metrics.notice_error("event service", error)
        since = self.failing_since.setdefault(half, now)
        log.warning("the event service cannot work", half=half, error=error, since=round(now - since, 1))
        if now - since > GIVE_UP_AFTER:
            raise EventServiceFailed(f"Could not {half} events for {GIVE_UP_AFTER:.0f} s: {error}") from error
        self.stop.wait(min(LONGEST_PAUSE, 0.1 + (now - since) / 2) * random.uniform(0.5, 1))


class Heart:
    """The heartbeat row of this service, written after work was done or there was none to do, never on a timer."""

    def __init__(self, name: str, broker: str) -> None:
        self.name, self.broker = name, broker
        self.depth: int | None = None
        self.totals = Outcome()
        self.started_at = timezone.now()
        self.last_commit_at: datetime | None = None
        self.last_beat = 0.0
        self.canary_sent: float | None = None

    def is_due(self) -> bool:
        return time.monotonic() - self.last_beat > BEAT_EVERY

    def is_beating(self, within: float) -> bool:
        return self.last_beat > 0 and time.monotonic() - self.last_beat < within

    def measure(self, depth: int | None) -> None:
        self.depth = depth
        if depth is not None:
            metrics.QUEUE_DEPTH.labels(self.broker).set(depth)

    def count(self, outcome: Outcome) -> None:
        self.totals += outcome
        self.last_commit_at = timezone.now()
        metrics.count(outcome.stored, outcome.repeated, outcome.rejected, outcome.forgotten, outcome.lag)

    def beat(self, delivered: bool, canary_sent: float | None = None) -> None:
        """When it is due, and at once for a canary: what is written then is where its way ends."""
        if not (self.is_due() or canary_sent):
            return
        columns: dict[str, Any] = {
            "broker": self.broker,
            "started_at": self.started_at,
            "beat_at": timezone.now(),
            "last_commit_at": self.last_commit_at,
            "queue_depth": self.depth,
            "lag_seconds": self.totals.lag,
            "n_stored": self.totals.stored,
            "n_repeated": self.totals.repeated,
            "n_rejected": self.totals.rejected,
        }
        if delivered:
            columns["last_delivery_at"] = columns["beat_at"]
        if canary_sent:
            columns["canary_at"] = datetime.fromtimestamp(canary_sent, UTC)
        Heartbeat.objects.beat(self.name, **columns)
        self.last_beat = time.monotonic()
        if canary_sent:
            self.canary_sent = canary_sent
            metrics.tell_canary(self.broker, canary_sent)
