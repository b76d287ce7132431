"""Conversations for as long as the process lives; Rasa's documentation, "InMemoryTrackerStore (default)"."""

from __future__ import annotations

from threading import Lock
from typing import Any, Iterator, Sequence

from trackers.stores import encoding
from trackers.stores.appending import AppendingTrackerStore
from trackers.stores.base import PAGE_SIZE, Event, Page, Stored


class InMemoryTrackerStore(AppendingTrackerStore):
    """The version is the number of events."""

    def __init__(self, domain: Any = None, host: str | None = None, event_broker: Any = None) -> None:
        super().__init__(domain, event_broker)
        self._texts: dict[str, list[str]] = {}
        self._lock = Lock()

    def read(self, sender_ids: Sequence[str]) -> Iterator[Stored]:
        for sender_id in sender_ids:
            texts = self._texts.get(sender_id)
            if texts is not None:
                yield Stored(sender_id, len(texts), tuple(texts))

    def append(self, tracker: Any, events: list[Event], version: int | None) -> int | None:
        new = [encoding.encode(event) for event in events]
        with self._lock:
            texts = self._texts.get(tracker.sender_id)
            if version != (None if texts is None else len(texts)):
                return None
            self._texts[tracker.sender_id] = texts = texts or []
            texts.extend(new)
            return len(texts)

    def remove(self, sender_id: str) -> bool:
        with self._lock:
            return self._texts.pop(sender_id, None) is not None

    def pages(self, after: str | None = None, size: int = PAGE_SIZE) -> Iterator[Page]:
        sender_ids = sorted(key for key in list(self._texts) if after is None or key > after)
        for start in range(0, len(sender_ids), size):
            some = sender_ids[start : start + size]
            yield Page(some, some[-1])
