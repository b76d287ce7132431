"""A conversation's events as clients get them: bounded, and as JSON that every client can read."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

from django.shortcuts import get_object_or_404

from events.models import Conversation, Event, Facet, key_of
from events.querysets import EventQuerySet
from trackers.tracker import DialogueStateTracker

MOST_EVENTS = 10_000  # some 15 MB; of a longer conversation the latest
EXPONENT = re.compile(r"[0-9][eE]\+?[0-9]{3}")  # a number that may be infinite once it is read
DEEPEST = 100  # levels of an event's JSON; json's encoder gives up at several hundred


def find(conversation_id: str, environment: str | None = None) -> Conversation:
    """Raises Http404."""
    found = Conversation.objects.filter(key=key_of(conversation_id))
    if environment:
        found = found.filter(facets__kind=Facet.Kind.ENVIRONMENT, facets__value=environment)
    return get_object_or_404(found)


def latest(conversation: Conversation, until: float | None = None, most: int = MOST_EVENTS) -> list[Event]:
    """The latest events, oldest first."""
    events: EventQuerySet = Event.objects.filter(conversation=conversation)
    if until is not None:
        events = events.filter(timestamp__lte=until)
    return list(events.order_by("-timestamp", "-id")[:most])[::-1]


def tracker(conversation: Conversation, events: Iterable[Event]) -> DialogueStateTracker:
    return DialogueStateTracker.from_events(conversation.sender_id, map(as_json, events))


def as_json(event: Event) -> dict[str, Any]:
    """As a tracker has it: without sender_id. NaN and infinities, which are no JSON, become null."""
    try:
        raw: dict[str, Any] = json.loads(event.data, parse_constant=_nothing)
    except RecursionError:
        return _unreadable(event)
    raw.pop("sender_id", None)
    # Counting is fast, and nearly always enough.
    if event.data.count("[") + event.data.count("{") > DEEPEST and _depth(raw) > DEEPEST:
        return _unreadable(event)
    return dict(_finite(raw)) if EXPONENT.search(event.data) else raw


def _nothing(_: str) -> None:
    """For NaN, Infinity and -Infinity."""


def _unreadable(event: Event) -> dict[str, Any]:
    return {"event": event.type, "timestamp": event.timestamp, "metadata": {"error": "nested too deeply"}}


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level and depth <= DEEPEST:
        depth += 1
        children = [v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)]
        level = [child for each in children for child in each]
    return depth


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
