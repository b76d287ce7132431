"""What the list's URL asks for. Nothing in a URL is an error: what cannot be understood is left out, and named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from math import isfinite
from typing import Self
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone

from events.models import Facet
from rasax.conversations.models import Review

KINDS = (
    Facet.Kind.INTENT,
    Facet.Kind.ACTION,
    Facet.Kind.ENTITY,
    Facet.Kind.SLOT,
    Facet.Kind.CHANNEL,
    Facet.Kind.ENVIRONMENT,
    Facet.Kind.TAG,
)
WORDS_LENGTH = 200
MOST_VALUES = 20  # of one kind
LOWEST = -(2**63)  # of a database's integers


@dataclass(frozen=True, slots=True)
class Position:
    """A place in an order by time: the list goes on beside it. `tie` settles equal times: a conversation's id, an
    event's digest."""

    time: float
    tie: int

    def __str__(self) -> str:
        return f"{self.time!r}_{self.tie}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """From `<seconds>_<tie>`; without the tie, before everything of that instant."""
        found = re.fullmatch(r"(\d{1,20}(?:\.\d{1,20})?)(?:_(-?\d{1,19}))?", text)
        if not found:
            return None
        return cls(float(found[1]), max(LOWEST, min(int(found[2] or LOWEST), -LOWEST - 1)))


@dataclass(frozen=True)
class Filters:
    """`facets` by kind: one of the values of each. `since` and `until` are days of the latest event, both inclusive."""

    words: str = ""
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    status: str = ""
    flagged: bool = False
    since: date | None = None
    until: date | None = None
    confidence: float | None = None
    ignored: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        facets = {kind.value: _values(query, kind) for kind in KINDS}
        filters = cls(
            words=_clean(query.get("q", ""))[:WORDS_LENGTH],
            facets={kind: values for kind, values in facets.items() if values},
            status=_status(query.get("status", "")),
            flagged=query.get("flagged") in {"1", "on", "true"},
            since=_day(query.get("since", "")),
            until=_day(query.get("until", "")),
            confidence=_share(query.get("confidence", "")),
        )
        given = {name for name in ("status", "since", "until", "confidence") if query.get(name)}
        return replace(filters, ignored=tuple(sorted(given - {name for name, _ in filters.pairs()})))

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Name and value of each part, as they stand in a URL."""
        if self.words:
            yield "q", self.words
        for kind, values in self.facets.items():
            yield from ((kind, value) for value in values)
        if self.status:
            yield "status", self.status
        if self.flagged:
            yield "flagged", "1"
        for name, day in (("since", self.since), ("until", self.until)):
            if day:
                yield name, day.isoformat()
        if self.confidence is not None:
            yield "confidence", f"{self.confidence:g}"

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
        return _midnight(self.since) if self.since else None

    @property
    def end(self) -> float | None:
        """The first moment that is too late."""
        return _midnight(self.until + timedelta(days=1)) if self.until else None

    def __bool__(self) -> bool:
        return any(True for _ in self.pairs())


def _clean(text: str) -> str:
    return text.replace("\x00", "").strip()


def _values(query: QueryDict, kind: str) -> tuple[str, ...]:
    cleaned = (_clean(value) for value in query.getlist(kind))
    return tuple(dict.fromkeys(value for value in cleaned if value))[:MOST_VALUES]


def _status(text: str) -> str:
    return text if text in Review.Status.values else ""


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 <= day.year <= 9998 else None


def _share(text: str) -> float | None:
    try:
        share = float(text)
    except ValueError:
        return None
    return share if isfinite(share) and 0 <= share <= 1 else None


def _midnight(day: date) -> float:
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone()).timestamp()
