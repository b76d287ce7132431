"""The lines of a text: which line a place is in, and where what is written there begins and ends."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

from rasax.training.formats.nodes import Node


class Lines:
    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def starts(self) -> list[int]:
        lengths = map((1).__add__, map(len, self.text.split("\n")))
        return [0, *accumulate(lengths)][:-1]

    def of(self, at: int) -> int:
        return bisect_right(self.starts, at) - 1

    def start(self, at: int) -> int:
        """Of the line of this place."""
        return self.starts[self.of(at)]

    def column(self, at: int) -> int:
        return at - self.start(at)

    def end(self, line: int) -> int:
        """Its break is in it."""
        return self.starts[line + 1] if line + 1 < len(self.starts) else len(self.text)

    def content(self, line: int) -> str:
        return self.text[self.starts[line] : self.end(line)]

    def after(self, end: int) -> int:
        """The first line that what ends there does not reach into."""
        line = self.of(end)
        return line if end == self.starts[line] else line + 1

    def dash(self, at: int, column: int, free: int = 0) -> int:
        """Where the dash of the item is whose content begins there: mostly in the same line."""
        line = self.of(at)
        while line > free and not self._is_dash(line, column):
            line -= 1
        return self.starts[line] + column

    def _is_dash(self, line: int, column: int) -> bool:
        text = self.content(line)
        return text[column : column + 1] == "-" and not text[:column].strip(" \ufeff")

    def begins(self, at: int, free: int = 0) -> int:
        """Where the line of this place begins, with the comments right above it."""
        line = self.of(at)
        while line > free and self.content(line - 1).lstrip(" \ufeff").startswith("#"):
            line -= 1
        return self.starts[line]

    def items(self, sequence: Node) -> list[tuple[int, int]]:
        """From where to where the items of a list in lines reach: whole lines, with the comments above each."""
        column, free, places = self.column(sequence.start), self.of(sequence.start), list[tuple[int, int]]()
        for item in sequence.items or []:
            start = self.begins(self.dash(item.start, column, free), free)
            free = self.after(item.end)
            places.append((start, self.starts[free] if free < len(self.starts) else len(self.text)))
        return places
