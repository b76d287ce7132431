"""A window of a conversation's events. A conversation of 100,000 events opens as fast as one of 10: nothing here
reads, counts or sorts all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, Func, IntegerField, Q, TextField, Value, When

from events.models import Event
from events.querysets import EventQuerySet
from events.vocabulary import AgentUttered, BotUttered, InvalidMessage, UserUttered, read
from events.vocabulary import Event as Typed
from rasax.conversations.filters import Position
from trackers.applied import AppliedEvents

TURNS = 50
MOST_EVENTS = 500  # in a window, for turns without end
LARGEST = 100_000  # bytes of JSON; a larger event is shown by its columns, with a link to all of it
SAID = {UserUttered.TYPE, BotUttered.TYPE, AgentUttered.TYPE}
TAKING_BACK = {"rewind", "undo"}
# The index's own order, so that no plan sorts the whole conversation. Events of one instant get theirs afterwards.
FORWARDS, BACKWARDS = ("timestamp", "digest"), ("-timestamp", "-digest")


@dataclass
class Window:
    """Events in order. `earlier` and `later` say where the conversation goes on, None where it does not."""

    events: list[Event]
    earlier: Position | None = None
    later: Position | None = None
    focus: int | None = field(default=None)  # the event that was asked for

    def __post_init__(self) -> None:
        self.events.sort(key=lambda event: (event.timestamp, event.pk))

    @property
    def last(self) -> int:
        return max((event.pk for event in self.events), default=0)


def latest(conversation_id: int, before: Position | None = None) -> Window:
    """The last 50 turns, or those before a place. A turn is a user's message and what follows."""
    rows = rows_of(conversation_id)
    if before:
        rows = rows.filter(Q(timestamp__lt=before.time) | Q(digest__lt=before.tie), timestamp__lte=before.time)
    found = list(rows.order_by(*BACKWARDS)[: MOST_EVENTS + 1])
    kept = _turns(found[:MOST_EVENTS])
    return Window(kept, earlier=_place(kept[-1]) if len(kept) < len(found) else None)


def around(conversation_id: int, time: float) -> Window:
    """The message at this time in the middle; the event nearest to it is the focus."""
    rows = rows_of(conversation_id)
    half = MOST_EVENTS // 2
    before = list(rows.filter(timestamp__lt=time - 0.0005).order_by(*BACKWARDS)[: half + 1])
    after = list(rows.filter(timestamp__gte=time - 0.0005).order_by(*FORWARDS)[: half + 1])
    kept = _turns(before[:half])
    window = Window([*kept, *after[:half]])
    if len(kept) < len(before):
        window.earlier = _place(kept[-1])
    if len(after) > half:
        window.later = _place(after[half - 1])
    if window.events:
        window.focus = min(window.events, key=lambda event: abs(event.timestamp - time)).pk
    return window


def following(conversation_id: int, place: Position) -> Window:
    rows = rows_of(conversation_id).filter(
        Q(timestamp__gt=place.time) | Q(digest__gt=place.tie), timestamp__gte=place.time
    )
    found = list(rows.order_by(*FORWARDS)[: MOST_EVENTS + 1])
    kept = found[:MOST_EVENTS]
    return Window(kept, later=_place(kept[-1]) if len(kept) < len(found) else None)


def arrived(conversation_id: int, after: int) -> Window | None:
    """What was recorded since this event; None if that belongs before what was there or takes some of it back, so that
    all is to be shown anew.

    Within a conversation ids rise in the order of commits: `record()` holds the conversation's row.
    """
    found = list(rows_of(conversation_id).filter(pk__gt=after).in_order()[: MOST_EVENTS + 1])
    if len(found) > MOST_EVENTS:
        return None
    known = Event.objects.filter(conversation=conversation_id, pk__lte=after)
    if found and known.filter(timestamp__gt=found[0].timestamp).exists():
        return None
    if any(event.type in TAKING_BACK for event in found):
        return None
    return Window(found)


def taken_back(events: Sequence[Event]) -> set[int]:
    """The ids of what was said and counts no longer, for it was taken back later. A restart takes nothing back."""
    found: set[int] = set()
    if any(event.type in TAKING_BACK for event in events):
        part: list[Event] = []
        for event in events:
            part.append(event)
            if event.type == "restart":
                found |= _taken_back(part[:-1])
                part = []
        found |= _taken_back(part)
    return found


def _taken_back(events: Sequence[Event]) -> set[int]:
    raws = [(event, (read_row(event) or (None, {"event": event.type}))[1]) for event in events]
    counting = {id(raw) for raw in AppliedEvents.of([raw for _, raw in raws]).events()}
    return {event.pk for event, raw in raws if event.type in SAID and id(raw) not in counting}


def _turns(newest_first: Sequence[Event]) -> list[Event]:
    """As many as make 50 turns."""
    turns = 0
    for index, event in enumerate(newest_first):
        turns += event.type == UserUttered.TYPE
        if turns == TURNS:
            return list(newest_first[: index + 1])
    return list(newest_first)


def _place(event: Event) -> Position:
    return Position(event.timestamp, event.digest)


class _Bytes(Func):
    """PostgreSQL knows a text's bytes without reading it; length() would unpack it."""

    function = "OCTET_LENGTH"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, function="LENGTH", **extra)


def rows_of(conversation_id: int) -> EventQuerySet:
    return readable(Event.objects.filter(conversation=conversation_id))


def readable(events: EventQuerySet) -> EventQuerySet:
    """`shown` is the JSON text, empty where there is too much of it."""
    small = Case(When(size__lte=LARGEST, then="data"), default=Value(""), output_field=TextField())
    sized = events.annotate(size=_Bytes("data")).annotate(shown=small)
    return sized.defer("data").select_related("flag", "correction__by")


def read_row(row: Event) -> tuple[Typed, dict[str, Any]] | None:
    """One of these rows, typed and as a plain dict; None if it is too large or nested too deeply to be read."""
    text: str = row.shown  # type: ignore[attr-defined]
    try:
        return read(row.type, text) if text else None
    except InvalidMessage:
        return None
