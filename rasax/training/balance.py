"""Which intents have too few examples, or out of all proportion to the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rasax.training.examples import repeated_by_intent
from rasax.training.intents import IntentRow, project_intents
from rasax.training.kept import kept
from rasax.training.projects import Project

FEWEST = 2  # Rasa warns below it: an intent with one example cannot be tested on another
OUT_OF_PROPORTION = 5  # times the median, or this part of it


@dataclass(frozen=True)
class WeighedIntent:
    row: IntentRow
    share: int  # percent of the largest intent
    is_few: bool
    is_many: bool
    is_rare: bool
    duplicates: int
    conflicts: int

    @property
    def has_warning(self) -> bool:
        return bool(self.is_few or self.is_many or self.is_rare or self.duplicates or self.conflicts) or (
            not self.row.declared
        )


def weighed() -> list[WeighedIntent]:
    rows = shown(project_intents())
    twice = kept(Project.objects.default(), "repeated", repeated_by_intent)
    numbers = [row.examples for row in rows if row.examples]
    middle, largest = median(numbers or [0]), max(numbers, default=0)
    return [_weighed(row, middle, largest, twice.get(row.name, (0, 0))) for row in rows]


def shown(rows: Sequence[IntentRow]) -> list[IntentRow]:
    """Without a retrieval intent's own row where it has only its keys'."""
    heads = {row.name.partition("/")[0] for row in rows if "/" in row.name}
    return [row for row in rows if row.examples or row.name not in heads]


def _weighed(row: IntentRow, middle: float, largest: int, twice: Sequence[int]) -> WeighedIntent:
    return WeighedIntent(
        row=row,
        share=round(100 * row.examples / largest) if largest else 0,
        is_few=row.examples < FEWEST,
        is_many=row.examples > OUT_OF_PROPORTION * middle,
        is_rare=FEWEST <= row.examples < middle / OUT_OF_PROPORTION,
        duplicates=twice[0],
        conflicts=twice[1],
    )
