"""What is wrong with the training data, found without Rasa: what Rasa's own validation says, and what it says too late.

The names in it are compared by queries of the index; what only a block's text tells is read from those blocks. What the
stories contradict takes longer: rasax.training.contradictions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from rasax.training.findings import KINDS, MOST, Found, placed
from rasax.training.kept import kept
from rasax.training.projects import Project
from rasax.training.rules_of_domain import found_in_domain
from rasax.training.rules_of_examples import found_in_examples
from rasax.training.rules_of_files import found_in_files
from rasax.training.rules_of_names import found_in_names


@dataclass(frozen=True)
class DataWarning:
    """`message` is a sentence to translate, `words` the names it is about; `line` counts from 1, 0 is unknown."""

    kind: str
    words: str
    path: str = ""
    line: int = 0
    block_id: int | None = None

    @property
    def message(self) -> str:
        return KINDS[self.kind].message

    @property
    def advice(self) -> str:
        return KINDS[self.kind].advice

    @property
    def area(self) -> str:
        return KINDS[self.kind].area


def warnings(project: Project) -> list[DataWarning]:
    """Of each kind the first thousand. Kept until the data change."""
    rows = kept(project, "warnings", lambda: [asdict(each) for each in _warnings()])
    return [DataWarning(**each) for each in rows]


def _warnings() -> list[DataWarning]:
    found = [*found_in_files(), *found_in_names(), *found_in_domain(), *found_in_examples()]
    return told(_first(found))


def told(found: list[Found]) -> list[DataWarning]:
    return [
        DataWarning(each.kind, each.words, place.path, place.line, each.block)
        for each, place in zip(found, placed(found), strict=True)
    ]


def _first(found: Iterable[Found]) -> list[Found]:
    """By kind, in the order of KINDS."""
    order, seen = list(KINDS), Counter[str]()
    kept = []
    for each in found:
        seen[each.kind] += 1
        if seen[each.kind] <= MOST:
            kept.append(each)
    return sorted(kept, key=lambda each: order.index(each.kind))
