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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Event = dict[str, Any]
    Slots = dict[str, Any]
    InitialSlots = Mapping[str, Any] | None

LISTEN, SESSION_START = "action_listen", "action_session_start"
REJECTED = "action_execution_rejected"
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
    slots.update({name: _list_of(slots[name]) for name in slots.lists})
    if domain.get("forms"):
        slots.setdefault("requested_slot", None)
    actions = domain.get("actions") or ()  # names, and mappings from a name to its settings
    if any("action_query_knowledge_base" in (action if isinstance(action, dict) else (action,)) for action in actions):
        slots.update({name: None for name in KNOWLEDGE_BASE_SLOTS if name not in slots})
    slots["session_started_metadata"] = None
    return slots


def _parse_data(user: Event) -> dict[str, Any]:
    parse_data = user.get("parse_data")
    given = parse_data if isinstance(parse_data, dict) else {}
    return {
        "intent": given.get("intent") or {},
        "entities": [],
        "text": user.get("text"),
        "message_id": user.get("message_id"),
        "metadata": user.get("metadata") or {},
        **given,
    }


def _seconds(event: Event) -> float:
    timestamp = event.get("timestamp")
    return timestamp if isinstance(timestamp, (int, float)) else float("-inf")


def _list_of(value: Any) -> Any:
    return [value] if value and not isinstance(value, list) else value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _handlers(cls: type) -> dict[Any, Callable[[Any, Event], None]]:
    return {name[3:]: method for name, method in vars(cls).items() if name.startswith("on_")}


_GONE: Event = {}  # stands where a reverted event stood; having no type, it changes nothing


class _AppliedEvents:
    """Which events still count after rewinds, undos, restarts and repeated loops, kept up event by event.

    The state is folded from `log`. That still holds what a repeated loop made void, until the next rewind or undo:
    Rasa, too, replays only then.
    """

    def __init__(self, loops: Iterable[str] = ()) -> None:
        self.log: list[Event] = []
        self.loops = list(loops)  # a list, since a name in an odd event may be unhashable
        self.slot_names: dict[str, None] = {}
        self.cuts = 0
        self.followup = LISTEN
        self._void: list[int] = []
        self._marks: list[int] = []  # where in the log the events are that rewinds and loops look for

    @classmethod
    def of(cls, events: Iterable[Event]) -> _AppliedEvents:
        loops = (event.get("name") for event in events if event.get("event") in ("active_loop", "form"))
        applied = cls(dict.fromkeys(name for name in loops if name and isinstance(name, str)))
        for event in events:
            applied.add(event)
        return applied

    def add(self, event: Event) -> None:
        try:
            step = _STEPS.get(event.get("event"))
        except TypeError:
            return  # with a list for its type it is no event
        if step is None:
            self.log.append(event)
        else:
            step(self, event)

    def events(self) -> list[Event]:
        void = set(self._void)
        return [event for at, event in enumerate(self.log) if event is not _GONE and at not in void]

    def on_user(self, event: Event) -> None:
        self._marks.append(len(self.log))
        self.log.append(event)

    on_user_featurization = on_action_execution_rejected = on_user

    def on_action(self, event: Event) -> None:
        name = event.get("name")
        if name in self.loops and self._is_repetition(name):
            self._void_turns_since(name)
            self._void.append(len(self.log))
        else:
            self._marks.append(len(self.log))
        self.log.append(event)

    def on_slot(self, event: Event) -> None:
        name = event.get("name")
        if isinstance(name, str):
            self.slot_names[name] = None
        self.log.append(event)

    def on_active_loop(self, event: Event) -> None:
        name = event.get("name")
        if name is None:
            self._marks.append(len(self.log))
        elif name and isinstance(name, str) and name not in self.loops:
            self.loops.append(name)
        self.log.append(event)

    on_form = on_active_loop

    def on_undo(self, _: Event) -> None:
        self._cut("action")

    def on_rewind(self, _: Event) -> None:
        self._cut("user", "action")  # the second is the action_listen before the message

    def on_restart(self, event: Event) -> None:
        self.log, self._void, self._marks = [], [], []
        self.cuts += 1
        self.followup = SESSION_START if event["event"] == "restart" else LISTEN

    on_session_started = on_restart

    def _cut(self, *kinds: str) -> None:
        for at in self._void:
            self.log[at] = _GONE
        self._void.clear()
        for kind in kinds:
            del self.log[self._pop_mark(kind) :]
        self.cuts += 1
        self.followup = LISTEN

    def _pop_mark(self, kind: str) -> int:
        while self._marks:
            at = self._marks.pop()
            if self.log[at]["event"] == kind:
                return at
        return 0

    def _is_repetition(self, loop: str) -> bool:
        """Whether the loop ran before, and nothing since ended it or led off its happy path."""
        next_action = None
        for at in reversed(self._marks):
            kind, name = self.log[at]["event"], self.log[at].get("name")
            if kind == "action" and name == loop:
                return True
            unhappy = (kind == REJECTED and name == loop) or (kind == "user" and next_action is not None)
            if unhappy or kind in ("active_loop", "form"):
                return False
            next_action = name if kind == "action" else next_action
        return False

    def _void_turns_since(self, loop: str) -> None:
        kept: list[int] = []  # other loops look for their rejections
        at = self._marks.pop()
        while self.log[at]["event"] != "action" or self.log[at].get("name") != loop:
            (kept if self.log[at]["event"] == REJECTED else self._void).append(at)
            at = self._marks.pop()
        self._marks += [at, *reversed(kept)]


_STEPS = _handlers(_AppliedEvents)


class _State:
    """What the applied events add up to."""

    def __init__(self, slots: Mapping[str, Any] | None) -> None:
        self.lists: frozenset[str] = getattr(slots, "lists", frozenset())
        self.initial = None if slots is None else dict(slots)
        self.cuts = self.folded = 0
        self._reset(_AppliedEvents())

    def catch_up(self, applied: _AppliedEvents) -> None:
        if applied.cuts != self.cuts:
            self.cuts, self.folded = applied.cuts, 0
            self._reset(applied)
        if self.folded < len(applied.log):
            for event in applied.log[self.folded :]:
                effect = _EFFECTS.get(event.get("event"))
                if effect is not None:
                    effect(self, event)
            self.folded = len(applied.log)

    def _reset(self, applied: _AppliedEvents) -> None:
        self.slots: Slots = dict.fromkeys(applied.slot_names) if self.initial is None else dict(self.initial)
        self.paused = False
        self.latest_action: dict[str, Any] = {}
        self.latest_user_uttered: Event = {}
        self.added_entities: list[Any] = []
        self.latest_bot_utterance: Event | None = None
        self.followup_action: Any = applied.followup
        self.active_loop: dict[str, Any] = {}

    @property
    def latest_action_name(self) -> Any:
        return next(iter(self.latest_action.values()), None)

    @property
    def latest_message(self) -> dict[str, Any]:
        message = _parse_data(self.latest_user_uttered)
        entities = list(_listed(message["entities"]))
        for entity in self.added_entities:
            if entity not in entities:
                entities.append(entity)
        return {**message, "entities": entities}

    @property
    def active_loop_name(self) -> Any:
        name = self.active_loop.get("name")
        return None if name == "should_not_be_set" else name  # Rasa's word for no loop, in training data

    def on_user(self, event: Event) -> None:
        self.latest_user_uttered = event
        self.added_entities = []
        self.followup_action = None

    def on_action(self, event: Event) -> None:
        name = event.get("name")
        self.latest_action = {"action_name": name} if name else {"action_text": event.get("action_text")}
        self.followup_action = None
        if self.active_loop:
            if self.active_loop_name:
                self._mark_loop(is_interrupted=False)
            if (name or None) == self.active_loop_name:
                self._mark_loop(rejected=False)

    def _mark_loop(self, **marks: Any) -> None:
        self.active_loop = {**self.active_loop, **marks} if self.active_loop else {}

    def on_bot(self, event: Event) -> None:
        self.latest_bot_utterance = event

    def on_slot(self, event: Event) -> None:
        name, value = event.get("name"), event.get("value")
        if isinstance(name, str) and (self.initial is None or name in self.initial):
            self.slots[name] = _list_of(value) if name in self.lists else value

    def on_reset_slots(self, _: Event) -> None:
        self.slots = dict.fromkeys(self.slots) if self.initial is None else dict(self.initial)

    def on_followup(self, event: Event) -> None:
        self.followup_action = event.get("name")

    def on_pause(self, event: Event) -> None:
        self.paused = event["event"] == "pause"

    on_resume = on_pause

    def on_active_loop(self, event: Event) -> None:
        name = event.get("name")
        loop = {"name": name, "is_interrupted": False, "rejected": False}
        self.active_loop = {} if name is None else {**loop, "trigger_message": _parse_data(self.latest_user_uttered)}

    on_form = on_active_loop

    def on_loop_interrupted(self, event: Event) -> None:
        self._mark_loop(is_interrupted=event.get("is_interrupted", False))

    def on_form_validation(self, event: Event) -> None:
        self._mark_loop(is_interrupted=not event.get("validate", True))

    def on_action_execution_rejected(self, event: Event) -> None:
        if event.get("name") == self.active_loop_name:
            self._mark_loop(rejected=True)

    def on_entities(self, event: Event) -> None:
        if self.latest_action_name == LISTEN:  # Rasa changes the message, which so keeps even what is reverted later
            self.added_entities += _listed(event.get("entities"))


_EFFECTS = _handlers(_State)


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
        self._applied = _AppliedEvents()
        self._folded_state = _State(slots)
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
    def _state(self) -> _State:
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
        self._applied = _AppliedEvents.of(self.events)
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
        return (_AppliedEvents.of(self.events) if self._lost_events else self._applied).events()

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
