"""The conversations of rasax itself behind the tracker store's interface: `type: rasax`, in rasax's own processes.

Events are inserted by `Conversation.objects.record()` alone, which keeps each once, so an append never conflicts.
Their order is that of their times, and a conversation without events is not kept.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from itertools import groupby
from typing import Any, Iterable, Iterator, Sequence

from django.db import Error, close_old_connections, connection

from events import models
from events.brokers.base import Message
from events.models import Conversation, key_of
from trackers.stores import encoding
from trackers.stores.appending import AppendingTrackerStore
from trackers.stores.base import PAGE_SIZE, ConversationUnreadable, Event, Page, Stored, TrackerStoreUnavailable
from trackers.wire import as_kept, as_published

CONVERSATIONS_AT_ONCE = 20


class DjangoTrackerStore(AppendingTrackerStore):
    """The version is the number of events. `environment` is that of events which are appended."""

    def __init__(self, domain: Any = None, event_broker: Any = None, environment: str | None = None) -> None:
        super().__init__(domain, event_broker)
        self._environment = environment

    def read(self, sender_ids: Sequence[str]) -> Iterator[Stored]:
        for start in range(0, len(sender_ids), CONVERSATIONS_AT_ONCE):
            names = self._names(sender_ids[start : start + CONVERSATIONS_AT_ONCE])
            for pk, rows in groupby(self._rows(list(names)), key=lambda row: row[0]):
                yield Kept(names[pk], [data for _, data in rows])

    def _names(self, sender_ids: Sequence[str]) -> dict[int, str]:
        keys = [key_of(sender_id) for sender_id in sender_ids]
        with _talking():
            return dict(Conversation.objects.filter(key__in=keys).values_list("pk", "sender_id"))

    def _rows(self, pks: list[int]) -> list[tuple[int, str]]:
        rows = models.Event.objects.filter(conversation__in=pks).order_by("conversation_id", "timestamp", "id")
        with _talking():
            return list(rows.values_list("conversation_id", "data"))

    def holds(self, sender_id: str) -> bool:
        with _talking():
            return Conversation.objects.filter(key=key_of(sender_id)).exists()

    def append(self, tracker: Any, events: list[Event], version: int | None) -> int:
        texts = as_published(tracker.sender_id, map(encoding.encode, events))
        messages = [Message(text.encode(), self._environment) for text in texts]
        with _talking():
            return (version or 0) + Conversation.objects.record(messages, source="tracker store").stored

    def remove(self, sender_id: str) -> bool:
        with _talking():
            return Conversation.objects.filter(key=key_of(sender_id)).forget() > 0

    def pages(self, after: str | None = None, size: int = PAGE_SIZE) -> Iterator[Page]:
        rows = Conversation.objects.order_by("pk").values_list("pk", "sender_id")
        position = int(after or 0)
        while True:
            with _talking():
                found = list(rows.filter(pk__gt=position)[:size])
            if not found:
                return
            position = found[-1][0]
            yield Page([sender_id for _, sender_id in found], str(position))

    async def keys(self) -> Iterable[str]:
        """All at once: Django refuses a query in the event loop's thread."""
        return await asyncio.get_running_loop().run_in_executor(None, lambda: list(self.sync.keys()))

    def close(self) -> None:
        """Of this thread: each has a connection of its own."""
        if not connection.in_atomic_block:
            connection.close()


class Kept(Stored):
    """Events as they were sent."""

    def __init__(self, sender_id: str, sent: list[str]) -> None:
        super().__init__(sender_id, len(sent))
        self._sent = sent

    @property
    def texts(self) -> Sequence[str]:
        if self._texts is None:
            try:
                self._texts = [as_kept(self.sender_id, data) for data in self._sent]
            except ValueError as error:
                raise ConversationUnreadable(f"the conversation {self.sender_id!r} in rasax: {error}") from error
        return self._texts

    def _decoded(self) -> list[Event]:
        return encoding.decode_all(self.texts)


@contextmanager
def _talking() -> Iterator[None]:
    """As a request does: the executor's threads live on, and a connection may have died or grown old since."""
    _close_old_connections()
    try:
        yield
    except Error as error:
        raise TrackerStoreUnavailable(f"rasax's database: {' '.join(str(error).split())}") from error
    finally:
        _close_old_connections()


def _close_old_connections() -> None:
    if not connection.in_atomic_block:  # in the caller's transaction Django would close it, too
        close_old_connections()
