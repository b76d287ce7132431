"""The examples of an item of `nlu`, as Rasa reads them: lines of one text that begin with a dash, or a list.

Source: the documentation of the training data format. Rasa leaves out a line that begins otherwise; so it is here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rasax.training.entities import STRIPPED
from rasax.training.formats.nodes import Node


@dataclass(frozen=True, slots=True)
class Written:
    """An example as it is written. `at` is where it begins in its node's text; `number` counts the lines of that."""

    intent: str
    source: str
    node: Node
    at: int = 0
    number: int = -1


def of_item(item: Node) -> Iterator[Written]:
    """Of an intent. Those without a text are none."""
    intent = item.get("intent")
    found = item.get("examples")
    if found is None or intent is None or not intent.string:
        return
    for each in lines(found, intent.string) if found.string is not None else _listed(found, intent.string):
        if each.source:
            yield each


def lines(node: Node, intent: str = "") -> Iterator[Written]:
    """Also of synonyms, regexes and lookup tables."""
    at = 0
    for number, line in enumerate((node.string or "").splitlines(keepends=True)):
        if line.startswith("-"):
            source = line[1:].strip(STRIPPED)
            blanks = len(line) - len(line[1:].lstrip(STRIPPED))
            yield Written(intent, source, node, at + blanks, number)
        at += len(line)


def _listed(node: Node, intent: str) -> Iterator[Written]:
    for item in node.sequence:
        text = item.get("text")
        if text is not None and text.string:
            blanks = len(text.string) - len(text.string.lstrip(STRIPPED))
            yield Written(intent, text.string.strip(STRIPPED), text, blanks)
