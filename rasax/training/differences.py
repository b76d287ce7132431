"""Differences as a page shows them: lines with their kind, cut where nobody reads on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import groupby, islice
from typing import Any, Self

from django.utils.translation import gettext as _

from rasax.training.changes import Change
from rasax.training.edits import Fault, FileDiff, Plan

MOST_LINES = 300  # of one file
MOST_OF_ALL = 6_000
KINDS = {"+": "added", "-": "removed", "@": "place"}


@dataclass(frozen=True)
class ShownDiff:
    path: str
    lines: list[tuple[str, str]]  # its kind, and its text
    added: int
    removed: int
    fault_given: Fault | None = None

    @property
    def is_cut(self) -> bool:
        return self.added + self.removed > len(self.lines)

    @property
    def fault(self) -> str:
        return fault_words(self.fault_given) if self.fault_given else ""


@dataclass(frozen=True)
class ShownPlan:
    diffs: list[ShownDiff]
    token: str
    left_out: list[str] = field(default_factory=list)

    def kept(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        return cls([ShownDiff(**each) for each in kept["diffs"]], kept["token"], kept["left_out"])

    @property
    def faults(self) -> int:
        return sum(bool(diff.fault_given) for diff in self.diffs)


def shown_plan(plan: Plan) -> ShownPlan:
    return ShownPlan(shown_diffs(plan.diffs), plan.token, plan.left_out)


def shown_diffs(diffs: Iterable[FileDiff]) -> list[ShownDiff]:
    """Of very many the first lines, and of the others how many there are."""
    shown, left = list[ShownDiff](), MOST_OF_ALL
    for diff in diffs:
        shown.append(_shown(diff.path, diff.unified.splitlines()[2:], diff.fault, min(left, MOST_LINES)))
        left -= len(shown[-1].lines)
    return shown


def fault_words(fault: Mapping[str, Any]) -> str:
    """In the reader's language."""
    line = _("Line %s:") % fault["line"] if fault.get("line") else ""
    return " ".join(part for part in (line, _(fault.get("message", "")), fault.get("words", "")) if part)


def of_change(change: Change) -> list[ShownDiff]:
    """File by file, in order."""
    records = sorted(change.records, key=lambda record: str(record["path"]))
    return [
        _shown(path, [line for record in group for line in _lines(record)])
        for path, group in groupby(records, key=lambda record: str(record["path"]))
    ]


def _lines(record: dict[str, Any]) -> Iterator[str]:
    for sign, text in (("-", record["before"]), ("+", record["after"])):
        for line in (text or "").splitlines():
            yield sign + line


def _shown(path: str, lines: list[str], fault: Fault | None = None, most: int = MOST_LINES) -> ShownDiff:
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    kept = [(KINDS.get(line[:1], "same"), line) for line in islice(lines, most)]
    return ShownDiff(path, kept, added, removed, fault)
