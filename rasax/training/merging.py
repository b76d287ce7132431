"""Two who edited one text at once: both keep what they did, unless it was to the same lines."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import pairwise

Hunk = tuple[int, int, list[str]]  # lines of the base from, to, and what they become


def merged(base: str, theirs: str, ours: str) -> str | None:
    """None where both changed the same lines, or lines beside each other."""
    if theirs in (base, ours):
        return ours
    if ours == base:
        return theirs
    lines = base.splitlines(keepends=True)
    hunks = sorted(_hunks(lines, theirs) + _hunks(lines, ours))
    for (_, end, _), (start, _, _) in pairwise(hunks):
        if start <= end:
            return None
    return _applied(lines, hunks)


def _hunks(lines: list[str], text: str) -> list[Hunk]:
    new = text.splitlines(keepends=True)
    opcodes = SequenceMatcher(None, lines, new, autojunk=False).get_opcodes()
    return [(start, end, new[first:last]) for tag, start, end, first, last in opcodes if tag != "equal"]


def _applied(lines: list[str], hunks: list[Hunk]) -> str:
    result, at = list[str](), 0
    for start, end, new in hunks:
        result += [*lines[at:start], *new]
        at = end
    return "".join([*result, *lines[at:]])
