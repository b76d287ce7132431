"""Queues inside one process, by name: for tests, and for a demo without any server."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from threading import Condition
from time import monotonic

from events.brokers.base import EventBroker, Message, batch


class _Queue:
    def __init__(self) -> None:
        self.waiting: deque[Message] = deque()
        self.changed = Condition()


_queues: defaultdict[str, _Queue] = defaultdict(_Queue)


class InMemoryEventBroker(EventBroker):
    """Instances with the same `url` (a name) share one queue, across threads."""

    def __init__(self, url: str = "") -> None:
        self._queue = _queues[url]
        self._unacknowledged: deque[Message] = deque()
        self._count = 0

    def publish(self, body: bytes, environment: str | None = None) -> None:
        with self._queue.changed:
            self._queue.waiting.append(Message(body, environment))
            self._queue.changed.notify()

    def receive(self, *, limit: int = 1000, max_bytes: int = 8_000_000, wait: float = 0.05) -> list[Message]:
        with self._queue.changed:
            if self._queue.changed.wait_for(lambda: self._queue.waiting, timeout=1.0):
                self._wait_for_more(limit, wait)
            taken = [self._with_receipt(message) for message in batch(self._queue.waiting, limit, max_bytes)]
        self._unacknowledged.extend(taken)
        return taken

    def acknowledge(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        last = messages[-1].receipt
        while self._unacknowledged and self._unacknowledged[0].receipt <= last:
            self._unacknowledged.popleft()

    def depth(self) -> int:
        return len(self._queue.waiting)

    def close(self) -> None:
        with self._queue.changed:
            self._queue.waiting.extendleft(reversed(self._unacknowledged))
            self._queue.changed.notify()
        self._unacknowledged.clear()

    def _wait_for_more(self, limit: int, wait: float) -> None:
        deadline = monotonic() + wait
        while len(self._queue.waiting) < limit and (remaining := deadline - monotonic()) > 0:
            self._queue.changed.wait(remaining)

    def _with_receipt(self, message: Message) -> Message:
        self._count += 1
        return Message(message.body, message.environment, self._count)
