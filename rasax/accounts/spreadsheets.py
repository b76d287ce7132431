"""CSV that a spreadsheet shows and does not run."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
PASSED_OVER = " '\"\u00a0\ufeff"  # what some programs leave out before they look


class _Line:
    """What csv.writer writes to: it hands each line on."""

    def write(self, line: str) -> str:
        return line


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """One line a row. A cell that a spreadsheet would take for a formula gets an apostrophe before it (OWASP)."""
    writer = csv.writer(_Line())
    return (writer.writerow([_defused(cell) for cell in row]) for row in rows)


def _defused(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(PASSED_OVER).startswith(FORMULA) else cell
