"""Tracker store → rasax: what is kept there becomes the messages that a live Rasa would have sent.

They go through `Conversation.objects.record()` like those, so live events and an import of the same history meet
without duplicates, whichever comes first. The exception is a store that does not give back what it was given, such as
DynamoDB, which rounds numbers to nine places: events that came live are recognised by the store's `identity`, and left
out. In the other order they cannot be: Rasa's message has digits that the import never had. So start the event
service first, then import.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from events.brokers.base import Message
from events.endpoints import EndpointConfig
from events.models import Conversation
from events.querysets import parse_all
from events.vocabulary import Envelope
from trackers import stores
from trackers.moving.sameness import coarse_identities, missing
from trackers.moving.selection import Selection
from trackers.moving.tally import Tally
from trackers.stores.base import ConversationUnreadable, Stored, TrackerStore
from trackers.stores.django import DjangoTrackerStore
from trackers.wire import as_published

EVENTS_AT_ONCE = 4_000  # events a transaction; more gain little, and hold locks and memory for longer
BYTES_AT_ONCE = 8_000_000


class Importer:
    """What one process does with the pages that it is given."""

    def __init__(self, store: TrackerStore, selection: Selection, environment: str | None = None) -> None:
        self._store = store
        self._selection = selection
        self._environment = environment
        self._coarse = coarse_identities(store)
        self._kept = DjangoTrackerStore()

    @classmethod
    def hire(cls, section: EndpointConfig, selection: Selection, environment: str | None) -> Importer:
        return cls(stores.create(section), selection, environment)

    def take(self, sender_ids: list[str]) -> Tally:
        tally, waiting = Tally(), Waiting()
        found: set[str] = set()
        for stored in self._store.read(sender_ids):
            found.add(stored.sender_id)
            self._add(stored, waiting, tally)
            waiting.record(tally, EVENTS_AT_ONCE)
        waiting.record(tally, 1)
        for sender_id in self._selection.missing(sender_ids, found):
            tally.skip(sender_id, "the tracker store has no such conversation")
        return tally

    def _add(self, stored: Stored, waiting: Waiting, tally: Tally) -> None:
        """All of a conversation or nothing: a part would look like all there is."""
        tally.conversations += 1
        try:
            bodies = [text.encode() for text in as_published(stored.sender_id, self._texts(stored, tally))]
            read, rejected = parse_all([Message(body, self._environment) for body in bodies])
            if rejected:
                stored.events  # noqa: B018 - raises ConversationUnreadable unless they are events, which cannot be kept
        except ValueError as error:
            tally.skip(stored.sender_id, _unreadable(stored) or error)
        else:
            waiting.add(read, rejected)

    def _texts(self, stored: Stored, tally: Tally) -> Sequence[str]:
        """Those to import. Without decoding them here, if it can be: parsing finds out as well what is broken."""
        if self._selection.takes_all and not self._coarse:
            return stored.texts
        numbers = self._selection.numbers(stored)
        if self._coarse and (known := next(self._kept.read([stored.sender_id]), None)):
            new = missing([stored.events[number] for number in numbers], known.events, self._coarse)
            tally.repeated += len(numbers) - len(new)
            numbers = [numbers[place] for place in new]
        return [stored.texts[number] for number in numbers]

    def close(self) -> None:
        self._store.close()


def _unreadable(stored: Stored) -> ConversationUnreadable | None:
    """Which event is broken: the store knows."""
    try:
        stored.events  # noqa: B018 - raises
    except ConversationUnreadable as error:
        return error
    return None


class Waiting:
    """Events that go into one of the next transactions."""

    def __init__(self) -> None:
        self._read: deque[tuple[Message, Envelope]] = deque()
        self._rejected: list[tuple[Message, str]] = []
        self._bytes = 0

    def add(self, read: Sequence[tuple[Message, Envelope]], rejected: Sequence[tuple[Message, str]]) -> None:
        self._read.extend(read)
        self._rejected.extend(rejected)
        self._bytes += sum(len(message.body) for message, _ in read)

    def record(self, tally: Tally, least: int) -> None:
        """If there are that many, or many bytes."""
        while len(self._read) + len(self._rejected) >= least or self._bytes > BYTES_AT_ONCE:
            outcome = Conversation.objects.record_read(self._batch(), self._rejected, source="import")
            self._rejected = []
            tally.stored += outcome.stored
            tally.repeated += outcome.repeated
            tally.rejected += outcome.rejected

    def _batch(self) -> list[tuple[Message, Envelope]]:
        """At most so many events, and so many bytes unless the first alone has more."""
        taken: list[tuple[Message, Envelope]] = []
        size = 0
        while self._read and len(taken) < EVENTS_AT_ONCE:
            length = len(self._read[0][0].body)
            if taken and size + length > BYTES_AT_ONCE:
                break
            size += length
            taken.append(self._read.popleft())
        self._bytes -= size
        return taken
