"""Months in UTC, and what the tables are called that keep their events."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

TABLE = "events_event"
OTHER = f"{TABLE}_other"  # for times that have no month of their own
AHEAD = 3  # months that are made before their time
_NAMED = re.compile(rf"{TABLE}_(\d{{4}})_(\d\d)")


@dataclass(frozen=True, order=True)
class Month:
    year: int
    month: int

    @classmethod
    def of(cls, timestamp: float) -> Month:
        at = datetime.fromtimestamp(timestamp, tz=UTC)
        return cls(at.year, at.month)

    @classmethod
    def named(cls, table: str) -> Month | None:
        found = _NAMED.fullmatch(table)
        return cls(int(found[1]), int(found[2])) if found else None

    def after(self, number: int = 1) -> Month:
        year, month = divmod(self.year * 12 + self.month - 1 + number, 12)
        return Month(year, month + 1)

    @property
    def table(self) -> str:
        return f"{TABLE}_{self.year:04}_{self.month:02}"

    @property
    def start(self) -> float:
        """Seconds since 1970."""
        return datetime(self.year, self.month, 1, tzinfo=UTC).timestamp()

    @property
    def end(self) -> float:
        """The first instant that is not in it."""
        return self.after().start

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


FIRST = Month(2016, 1)  # no assistant of Rasa's is older: before it, somebody's clock was wrong
