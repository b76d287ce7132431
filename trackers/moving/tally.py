"""What became of the conversations of a store."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

REMEMBERED = 100  # skipped conversations, by name; the others are counted


@dataclass
class Tally:
    """`stored` events are new, `repeated` ones were there, `rejected` ones cannot be kept."""

    conversations: int = 0
    stored: int = 0
    repeated: int = 0
    rejected: int = 0
    n_skipped: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)

    @property
    def events(self) -> int:
        return self.stored + self.repeated + self.rejected

    def skip(self, sender_id: str, reason: object) -> None:
        self.n_skipped += 1
        self.skipped.append((sender_id, " ".join(str(reason).split())))
        del self.skipped[REMEMBERED:]

    def add(self, other: Tally) -> None:
        self.conversations += other.conversations
        self.stored += other.stored
        self.repeated += other.repeated
        self.rejected += other.rejected
        self.n_skipped += other.n_skipped
        self.skipped = (self.skipped + other.skipped)[:REMEMBERED]

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Tally:
        fields = json.loads(text)
        return cls(**{**fields, "skipped": [(name, reason) for name, reason in fields["skipped"]]})
