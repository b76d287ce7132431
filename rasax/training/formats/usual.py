"""YAML as training data mostly is: a key, a dash or a short text a line. Read fifty times as fast as YAML in general.

Whatever is written otherwise (quotes with escapes, brackets, anchors, texts over several lines) is Unusual, and
ruamel.yaml reads the whole text. So this need not know YAML; it must only never see what ruamel.yaml would not.
"""

from __future__ import annotations

import re
from typing import Protocol

LONGEST_KEY = 200  # characters; YAML has no keys of more than a thousand
PLAIN = r"""[^\s\-.?:,\[\]{}#&*!|>'"%@`](?:[^\s:]|:(?=\S)|[ ]+(?=[^ #:]))*"""
LINE = re.compile(
    rf"""(?P<blanks>[ ]*)(?:-(?P<gap>[ ]+))?(?:(?P<key>{PLAIN}):(?=[ ]|$)[ ]*)?"""
    rf"""(?P<value>{PLAIN}|"[^"\\]*"|'[^']*'|\|-?(?=[ ]|$))?[ ]*(?:(?<=[ ])\#.*)?"""
)
NOTHING = re.compile(r"[ ]*(?:#.*)?")
NEVER = re.compile("[\r\x85\u2028\u2029\ufeff]")


class Unusual(Exception):
    """This text is not for this reader."""


class Told(Protocol):
    """Who is told what stands where, in the order of the text."""

    def scalar(self, text: str, start: int, end: int, style: str) -> None: ...
    def begins(self, is_list: bool, at: int) -> None: ...
    def ends(self) -> None: ...


def read(text: str, told: Told) -> None:
    """Raises Unusual, also when much was told by then."""
    if NEVER.search(text):
        raise Unusual
    _Reader(text, told).read()


class _Reader:
    def __init__(self, text: str, told: Told) -> None:
        self.lines, self.size, self.told = text.split("\n"), len(text), told
        self.open: list[tuple[int, bool]] = []  # collections: their column, and whether they are lists
        self.waiting: int | None = None  # the place behind a key's colon, as long as its value has not come
        self.number, self.at = 0, 0  # of the line to read, and where it begins

    def read(self) -> None:
        while self.number < len(self.lines):
            line, at = self.lines[self.number], self.at
            self._next(line)
            if not NOTHING.fullmatch(line):
                self._line(line, at)
        self._close(-1, False)

    def _next(self, line: str) -> None:
        self.at += len(line) + 1
        self.number += 1

    def _line(self, line: str, at: int) -> None:
        found = LINE.fullmatch(line)
        if found is None:
            raise Unusual
        blanks, gap, key, value = found.groups()
        column, is_item = len(blanks), gap is not None
        if self.open:
            self._close(column, is_item)
        if is_item:
            self._item(column, at + column)
            column += 1 + len(gap)
        if key is not None:
            self._key(key, column, at + column, is_item)
        elif not is_item or value is None:
            raise Unusual  # it goes on from the line before, or there is nothing in it
        if value is not None:
            self._value(value, at + found.start("value"))

    def _close(self, column: int, is_item: bool) -> None:
        """What a line in this column is no part of."""
        while self.open:
            own, is_list = self.open[-1]
            if own < column or (own == column and (is_item or not is_list)):
                return
            self._give_nothing()
            self.open.pop()
            self.told.ends()
        if column >= 0:
            raise Unusual

    def _give_nothing(self) -> None:
        """To a key without a value."""
        if self.waiting is not None:
            self.told.scalar("", self.waiting, self.waiting, "")
            self.waiting = None

    def _item(self, column: int, at: int) -> None:
        if self.open and self.open[-1] == (column, True):
            return
        if self.waiting is None:
            raise Unusual
        self.waiting = None
        self.open.append((column, True))
        self.told.begins(True, at)

    def _key(self, key: str, column: int, at: int, is_item: bool) -> None:
        if len(key) > LONGEST_KEY:
            raise Unusual
        if is_item or not self.open or (self.waiting is not None and column > self.open[-1][0]):
            self.waiting = None
            self.open.append((column, False))
            self.told.begins(False, at)
        elif self.open[-1] != (column, False):
            raise Unusual
        self._give_nothing()
        self.told.scalar(key, at, at + len(key), "")
        self.waiting = at + len(key) + 1

    def _value(self, value: str, at: int) -> None:
        self.waiting = None
        if value[0] == "|":
            self._literal(at, self.open[-1][0], keeps_break=value == "|")
        elif value[0] in "\"'":
            self.told.scalar(value[1:-1], at, at + len(value), value[0])
        else:
            self.told.scalar(value, at, at + len(value), "")

    def _literal(self, at: int, column: int, keeps_break: bool) -> None:
        text = "\n".join(self._lines_below(column))
        told, is_last = text.rstrip("\n"), self.number == len(self.lines)
        if not told or (not is_last and _blanks(self.lines[self.number]) > column):
            raise Unusual  # what comes next is deeper than the key, and less deep than its text
        if keeps_break and (not is_last or text != told):
            told += "\n"
        self.told.scalar(told, at, min(self.at, self.size), "|")

    def _lines_below(self, column: int) -> list[str]:
        """The lines that are deeper, without what all have before them, and blank lines between and after them."""
        kept, indent = list[str](), 0
        while self.number < len(self.lines):
            line = self.lines[self.number]
            blanks = _blanks(line)
            if blanks < len(line):
                if blanks <= column or blanks < indent:
                    break
                indent = indent or blanks
            elif line and (self.number == len(self.lines) - 1 or not indent or blanks > indent):
                raise Unusual
            kept.append(line[indent:])
            self._next(line)
        return kept


def _blanks(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
