"""A section in brackets, `stories: [{…}]` or `responses: {…}`, written over several lines: one for each item."""

from __future__ import annotations

import re

from rasax.training.formats.blocks import Part
from rasax.training.formats.editing import Block
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import SECTION_IN_LINE

BETWEEN = re.compile(r"[\s,\[\]{}]*")


def opened(part: Part) -> str:
    """The section's text. Each item stays as it is written. Raises Refused where comments stand between them."""
    block, (_, _, node) = Block.of(part), part.nodes[0]
    places = [(item.start, item.end) for item in node.items or []]
    places += [(name.start, value.end) for name, value in node.pairs or []]
    if (
        not node.flow
        or not places
        or not all(map(BETWEEN.fullmatch, _between(block.text, node.start, node.end, places)))
    ):
        raise Refused(SECTION_IN_LINE, part.section)
    head, (comment, line_break, rest) = block.text[part.start : node.start], block.text[node.end :].partition("\n")
    before = "- " if node.items else "  "
    items = [f"{before}{block.text[start:end]}{block.line_break}" for start, end in places]
    return "".join([head.rstrip(" "), comment.rstrip("\r"), line_break and block.line_break, *items, rest])


def _between(text: str, start: int, end: int, places: list[tuple[int, int]]) -> list[str]:
    return [text[a:b] for (_, a), (b, _) in zip([(0, start), *places], [*places, (end, 0)], strict=True)]
