"""A conversation as it was at one of its events: slots, form, story. A replay never reads more than the latest part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import F, Max, Q, Value, Window
from django.db.models.functions import Coalesce, RowNumber

from events.models import Event
from events.vocabulary import UserUttered
from rasax.conversations.lines import plain, pretty
from rasax.conversations.transcript import LARGEST, read_row, rows_of
from trackers.tracker import DialogueStateTracker, EventVerbosity

MOST_EVENTS = 5_000
MOST_BYTES = 16_000_000
VALUE_LENGTH = 1_000  # characters of a slot's value
STORY_EVENTS = 1_000  # writing YAML takes a millisecond an event
STORY_LENGTH = 20_000  # characters of it on the page; all of it is in the file
FRESH = {"restart", "session_started"}  # after these nothing of before counts


@dataclass(frozen=True)
class SlotValue:
    name: str
    value: str
    changed: bool
    empty: bool


@dataclass
class Replay:
    """`cut` says that events of before were left out; slots set there still count."""

    event: Event
    tracker: DialogueStateTracker
    cut: bool
    at_the_turns_begin: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    corrections: dict[float, str] = field(default_factory=dict)  # what messages meant, by their timestamp

    @cached_property
    def slots(self) -> list[SlotValue]:
        """Those with a value first, by name."""
        slots = [self._slot(name, value) for name, value in self.tracker.current_slot_values().items()]
        return sorted(slots, key=lambda slot: (slot.empty, slot.name.casefold()))

    def _slot(self, name: str, value: Any) -> SlotValue:
        changed = name not in self.at_the_turns_begin or self.at_the_turns_begin[name] != value
        return SlotValue(plain(name), pretty(value, VALUE_LENGTH), changed, value is None)

    @property
    def loop(self) -> str:
        return plain(self.tracker.active_loop_name)

    @property
    def model(self) -> str:
        return plain(self.metadata.get("model_id"))

    @property
    def assistant(self) -> str:
        return plain(self.metadata.get("assistant_id"))

    @cached_property
    def _counting(self) -> list[dict[str, Any]]:
        return self.tracker.events_for(EventVerbosity.APPLIED)

    @property
    def story_is_cut(self) -> bool:
        return len(self._counting) > STORY_EVENTS or (self.cut and not self._begins_afresh)

    @property
    def _begins_afresh(self) -> bool:
        return any(event.get("event") in FRESH for event in self.tracker.events)

    def story(self, test: bool = False) -> str:
        """YAML of what counts since the session began, with what people corrected; empty where a value is nested too
        deeply to be written."""
        from trackers.stories import story

        events = [self._corrected(event) for event in self._counting[-STORY_EVENTS:]]
        try:
            return story(plain(self.tracker.sender_id), events, test)
        except RecursionError:
            return ""

    def _corrected(self, event: dict[str, Any]) -> dict[str, Any]:
        intent = self.corrections.get(event.get("timestamp", -1.0)) if event.get("event") == UserUttered.TYPE else None
        if not intent:
            return event
        parsed = event.get("parse_data") if isinstance(event.get("parse_data"), dict) else {}
        return {**event, "parse_data": {**(parsed or {}), "intent": {"name": intent}}}


def replay(sender_id: str, event: Event) -> Replay:
    """The state right after an event of a conversation."""
    until = Q(timestamp__lt=event.timestamp) | Q(timestamp=event.timestamp, pk__lte=event.pk)
    past = rows_of(event.conversation_id).filter(until, timestamp__lte=event.timestamp)
    rows, cut = _latest(past)
    tracker = DialogueStateTracker(sender_id)
    if cut and not any(row.type in FRESH for row in rows):
        tracker.update_with_events(_slots_before(event.conversation_id, rows[0]), override_timestamp=False)
    found = Replay(event, tracker, cut, {})
    for row in rows:
        if row.type == UserUttered.TYPE:
            found.at_the_turns_begin = tracker.current_slot_values()
            if correction := getattr(row, "correction", None):
                found.corrections[row.timestamp] = correction.intent
        raw = _raw(row)
        tracker.update(raw)
        if isinstance(metadata := raw.get("metadata"), dict) and metadata:
            found.metadata = {**found.metadata, **metadata}
    return found


def _latest(past: Any) -> tuple[list[Any], bool]:
    """The latest events in order, and whether there are more; as many as memory has room for."""
    newest = past.order_by("-timestamp", "-digest")  # the index's order
    sizes = list(newest.values_list("size", flat=True)[: MOST_EVENTS + 1])
    room, kept = MOST_BYTES, 0
    for size in sizes[:MOST_EVENTS]:
        room -= min(size, LARGEST)
        if room < 0 and kept:
            break
        kept += 1
    rows = sorted(newest[:kept], key=lambda row: (row.timestamp, row.pk))
    return rows, kept < len(sizes)


def _raw(row: Any) -> dict[str, Any]:
    """An event that is very large, or nested too deeply to be read from here, by its columns."""
    if found := read_row(row):
        return found[1]
    columns = {"event": row.type, "timestamp": row.timestamp, "name": row.name, "text": row.text}
    if row.type == UserUttered.TYPE:
        columns["parse_data"] = {"intent": {"name": row.name}}
    return columns | ({"value": "…"} if row.type == "slot" else {})


def _slots_before(conversation_id: int, first: Event) -> Iterable[dict[str, Any]]:
    """The latest value of each slot since the session began or all were reset, before an event; in one query."""
    before = rows_of(conversation_id).filter(
        Q(timestamp__lt=first.timestamp) | Q(timestamp=first.timestamp, pk__lt=first.pk),
        timestamp__lte=first.timestamp,
    )
    resets = before.filter(type__in=[*FRESH, "reset_slots"]).order_by().values("conversation")
    since = Coalesce(resets.annotate(latest=Max("timestamp")).values("latest"), Value(0.0))
    rank = Window(RowNumber(), partition_by=F("name"), order_by=[F("timestamp").desc(), F("id").desc()])
    latest = before.filter(type="slot", timestamp__gte=since).annotate(rank=rank).filter(rank=1)
    return [_raw(row) for row in latest.order_by("timestamp", "pk")]
