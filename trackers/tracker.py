"""The state of a conversation, from its events, as Rasa Open Source 3.6.21 (`rasa.shared.core`) has it.

An event is the dict that Rasa's `as_dict()` gives. None is ever changed; one of an unknown type is kept and changes
nothing. Standard library only, Python 3.8 and later, because Rasa servers import it, too.
"""

from __future__ import annotations

import time
from collections import deque
from enum import Enum
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any

from trackers.applied import SESSION_START, AppliedEvents
from trackers.state import State, list_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Event = dict[str, Any]
    Slots = dict[str, Any]
    InitialSlots = Mapping[str, Any] | None

KNOWLEDGE_BASE_SLOTS = "knowledge_base_listed_objects", "knowledge_base_last_object", "knowledge_base_last_object_type"


class EventVerbosity(Enum):
    """Which events a dump includes: none, those that count, those since the restart, all."""

    NONE = 1
    APPLIED = 2
    AFTER_RESTART = 3
    ALL = 4


class DomainSlots(dict):  # type: ignore[type-arg]  # Python 3.8 knows no dict[str, Any]
    """Name -> initial value. `lists` names the slots of type list: one value set there becomes a list of one."""

    lists: frozenset[str] = frozenset()


def slots_of(domain: Mapping[str, Any] | None) -> Slots | None:
    """The slots of a parsed domain.yml with their initial values, and those that Rasa adds by itself."""
    if domain is None:
        return None
    given = {name: entry or {} for name, entry in (domain.get("slots") or {}).items()}
    slots = DomainSlots({name: entry.get("initial_value") for name, entry in given.items()})
    slots.lists = frozenset(name for name, entry in given.items() if entry.get("type") == "list")
    slots.update({name: list_of(slots[name]) for name in slots.lists})
    if domain.get("forms"):
        slots.setdefault("requested_slot", None)
    actions = domain.get("actions") or ()  # names, and mappings from a name to its settings
    if any("action_query_knowledge_base" in (action if isinstance(action, dict) else (action,)) for action in actions):
        slots.update({name: None for name in KNOWLEDGE_BASE_SLOTS if name not in slots})
    slots["session_started_metadata"] = None
    return slots


def _seconds(event: Event) -> float:
    timestamp = event.get("timestamp")
    return timestamp if isinstance(timestamp, (int, float)) else float("-inf")


def _of_state(name: str) -> Any:
    return property(lambda tracker: getattr(tracker._state, name))


class DialogueStateTracker:
    """A conversation: its events and the state that they lead to.

    `slots` maps the domain's slots to their initial values; without a domain every slot that an event sets exists.
    """

    def __init__(self, sender_id: str, slots: InitialSlots = None, max_event_history: int | None = None) -> None:
        self.sender_id = sender_id
        self.events: deque[Event] = deque(maxlen=max_event_history)
        self._initial_slots = slots
        self._applied = AppliedEvents()
        self._folded_state = State(slots)
        self._lost_events = False

    @classmethod
    def from_events(
        cls, sender_id: str, events: Iterable[Event], slots: InitialSlots = None, max_event_history: int | None = None
    ) -> DialogueStateTracker:
        tracker = cls(sender_id, slots, max_event_history)
        tracker.update_with_events(events, override_timestamp=False)
        return tracker

    def update(self, event: Event) -> None:
        if len(self.events) == self.events.maxlen:
            self._update_full(event)
            return
        loops = len(self._applied.loops)
        self.events.append(event)
        self._applied.add(event)
        if len(self._applied.loops) > loops:  # what ran as an action before was a loop then, too
            name = self._applied.loops[-1]
            if sum(event.get("name") == name and event.get("event") == "action" for event in self.events) > 1:
                self._replay()

    def update_with_events(self, events: Iterable[Event], override_timestamp: bool = True) -> None:
        """Adds events, as having happened now unless `override_timestamp` is false."""
        for event in events:
            self.update({**event, "timestamp": time.time()} if override_timestamp else event)

    @property
    def _state(self) -> State:
        self._folded_state.catch_up(self._applied)
        return self._folded_state

    def _update_full(self, event: Event) -> None:
        """Adds an event for which the oldest one has to go. The state keeps what that did until the next replay."""
        state, self._lost_events = self._state, True
        self.events.append(event)
        self._applied.add(event)
        if event.get("event") in ("undo", "rewind"):
            self._replay()
            state.cuts = -1
        elif len(self._applied.log) > 2 * len(self.events):
            self._replay()

    def _replay(self) -> None:
        """Finds anew which events are applied. The state stays as it is."""
        state, slot_names = self._state, self._applied.slot_names
        self._applied = AppliedEvents.of(self.events)
        self._applied.slot_names = {**slot_names, **self._applied.slot_names}
        state.cuts, state.folded = self._applied.cuts, len(self._applied.log)

    slots: Slots = _of_state("slots")
    latest_message: dict[str, Any] | None = _of_state("latest_message")  # never None before a message, as in Rasa
    latest_user_uttered: Event = _of_state("latest_user_uttered")
    latest_bot_utterance: Event | None = _of_state("latest_bot_utterance")
    latest_action: dict[str, Any] = _of_state("latest_action")
    latest_action_name: str | None = _of_state("latest_action_name")  # or an end-to-end action's text
    active_loop: dict[str, Any] = _of_state("active_loop")
    active_loop_name: str | None = _of_state("active_loop_name")
    followup_action: str | None = _of_state("followup_action")

    @property
    def latest_event_time(self) -> float | None:
        return self.events[-1].get("timestamp") if self.events else None

    def get_latest_input_channel(self) -> str | None:
        user = next((event for event in reversed(self.events) if event.get("event") == "user"), {})
        return user.get("input_channel")

    def is_paused(self) -> bool:
        return self._state.paused

    def get_slot(self, name: str) -> Any:
        return self._state.slots.get(name)

    def current_slot_values(self) -> Slots:
        return dict(self._state.slots)

    def get_latest_entity_values(self, entity: str, role: str | None = None, group: str | None = None) -> Iterator[Any]:
        wanted = {"entity": entity, "role": role, "group": group}
        for found in self._state.latest_message["entities"]:
            if isinstance(found, dict) and all(found.get(key) == value for key, value in wanted.items()):
                yield found.get("value")

    def current_state(self, verbosity: EventVerbosity = EventVerbosity.NONE) -> dict[str, Any]:
        """The state as Rasa's HTTP API gives it."""
        state = self._state
        return {
            "sender_id": self.sender_id,
            "slots": dict(state.slots),
            "latest_message": state.latest_message,
            "latest_event_time": self.latest_event_time,
            "followup_action": state.followup_action,
            "paused": state.paused,
            "events": None if verbosity is EventVerbosity.NONE else self.events_for(verbosity),
            "latest_input_channel": self.get_latest_input_channel(),
            "active_loop": dict(state.active_loop),
            "latest_action": state.latest_action,
            "latest_action_name": state.latest_action_name,
        }

    def events_for(self, verbosity: EventVerbosity) -> list[Event]:
        if verbosity is EventVerbosity.APPLIED:
            return self.applied_events()
        if verbosity is EventVerbosity.AFTER_RESTART:
            return self.events_after_latest_restart()
        return list(self.events) if verbosity is EventVerbosity.ALL else []

    def applied_events(self) -> list[Event]:
        """The events that count: without restarts and what was before, what was reverted, and repeated loops."""
        return (AppliedEvents.of(self.events) if self._lost_events else self._applied).events()

    def events_after_latest_restart(self) -> list[Event]:
        after = takewhile(lambda event: event.get("event") != "restart", reversed(self.events))
        return list(after)[::-1]

    def get_last_event_for(
        self,
        event_type: str | tuple[str, ...],
        action_names_to_exclude: Iterable[str] = (),
        skip: int = 0,
        event_verbosity: EventVerbosity = EventVerbosity.APPLIED,
    ) -> Event | None:
        """The last event of a type, by its name in Rasa, or of several types; before it, `skip` of them."""
        types = (event_type,) if isinstance(event_type, str) else event_type
        excluded = list(action_names_to_exclude)
        found = (
            event
            for event in reversed(self.events_for(event_verbosity))
            if event.get("event") in types and not (event["event"] == "action" and event.get("name") in excluded)
        )
        return next(islice(found, skip, None), None)

    def travel_back_in_time(self, target_time: float) -> DialogueStateTracker:
        """The tracker as it was at a time in seconds; events of that very time are included."""
        # an event without a time happened when those around it did
        past = takewhile(lambda event: not _seconds(event) > target_time, self.events)
        return self.from_events(self.sender_id, past, self._initial_slots, self.events.maxlen)

    def copy(self) -> DialogueStateTracker:
        return self.travel_back_in_time(float("inf"))

    def sessions(self) -> list[DialogueStateTracker]:
        """One tracker for each session; each begins with its action_session_start."""
        parts: list[list[Event]] = []
        for event in self.events:
            if not parts or (event.get("event") == "action" and event.get("name") == SESSION_START):
                parts.append([])
            parts[-1].append(event)
        return [self.from_events(self.sender_id, part, self._initial_slots, self.events.maxlen) for part in parts]

    def as_story(self, verbosity: EventVerbosity = EventVerbosity.ALL, test: bool = False) -> str:
        """A story as Rasa 3 YAML. With `EventVerbosity.APPLIED` it leaves out what was reverted, which Rasa's keeps."""
        from .stories import story

        return story(self.sender_id, self.events_for(verbosity), test)

    def as_test_story(self, verbosity: EventVerbosity = EventVerbosity.ALL) -> str:
        """As `as_story`, with what users wrote, for `rasa test`."""
        return self.as_story(verbosity, test=True)
