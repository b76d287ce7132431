"""What the list's URL asks for. Nothing in a URL is an error: what cannot be understood is left out, and named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from math import inf, isfinite, nextafter
from typing import Any, Self
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone

from events.models import NAME_LENGTH, Facet
from events.vocabulary import LATEST_TIMESTAMP
from rasax.conversations.models import Review

KINDS = (
    Facet.Kind.INTENT,
    Facet.Kind.ACTION,
    Facet.Kind.ENTITY,
    Facet.Kind.SLOT,
    Facet.Kind.SLOT_VALUE,
    Facet.Kind.POLICY,
    Facet.Kind.CHANNEL,
    Facet.Kind.ENVIRONMENT,
    Facet.Kind.MODEL,
    Facet.Kind.ASSISTANT,
    Facet.Kind.TAG,
    Facet.Kind.ASSIGNEE,
)
NEWEST, OLDEST, CONFIDENCE = ORDERS = ("newest", "oldest", "confidence")
CORRECTED, NONE, ME = "corrected", "none", "me"
MOST_MESSAGES = 2**31 - 1
WORDS_LENGTH = 200
MOST_VALUES = 20  # of one kind
LOWEST = -(2**63)  # of a database's integers


@dataclass(frozen=True, slots=True)
class Position:
    """A place in an order, mostly by time: the list goes on beside it. `tie` settles equal times: a conversation's id,
    an event's digest."""

    time: float
    tie: int

    def __str__(self) -> str:
        return f"{self.time!r}_{self.tie}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """From `<seconds>_<tie>`; without the tie, before everything of that instant."""
        found = re.fullmatch(r"(\d{1,20}(?:\.\d{1,20})?(?:e-?\d{1,2})?)(?:_(-?\d{1,19}))?", text)
        if not found:
            return None
        return cls(float(found[1]), max(LOWEST, min(int(found[2] or LOWEST), -LOWEST - 1)))


# What people put on conversations; all other facets come with events.
MARKS = {Facet.Kind.TAG, Facet.Kind.FLAG, Facet.Kind.REVIEW, Facet.Kind.ASSIGNEE, Facet.Kind.ANNOTATION}


@dataclass(frozen=True)
class Filters:
    """`facets` by kind: one of the values of each. `since` and `until` are days of the latest event, `start` and `stop`
    seconds since 1970, all inclusive. `hours` are those of a day in the site's time zone in which the user wrote, from
    the first to before the second. `confidence` and `confidence_min` bound the least sure intent."""

    words: str = ""
    sender: str = ""
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    status: str = ""
    flagged: bool = False
    annotation: str = ""
    since: date | None = None
    until: date | None = None
    start: float | None = None
    stop: float | None = None
    hours: tuple[int, int] | None = None
    messages_min: int | None = None
    messages_max: int | None = None
    confidence: float | None = None
    confidence_min: float | None = None
    order: str = NEWEST
    ignored: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        facets = {kind.value: _values(query, kind) for kind in KINDS}
        filters = cls(
            words=_clean(query.get("q", ""))[:WORDS_LENGTH],
            sender=_clean(query.get("sender", ""))[:WORDS_LENGTH],
            facets={kind: values for kind, values in facets.items() if values},
            flagged=query.get("flagged") in {"1", "on", "true"},
            **{name: read_part(query.get(name, "")) for name, (read_part, _) in PARTS.items()},
        )
        given = {name for name in PARTS if query.get(name)} - {"order"}
        ignored = given - {name for name, _ in filters.pairs()}
        if query.get("order", NEWEST) not in ("", *ORDERS):
            ignored.add("order")
        return replace(filters, ignored=tuple(sorted(ignored)))

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Name and value of each part, as they stand in a URL."""
        if self.words:
            yield "q", self.words
        if self.sender:
            yield "sender", self.sender
        for kind, values in self.facets.items():
            yield from ((kind, value) for value in values)
        if self.flagged:
            yield "flagged", "1"
        for name, (_, write) in PARTS.items():
            value = getattr(self, name)
            if value not in (None, "", NEWEST):
                yield name, write(value)

    def for_reader(self, user_id: int) -> Self:
        """With who "me" is."""
        assignees = self.facets.get(Facet.Kind.ASSIGNEE, ())
        if ME not in assignees:
            return self
        known = tuple(str(user_id) if value == ME else value for value in assignees)
        return replace(self, facets={**self.facets, Facet.Kind.ASSIGNEE.value: known})

    @property
    def are_of_marks(self) -> bool:
        """Whether it matters what people put on conversations."""
        return bool(self.status or self.flagged or self.annotation or self.facets.keys() & MARKS)

    @property
    def query(self) -> str:
        return urlencode(list(self.pairs()))

    def without(self, name: str, value: str) -> str:
        """The query of all parts but this one."""
        return urlencode([pair for pair in self.pairs() if pair != (name, value)])

    def chosen(self, kind: str) -> tuple[str, ...]:
        return self.facets.get(kind, ())

    @property
    def earliest(self) -> float | None:
        return max(_given(_midnight(self.since) if self.since else None, self.start), default=None)

    @property
    def end(self) -> float | None:
        """The first moment that is too late."""
        day_after = _midnight(self.until + timedelta(days=1)) if self.until else None
        return min(_given(day_after, nextafter(self.stop, inf) if self.stop is not None else None), default=None)

    @property
    def utc_hours(self) -> tuple[str, ...]:
        """The facets of `hours`, by today's offset of the time zone; all of an hour that half an offset cuts."""
        if not self.hours:
            return ()
        first, end = self.hours
        now = timezone.now().astimezone(timezone.get_current_timezone())
        offset = int((now.utcoffset() or timedelta()).total_seconds() // 60)
        minutes = range(first * 60, (end if end > first else end + 24) * 60, 30)
        return tuple(dict.fromkeys(f"{(minute - offset) // 60 % 24:02}" for minute in minutes))

    def __bool__(self) -> bool:
        """Whether it leaves any conversation out."""
        return any(name != "order" for name, _ in self.pairs())


def _given(*times: float | None) -> list[float]:
    return [time for time in times if time is not None]


def _clean(text: str) -> str:
    return text.replace("\x00", "").strip()


def _values(query: QueryDict, kind: str) -> tuple[str, ...]:
    cleaned = (_clean(value)[:NAME_LENGTH] for value in query.getlist(kind))
    return tuple(dict.fromkeys(value for value in cleaned if value))[:MOST_VALUES]


def _one_of(*known: str, otherwise: str = "") -> Callable[[str], str]:
    return lambda text: text if text in known else otherwise


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 <= day.year <= 9998 else None


def _number(text: str, most: float) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) and 0 <= number <= most else None


def _share(text: str) -> float | None:
    return _number(text, 1)


def _seconds(text: str) -> float | None:
    return _number(text, LATEST_TIMESTAMP)


def _messages(text: str) -> int | None:
    return min(int(text), MOST_MESSAGES) if re.fullmatch(r"[0-9]{1,18}", text) else None


def _hours(text: str) -> tuple[int, int] | None:
    found = re.fullmatch(r"([01]?[0-9]|2[0-3])-([01]?[0-9]|2[0-4])", text)
    return (int(found[1]), int(found[2]) % 24) if found else None


def _midnight(day: date) -> float:
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone()).timestamp()


# How the parts of one value are read from a URL, and written into it.
PARTS: dict[str, tuple[Callable[[str], Any], Callable[[Any], str]]] = {
    "status": (_one_of(*Review.Status.values), str),
    "annotation": (_one_of(CORRECTED, NONE), str),
    "since": (_day, date.isoformat),
    "until": (_day, date.isoformat),
    "start": (_seconds, repr),
    "stop": (_seconds, repr),
    "hours": (_hours, lambda hours: f"{hours[0]}-{hours[1]}"),
    "messages_min": (_messages, str),
    "messages_max": (_messages, str),
    "confidence": (_share, lambda share: f"{share:g}"),
    "confidence_min": (_share, lambda share: f"{share:g}"),
    "order": (_one_of(*ORDERS, otherwise=NEWEST), str),
}
