"""Differences as a page shows them: lines with their kind, cut where nobody reads on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from django.utils.translation import gettext as _

from rasax.training.changes import Change
from rasax.training.edits import FileDiff

MOST_LINES = 300  # of one file
KINDS = {"+": "added", "-": "removed", "@": "place"}


@dataclass(frozen=True)
class ShownDiff:
    path: str
    lines: list[tuple[str, str]]  # its kind, and its text
    added: int
    removed: int
    fault: str = ""

    @property
    def is_cut(self) -> bool:
        return self.added + self.removed > MOST_LINES


def shown_diffs(diffs: Iterable[FileDiff]) -> list[ShownDiff]:
    return [_shown(diff.path, diff.unified.splitlines()[2:], _fault(diff.fault)) for diff in diffs]


def _fault(fault: dict[str, Any] | None) -> str:
    return fault_words(fault) if fault else ""


def fault_words(fault: dict[str, Any]) -> str:
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


def _shown(path: str, lines: list[str], fault: str = "") -> ShownDiff:
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    kept = [(KINDS.get(line[:1], "same"), line) for line in islice(lines, MOST_LINES)]
    return ShownDiff(path, kept, added, removed, fault)
