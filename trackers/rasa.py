"""Our tracker stores inside a Rasa server's own process: `type: trackers.rasa.SQLTrackerStore` in its endpoints.yml.

All it takes is this repository's folder on the PYTHONPATH: Python 3.8, and what Rasa itself has installed. The stores
take and give Rasa's own DialogueStateTracker. See docs/tracker-stores.md, "Inside Rasa".
"""

from __future__ import annotations

import inspect
import logging
from functools import lru_cache
from importlib import import_module
from typing import Any, Iterator

from rasa.core.tracker_store import TrackerStore as RasaTrackerStore
from rasa.shared.core.events import ActionExecuted
from rasa.shared.core.events import Event as RasaEvent
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity

from trackers.stores import TrackerStoreMisconfigured, missing_driver
from trackers.stores.base import Event

logger = logging.getLogger(__name__)

MODULES = {
    "InMemoryTrackerStore": "memory",
    "SQLTrackerStore": "sql",
    "RedisTrackerStore": "redis",
    "MongoTrackerStore": "mongo",
    "DynamoTrackerStore": "dynamo",
}


def __getattr__(name: str) -> Any:
    """`trackers.rasa.SQLTrackerStore` and the others, each made when asked for: a store needs no other one's driver."""
    if name not in MODULES:
        raise AttributeError(
            f"trackers.rasa has no {name}; set `type` to trackers.rasa. and one of {', '.join(MODULES)}"
        )
    return _store_class(name)


@lru_cache(maxsize=None)
def _store_class(name: str) -> type[Any]:
    try:
        ours = getattr(import_module(f"trackers.stores.{MODULES[name]}"), name)
    except ImportError as error:
        # An ImportError would make Rasa go on in memory, and lose every conversation at its next start.
        raise TrackerStoreMisconfigured(missing_driver(error, name)) from error
    faces = (_InRasa,) if inspect.iscoroutinefunction(RasaTrackerStore.save) else (_Synchronous, _InRasa)
    return type(name, (*faces, ours, RasaTrackerStore), {"__doc__": ours.__doc__, "__module__": __name__})


class _InRasa:
    """What differs where trackers and events are Rasa's objects."""

    domain: Any
    event_broker: Any
    max_event_history: int | None

    def __init__(self, domain: Any = None, host: str | None = None, event_broker: Any = None, **parameters: Any):
        if host is not None:
            parameters["host"] = host
        try:
            inspect.signature(super().__init__).bind(domain=domain, event_broker=event_broker, **parameters)
        except TypeError as error:
            raise TrackerStoreMisconfigured(f"the tracker store {type(self).__name__} {error}; correct it") from error
        super().__init__(domain=domain, event_broker=event_broker, **parameters)  # type: ignore[call-arg]

    def tracker_of(self, sender_id: str, events: list[Event]) -> DialogueStateTracker:
        tracker = DialogueStateTracker(sender_id, self.domain.slots, self.max_event_history)
        for event in filter(None, map(_event, events)):
            # What `update` does besides is for new events: it gives them the model's id.
            tracker.events.append(event)
            event.apply_to(tracker)
        return tracker

    def dict_of(self, event: RasaEvent) -> Event:
        return event.as_dict()  # type: ignore[no-any-return]

    def state_of(self, tracker: DialogueStateTracker) -> dict[str, Any]:
        state = tracker.current_state(EventVerbosity.NONE)
        state.pop("events")
        return state  # type: ignore[no-any-return]

    def action_listen(self) -> RasaEvent:
        return ActionExecuted("action_listen")

    def publish(self, sender_id: str, events: list[Event]) -> None:
        if self.event_broker is not None:
            for event in events:
                self.event_broker.publish({"sender_id": sender_id, **event})


class _Synchronous:
    """The face that Rasa 2 asks for."""

    sync: Any

    def save(self, tracker: Any) -> None:
        self.sync.save(tracker)

    def retrieve(self, sender_id: str) -> Any:
        return self.sync.retrieve(sender_id)

    def retrieve_full_tracker(self, sender_id: str) -> Any:
        return self.sync.retrieve_full_tracker(sender_id)

    def exists(self, sender_id: str) -> bool:
        return self.sync.exists(sender_id)  # type: ignore[no-any-return]

    def keys(self) -> Iterator[str]:
        return self.sync.keys()  # type: ignore[no-any-return]

    def get_or_create_tracker(self, *args: Any, **kwargs: Any) -> Any:
        return self.sync.get_or_create_tracker(*args, **kwargs)

    def get_or_create_full_tracker(self, *args: Any, **kwargs: Any) -> Any:
        return self.sync.get_or_create_full_tracker(*args, **kwargs)

    def create_tracker(self, *args: Any, **kwargs: Any) -> Any:
        return self.sync.create_tracker(*args, **kwargs)

    def stream_events(self, tracker: Any) -> None:
        self.sync.stream_events(tracker)


def _event(parameters: Event) -> RasaEvent | None:
    # Rasa looks through all event classes for each event, which takes twenty times as long as making the event.
    event_class = _event_class(parameters["event"])
    if event_class is None:
        logger.warning("Rasa has no event %r; it is kept in the store and left out here.", parameters["event"])
        return None
    return event_class._from_parameters(parameters)


@lru_cache(maxsize=None)
def _event_class(name: str) -> type[RasaEvent] | None:
    try:
        return RasaEvent.resolve_by_type(name)  # type: ignore[no-any-return]
    except ValueError:
        return None
