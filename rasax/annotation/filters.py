"""What the inbox's address asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from events.models import NAME_LENGTH
from rasax.annotation.inbox import InboxMessage

UNSURE, FREQUENT, NEWEST = "unsure", "frequent", "newest"
# The column by which each order goes, and whether from the greatest on.
ORDERS = {UNSURE: ("lowest", False), FREQUENT: ("n", True), NEWEST: ("last_seen", True)}
ORDER_NAMES = {UNSURE: _("Least sure first"), FREQUENT: _("Most frequent first"), NEWEST: _("Newest first")}
DECIDED = ("at", True)
STATES = {
    InboxMessage.State.NEW.value: _("New"),
    InboxMessage.State.SKIPPED.value: _("Skipped"),
    InboxMessage.State.DELETED.value: _("Deleted"),
    InboxMessage.State.ANNOTATED.value: _("Annotated"),
}
WORDS_LENGTH = 200


@dataclass(frozen=True)
class Position:
    """The last row of a page: the next begins after it."""

    value: Any
    pk: int

    def __str__(self) -> str:
        value = self.value.isoformat() if isinstance(self.value, datetime) else repr(self.value)
        return f"{value}_{self.pk}"


@dataclass(frozen=True)
class InboxFilters:
    """`since` and `until` are days in which it was said, inclusive."""

    words: str = ""
    intent: str = ""
    environment: str = ""
    since: date | None = None
    until: date | None = None
    order: str = UNSURE
    state: str = InboxMessage.State.NEW.value

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        return cls(
            words=_clean(query.get("q", ""))[:WORDS_LENGTH],
            intent=_clean(query.get("intent", ""))[:NAME_LENGTH],
            environment=_clean(query.get("environment", ""))[:NAME_LENGTH],
            since=_day(query.get("since", "")),
            until=_day(query.get("until", "")),
            order=_one_of(query.get("order", ""), ORDERS, UNSURE),
            state=_one_of(query.get("state", ""), STATES, InboxMessage.State.NEW.value),
        )

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Name and value of each part, as they stand in an address."""
        days = [(name, day.isoformat()) for name, day in (("since", self.since), ("until", self.until)) if day]
        parts = [("q", self.words), ("intent", self.intent), ("environment", self.environment), *days]
        usual = {("order", UNSURE), ("state", InboxMessage.State.NEW.value)}
        parts += [pair for pair in (("order", self.order), ("state", self.state)) if pair not in usual]
        return ((name, value) for name, value in parts if value)

    @property
    def query(self) -> str:
        return urlencode(list(self.pairs()))

    def __bool__(self) -> bool:
        """Whether it leaves any message out that is new."""
        return any(name not in {"order", "state"} for name, _ in self.pairs())

    @property
    def is_new(self) -> bool:
        return self.state == InboxMessage.State.NEW

    @property
    def ordering(self) -> tuple[str, bool]:
        return ORDERS[self.order] if self.is_new else DECIDED

    @property
    def earliest(self) -> float | None:
        return _midnight(self.since) if self.since else None

    @property
    def end(self) -> float | None:
        """The first moment that is too late."""
        return _midnight(self.until + timedelta(days=1)) if self.until else None

    def position(self, text: str) -> Position | None:
        value, _, pk = text.rpartition("_")
        if not re.fullmatch(r"[0-9]{1,18}", pk):
            return None
        read = _moment(value) if not self.is_new else _number(value)
        return Position(read, int(pk)) if read is not None else None


def _clean(text: str) -> str:
    return text.replace("\x00", "").strip()


def _one_of(text: str, known: Any, otherwise: str) -> str:
    return text if text in known else otherwise


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 <= day.year <= 9998 else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        return None
    return moment if moment and timezone.is_aware(moment) else None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,20})?(e[-+]?[0-9]{1,2})?", text) else None


def _midnight(day: date) -> float:
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone()).timestamp()
