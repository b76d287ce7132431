"""A tracker store that saves by appending what is new, and reads nothing that it need not.

Rasa's own stores read and rebuild the conversation at every save. Here a tracker carries a mark: which store gave it,
in which version, and its last event then. So `save` knows what is new without asking, and the store appends it on the
condition that the version is still that one. If somebody else wrote meanwhile, the conversation is read, and what it
already has is not appended again: two writers lose nothing, and saving twice writes once.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from itertools import count
from typing import Any, Callable, Iterable, Iterator, NamedTuple, Sequence

from trackers.stores import encoding
from trackers.stores.base import (
    PAGE_SIZE,
    Event,
    Page,
    Stored,
    TrackerStore,
    TrackerStoreUnavailable,
    latest_session,
)

ATTEMPTS = 100  # each lost to somebody who got on
_numbers = count()


class Mark(NamedTuple):
    """What one store has of a tracker: all events up to `last`. `version` is None if it may have others besides."""

    store: int
    version: Any
    last: Any


class Unsaved(NamedTuple):
    """Events that the store has not, and the version in which it has the others; all of them, if `whole`."""

    events: list[Event]
    version: Any
    whole: bool


class AppendingTrackerStore(TrackerStore, ABC):
    """The primitives of one store; the rest is derived. `sync` has the same methods without `async`."""

    def __init__(self, domain: Any = None, event_broker: Any = None) -> None:
        super().__init__(domain, event_broker)
        self._number = next(_numbers)
        self.sync = SyncTrackerStore(self)

    @abstractmethod
    def read(self, sender_ids: Sequence[str]) -> Iterator[Stored]: ...

    @abstractmethod
    def append(self, tracker: Any, events: list[Event], version: Any) -> Any:
        """Adds `events` to the tracker's conversation if it is still in `version` (None: there is none yet).

        All or nothing, in one step that no other writer can come between. Returns the new version, or None when
        the conversation is in another one; nothing was written then.
        """

    @abstractmethod
    def remove(self, sender_id: str) -> bool:
        """Whether there was such a conversation; afterwards there is none."""

    @abstractmethod
    def pages(self, after: str | None = None, size: int = PAGE_SIZE) -> Iterator[Page]: ...

    def read_latest(self, sender_id: str) -> Stored | None:
        """At least the latest session; a store that can spare reading the earlier ones does."""
        return next(self.read([sender_id]), None)

    def holds(self, sender_id: str) -> bool:
        return next(self.read([sender_id]), None) is not None

    def touch(self, sender_id: str) -> None:
        """Called by a save that has nothing new, for a store whose conversations expire."""

    def identity(self, event: Event) -> str:
        """Equal for an event and what the store gives back of it."""
        return encoding.identity(event)

    async def save(self, tracker: Any) -> None:
        unsaved = await _aside(self.sync.unsaved, tracker)
        # Here and not in the thread: Rasa's event brokers belong to the event loop.
        self.publish(tracker.sender_id, unsaved.events)
        await _aside(self.sync.write, tracker, unsaved)

    async def retrieve(self, sender_id: str) -> Any:
        return await _aside(self.sync.retrieve, sender_id)

    async def retrieve_full_tracker(self, sender_id: str) -> Any:
        return await _aside(self.sync.retrieve_full_tracker, sender_id)

    async def exists(self, sender_id: str) -> bool:
        return await _aside(self.holds, sender_id)  # type: ignore[no-any-return]

    async def delete(self, sender_id: str) -> bool:
        return await _aside(self.remove, sender_id)  # type: ignore[no-any-return]

    async def keys(self) -> Iterable[str]:
        """Lazy: a page is read when it is needed."""
        return self.sync.keys()

    async def stream_events(self, tracker: Any) -> None:
        unsaved = await _aside(self.sync.unsaved, tracker)
        self.publish(tracker.sender_id, unsaved.events)


class SyncTrackerStore:
    """A store's methods for those who have no event loop: Rasa 2, commands, Django."""

    def __init__(self, store: AppendingTrackerStore) -> None:
        self.store = store

    def save(self, tracker: Any) -> None:
        unsaved = self.unsaved(tracker)
        self.store.publish(tracker.sender_id, unsaved.events)
        self.write(tracker, unsaved)

    def retrieve(self, sender_id: str) -> Any:
        stored = self.store.read_latest(sender_id)
        return stored and self._tracker(stored, latest_session(stored.events))

    def retrieve_full_tracker(self, sender_id: str) -> Any:
        stored = next(self.store.read([sender_id]), None)
        return stored and self._tracker(stored, stored.events)

    def exists(self, sender_id: str) -> bool:
        return self.store.holds(sender_id)

    def delete(self, sender_id: str) -> bool:
        return self.store.remove(sender_id)

    def keys(self) -> Iterator[str]:
        for page in self.store.pages():
            yield from page.sender_ids

    def get_or_create_tracker(
        self, sender_id: str, max_event_history: int | None = None, append_action_listen: bool = True
    ) -> Any:
        self.store.max_event_history = max_event_history
        tracker = self.retrieve(sender_id)
        return tracker if tracker is not None else self.create_tracker(sender_id, append_action_listen)

    def get_or_create_full_tracker(self, sender_id: str, append_action_listen: bool = True) -> Any:
        tracker = self.retrieve_full_tracker(sender_id)
        return tracker if tracker is not None else self.create_tracker(sender_id, append_action_listen)

    def create_tracker(self, sender_id: str, append_action_listen: bool = True) -> Any:
        tracker = self.store.new_tracker(sender_id, append_action_listen)
        self.save(tracker)
        return tracker

    def stream_events(self, tracker: Any) -> None:
        self.store.publish(tracker.sender_id, self.unsaved(tracker).events)

    def unsaved(self, tracker: Any) -> Unsaved:
        mark: Mark | None = getattr(tracker, "_mark", None)
        new = _after(tracker.events, mark.last) if mark and mark.store == self.store._number else None
        events = [self.store.dict_of(event) for event in (tracker.events if new is None else new)]
        if mark is None or new is None or mark.version is None:
            return self._missing(tracker.sender_id, events)
        return Unsaved(events, mark.version, whole=True)

    def write(self, tracker: Any, unsaved: Unsaved) -> None:
        for _ in range(ATTEMPTS):
            if not unsaved.events and unsaved.version is not None:  # Rasa keeps a conversation without events, too
                self.store.touch(tracker.sender_id)
                self._mark(tracker, unsaved.version if unsaved.whole else None)
                return
            after = self.store.append(tracker, unsaved.events, unsaved.version)
            if after is not None:
                self._mark(tracker, after if unsaved.whole else None)
                return
            unsaved = self._missing(tracker.sender_id, unsaved.events)
        raise TrackerStoreUnavailable(
            f"the conversation {tracker.sender_id!r} was changed by others at each of {ATTEMPTS} attempts to save it;"
            " try again"
        )

    def _missing(self, sender_id: str, events: list[Event]) -> Unsaved:
        """Those of `events` that the conversation has not."""
        stored = next(self.store.read([sender_id]), None)
        if stored is None:
            return Unsaved(events, None, whole=True)
        ours = {self.store.identity(event): event for event in events}
        known = {self.store.identity(event) for event in stored.events}
        missing = [event for identity, event in ours.items() if identity not in known]
        return Unsaved(missing, stored.version, whole=known <= ours.keys())

    def _tracker(self, stored: Stored, events: list[Event]) -> Any:
        tracker = self.store.tracker_of(stored.sender_id, events)
        self._mark(tracker, stored.version)
        return tracker

    def _mark(self, tracker: Any, version: Any) -> None:
        if tracker.events:
            tracker._mark = Mark(self.store._number, version, tracker.events[-1])


def _after(events: Sequence[Any], last: Any) -> list[Any] | None:
    """The events after `last`, None if it is not among them. From the end: what is new is short."""
    new: list[Any] = []
    for event in reversed(events):
        if event is last:
            return new[::-1]
        new.append(event)
    return None


async def _aside(function: Callable[..., Any], *arguments: Any) -> Any:
    """In a thread, so that a slow store holds up no other conversation of the server."""
    return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)
