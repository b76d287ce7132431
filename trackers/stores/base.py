"""The tracker store's interface, as Rasa's documentation describes it under "Tracker Stores".

Pure Python that also runs in a Rasa server's own process: Python 3.8 and nothing installed but a store's driver.
An event is a dict, just as Rasa's `event.as_dict()` gives it.
"""

from __future__ import annotations

import asyncio
from typing import Any, Dict, Iterable, Iterator, Mapping, NamedTuple, Sequence

from trackers.stores import encoding
from trackers.tracker import DialogueStateTracker, slots_of

Event = Dict[str, Any]
PAGE_SIZE = 500


class TrackerStoreUnavailable(ConnectionError):
    """The store cannot be reached, or went away. The text says which one and why."""


class TrackerStoreMisconfigured(ValueError):
    """The parameters cannot work whatever the server's state. The text says what to set."""


class ConversationUnreadable(ValueError):
    """One conversation is kept in a form that cannot be read; the others can. The text names it."""


class ConversationRefused(ValueError):
    """The store cannot keep this conversation. The text names it and says why."""


class ConversationTooLarge(ConversationRefused):
    """The store refuses a conversation of this size."""


class Page(NamedTuple):
    """Some sender_ids. `position` continues after them, also in another process."""

    sender_ids: list[str]
    position: str


class Stored:
    """A conversation as its store keeps it: `texts`, its events' JSON, and `events`, dicts, each made when asked for.

    `version` tells this state of the conversation from every other; only its store can read it.
    Reading `texts` or `events` raises ConversationUnreadable for what is no list of events.
    """

    def __init__(
        self,
        sender_id: str,
        version: Any,
        texts: Sequence[str] | None = None,
        events: list[Event] | None = None,
    ) -> None:
        self.sender_id = sender_id
        self.version = version
        self._texts = texts
        self._events = events

    @property
    def texts(self) -> Sequence[str]:
        if self._texts is None:
            self._texts = [encoding.encode(event) for event in self.events]
        return self._texts

    @property
    def events(self) -> list[Event]:
        if self._events is None:
            self._events = self._decoded()
        return self._events

    def _decoded(self) -> list[Event]:
        try:
            return encoding.decode_all(self._texts or ())
        except ValueError as error:
            raise ConversationUnreadable(f"the conversation {self.sender_id!r}: {error}") from error


def latest_session(events: list[Event]) -> list[Event]:
    """From the last `session_started` on, with the `action_session_start` that caused it."""
    for index in range(len(events) - 1, -1, -1):
        if events[index].get("event") == "session_started":
            before = events[index - 1] if index else {}
            caused = before.get("event") == "action" and before.get("name") == "action_session_start"
            return events[index - 1 if caused else index :]
    return events


class TrackerStore:
    """What Rasa 3 asks of a tracker store; all but `keys` are coroutines. Rasa 2 asks the same without `async`.

    A store of your own subclasses this (`save`, `retrieve`, `keys`) or, to save by appending,
    `AppendingTrackerStore`. Its constructor takes `domain`, `host` (the `url` of endpoints.yml), `event_broker` and
    the section's other parameters.

    `domain` is a parsed domain.yml, or None: then a tracker's slots are those that its events set.
    """

    def __init__(self, domain: Mapping[str, Any] | None = None, event_broker: Any = None) -> None:
        self.domain: Any = domain
        self.event_broker = event_broker
        self.max_event_history: int | None = None

    @staticmethod
    def create(endpoint: Any = None, domain: Any = None, event_broker: Any = None) -> TrackerStore:
        """The store of a `tracker_store` section; see `trackers.stores.create`."""
        from trackers import stores

        return stores.create(endpoint, domain, event_broker)

    async def save(self, tracker: Any) -> None:
        raise NotImplementedError

    async def retrieve(self, sender_id: str) -> Any:
        """The tracker of the latest session, None when there is no such conversation."""
        raise NotImplementedError

    async def keys(self) -> Iterable[str]:
        """All sender_ids."""
        raise NotImplementedError

    async def retrieve_full_tracker(self, sender_id: str) -> Any:
        """The tracker of all sessions, None when there is no such conversation."""
        return await self.retrieve(sender_id)

    async def exists(self, sender_id: str) -> bool:
        return await self.retrieve(sender_id) is not None

    async def delete(self, sender_id: str) -> bool:
        """Whether there was such a conversation; afterwards there is none."""
        raise NotImplementedError

    async def get_or_create_tracker(
        self, sender_id: str, max_event_history: int | None = None, append_action_listen: bool = True
    ) -> Any:
        self.max_event_history = max_event_history
        tracker = await self.retrieve(sender_id)
        return tracker if tracker is not None else await self.create_tracker(sender_id, append_action_listen)

    async def get_or_create_full_tracker(self, sender_id: str, append_action_listen: bool = True) -> Any:
        tracker = await self.retrieve_full_tracker(sender_id)
        return tracker if tracker is not None else await self.create_tracker(sender_id, append_action_listen)

    async def create_tracker(self, sender_id: str, append_action_listen: bool = True) -> Any:
        tracker = self.new_tracker(sender_id, append_action_listen)
        await self.save(tracker)
        return tracker

    def init_tracker(self, sender_id: str) -> Any:
        return self.tracker_of(sender_id, [])

    def new_tracker(self, sender_id: str, append_action_listen: bool = True) -> Any:
        tracker = self.init_tracker(sender_id)
        if append_action_listen:
            tracker.update(self.action_listen())
        return tracker

    async def stream_events(self, tracker: Any) -> None:
        """Publishes what the tracker has and the store has not to the event broker, if there is one."""
        if self.event_broker is not None:
            old = await self.retrieve(tracker.sender_id)
            known = len(old.events) if old is not None else 0
            self.publish(tracker.sender_id, [self.dict_of(event) for event in list(tracker.events)[known:]])

    def publish(self, sender_id: str, events: Iterable[Event]) -> None:
        """To the event broker, in the form in which Rasa publishes: sender_id first."""
        if self.event_broker is not None:
            for event in events:
                self.event_broker.publish(encoding.encode({"sender_id": sender_id, **event}).encode())

    # What a Rasa server's own process does with its own classes instead (trackers/rasa.py):

    def tracker_of(self, sender_id: str, events: list[Event]) -> Any:
        return DialogueStateTracker.from_events(sender_id, events, slots_of(self.domain), self.max_event_history)

    def dict_of(self, event: Any) -> Event:
        return event  # type: ignore[no-any-return]

    def state_of(self, tracker: Any) -> dict[str, Any]:
        """The tracker's current state, without events."""
        state: dict[str, Any] = tracker.current_state()
        return {name: value for name, value in state.items() if name != "events"}

    def action_listen(self) -> Any:
        return encoding.action_listen()

    # How a whole store is read, without an event loop; every iterator is lazy.

    def pages(self, after: str | None = None, size: int = PAGE_SIZE) -> Iterator[Page]:
        """All sender_ids, in pages. `after` is the position of an earlier page."""
        sender_ids = sorted(key for key in asyncio.run(self._keys()) if after is None or key > after)
        for start in range(0, len(sender_ids), size):
            some = sender_ids[start : start + size]
            yield Page(some, some[-1])

    def read(self, sender_ids: Sequence[str]) -> Iterator[Stored]:
        """Those of these conversations that there are, with all their sessions, in any order."""
        for sender_id in sender_ids:
            tracker = asyncio.run(self._full(sender_id))
            if tracker is not None:
                yield Stored(sender_id, None, events=[self.dict_of(event) for event in tracker.events])

    async def _keys(self) -> Iterable[str]:
        return await self.keys()

    async def _full(self, sender_id: str) -> Any:
        return await self.retrieve_full_tracker(sender_id)

    def close(self) -> None:
        """Lets go of connections. The next use connects again."""
