"""The long literal texts of a file (`examples: |`), taken out before YAML is read and put back after.

YAML's scanner takes a microsecond a character, and most of a training file is such texts, whose rules are simple. What
was taken for one is believed only where the reader of YAML found a literal text with our mark in just that place.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

SHORTEST = 200  # characters of a text that is worth it
HEAD = re.compile(r"^(?P<key>[ \t]*(?:- +)*)[A-Za-z_]+:[ ]+\|-?[ ]*(?:#[^\r\n]*)?\r?\n", re.MULTILINE)
OTHER_BREAKS = "\x85\u2028\u2029"
MARK = "\ue0f7{}\ue0f8"


@dataclass(frozen=True)
class Literal:
    """A text's lines as they are in the file, from `start` to `end`, each with `indent` blanks before it."""

    start: int
    end: int
    indent: int
    mark: str


@dataclass(frozen=True)
class Shortened:
    """The text to read, and what was left out of it."""

    text: str
    literals: list[Literal]
    starts: list[int]  # of the marks' lines in `text`, and how far what follows has moved
    moved: list[int]

    def place(self, index: int) -> int:
        """Where in the whole text this place of the shortened one is."""
        if not self.literals:
            return index
        number = bisect_right(self.starts, index)
        return index + (self.moved[number - 1] if number else 0)


def shortened(text: str) -> Shortened:
    literals = [] if _breaks_otherwise(text) or MARK[0] in text else _literals(text)
    parts, starts, moved, at, length = [], [], [], 0, 0
    for literal in literals:
        line = f"{' ' * literal.indent}{literal.mark}\n"
        parts += [text[at : literal.start], line]
        length += literal.start - at + len(line)
        starts.append(length)
        moved.append(literal.end - length)
        at = literal.end
    return Shortened("".join([*parts, text[at:]]), literals, starts, moved)


def _breaks_otherwise(text: str) -> bool:
    """Whether there are line breaks that only YAML knows."""
    return any(each in text for each in OTHER_BREAKS) or text.count("\r") != text.count("\r\n")


def _literals(text: str) -> list[Literal]:
    found: list[Literal] = []
    head = HEAD.search(text)
    while head:
        literal = body(text, head.end(), len(head["key"]), len(found)) if "\t" not in head["key"] else None
        if literal and literal.end - literal.start >= SHORTEST:
            found.append(literal)
        head = HEAD.search(text, literal.end if literal else head.end())
    return found


def body(text: str, start: int, column: int, number: int = 0) -> Literal | None:
    """The literal text that begins at the line `start`, below a key in this column; None where it has no lines."""
    first = re.compile(r"(?:[ ]*\r?\n)*(?P<blanks> *)[^ \r\n]").match(text, start)
    if first is None or len(first["blanks"]) <= column:
        return None
    indent = len(first["blanks"])
    less = re.compile(rf"\n {{0,{indent - 1}}}[^ \r\n]").search(text, first.end() - 1)
    return Literal(start, less.start() + 1 if less else len(text), indent, MARK.format(number))


def value(text: str, literal: Literal) -> str:
    """What YAML makes of it, but for the blank lines at its end."""
    lines = text[literal.start : literal.end].replace("\r\n", "\n").split("\n")
    return "\n".join(line[literal.indent :] for line in lines).rstrip("\n") + "\n"
