"""What a block says: its examples, and the names in it."""

from __future__ import annotations

from collections.abc import Iterator

from rasax.training.formats import examples, uses
from rasax.training.formats.blocks import Part
from rasax.training.formats.examples import Written
from rasax.training.formats.nodes import Node
from rasax.training.formats.uses import TAUGHT, Use

Mention = tuple[str, str, str]  # kind, name, how


def written(part: Part) -> list[Written]:
    """Its examples, in order."""
    return [each for item in _of_nlu(part) for each in examples.of_item(item)]


def _of_nlu(part: Part) -> Iterator[Node]:
    for section, key, node in part.nodes:
        if section == "nlu":
            yield from [node] if key is None else node.sequence


def used(part: Part) -> Iterator[Use]:
    """All names but those in examples."""
    for section, key, node in part.nodes:
        yield from uses.of(section, key, node)


def used_in(example: Written) -> Iterator[Use]:
    return uses.annotated(example.node, TAUGHT, example.source, example.at)


def mentions(part: Part) -> dict[Mention, None]:
    """Each once, in the order in which they appear; those of its examples are left out."""
    return {(use.kind, use.name, use.how): None for use in used(part)}


def taught(sources: list[str]) -> dict[Mention, None]:
    """What examples mention."""
    node = Node(0, 0, scalar="")
    found = (use for source in sources if "[" in source for use in uses.annotated(node, TAUGHT, source))
    return {(use.kind, use.name, use.how): None for use in found}
