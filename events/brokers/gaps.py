"""How far a table was read whose rows become visible in another order than that of their ids.

A database gives a row its id when it is inserted and shows it when it is committed, so "every id above the last" loses
the rows that were committed late. The ids that were passed over are kept, and asked for again until they turn up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

MAX_GAPS = 5_000  # the newest; a cluster that counts in threes would leave two for each row


@dataclass(frozen=True, slots=True)
class Place:
    """Everything up to `seen` was read, except the ids in `gaps`; each with the time (epoch seconds) it was missed."""

    seen: int = 0
    gaps: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def from_text(cls, text: str | None) -> Place:
        if not text:
            return cls()
        saved = json.loads(text)
        return cls(saved["seen"], {int(number): since for number, since in saved["gaps"].items()})

    def text(self) -> str:
        return json.dumps({"seen": self.seen, "gaps": self.gaps})

    def without(self, found: Iterable[int]) -> Place:
        left = dict(self.gaps)
        for number in found:
            left.pop(number, None)
        return Place(self.seen, left)

    def after(self, numbers: Iterable[int], now: float) -> Place:
        """`numbers` are ids above `seen`, ascending."""
        gaps = dict(self.gaps)
        seen = self.seen
        for number in numbers:
            if number > seen + 1:
                gaps.update(dict.fromkeys(range(max(seen + 1, number - MAX_GAPS), number), now))
            seen = number
        return Place(seen, dict(islice(gaps.items(), max(0, len(gaps) - MAX_GAPS), None)))

    def forgetting(self, before: float) -> Place:
        """A transaction that was rolled back leaves its id unused for ever: gaps that old are given up."""
        if not any(since < before for since in self.gaps.values()):
            return self
        return Place(self.seen, {number: since for number, since in self.gaps.items() if since >= before})
