"""The events of some conversations, a few hundred rows at a time: of one conversation there may be 100,000."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from django.db.models import Q, QuerySet

from events import replica
from events.models import Event
from events.vocabulary import InvalidMessage

AT_ONCE = 500  # events: some are of many kilobytes
Rows = QuerySet[Event]


def pages(pks: list[int], rows: Rows) -> Iterator[list[Event]]:
    """Those of `rows` that belong to these conversations, by conversation and in order."""
    left, ordered = sorted(pks), rows.order_by("conversation_id", "timestamp", "id")
    while left:
        page = _read(ordered.filter(conversation__in=left))
        yield page
        if len(page) < AT_ONCE:
            return
        last = page[-1]
        yield from _rest(ordered.filter(conversation=last.conversation_id), last)
        left = [pk for pk in left if pk > last.conversation_id]


def _rest(rows: Rows, last: Event) -> Iterator[list[Event]]:
    """What comes after this event in its conversation. Apart, so that the index leads to each page."""
    page = [last]
    while page:
        last = page[-1]
        later = Q(timestamp__gt=last.timestamp) | Q(pk__gt=last.pk)
        page = _read(rows.filter(later, timestamp__gte=last.timestamp))
        yield page


def _read(rows: Rows) -> list[Event]:
    return replica.read(lambda: list(rows[:AT_ONCE]))


def by_conversation(pks: list[int], rows: Rows) -> Iterator[tuple[int, list[Event]]]:
    events = (event for page in pages(pks, rows) for event in page)
    for pk, own in groupby(events, key=lambda event: event.conversation_id):
        yield pk, list(own)


def raw(event: Event) -> dict[str, Any]:
    """Empty where it is nested too deeply to be read from here."""
    try:
        return event.raw
    except (InvalidMessage, RecursionError):
        return {}


def batches(chunks: Iterable[list[int]], size: int) -> Iterator[list[int]]:
    return (chunk[start : start + size] for chunk in chunks for start in range(0, len(chunk), size))
