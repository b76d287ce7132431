"""What the brokers share that are read by looking again: the SQL table and the file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from time import monotonic, sleep
from typing import ClassVar

from events.brokers.base import EventBroker, Message, Position, PositionInMemory

LONGEST_WAIT = 1.0  # seconds


class PolledEventBroker(EventBroker):
    """A receipt is (generation, place); the text of the place of what was last acknowledged is the position."""

    poll_seconds: ClassVar[float]

    def __init__(self, position: Position | None) -> None:
        self._position = position or PositionInMemory()
        self._generation = 0

    @abstractmethod
    def _look(self, limit: int, max_bytes: int) -> list[Message]:
        """What is there now. Raises BrokerUnavailable."""

    def receive(self, *, limit: int = 1000, max_bytes: int = 8_000_000, wait: float = 0.05) -> list[Message]:
        deadline = monotonic() + LONGEST_WAIT
        while True:
            messages = self._look(limit, max_bytes)
            if messages or monotonic() >= deadline:
                return messages
            sleep(self.poll_seconds)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        generation, place = messages[-1].receipt
        if generation == self._generation:
            self._position.save(place.text())
