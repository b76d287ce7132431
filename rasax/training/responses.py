"""What the assistant says: its responses with their variations, and which one Rasa would choose."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rasax.training.choosing import Variation, choose, filled
from rasax.training.declaring import part_of
from rasax.training.files import Block
from rasax.training.formats.errors import Refused

ORIGIN = re.compile(r"(https?://[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})(?::[0-9]{1,5})?)(?:[/?#][^\s\"'<>]*)?")
LONGEST = 20_000  # characters of a custom payload on a page


@dataclass(frozen=True)
class Card:
    """A variation as a chat shows it. `origin` is where its image comes from, where that is an address of the web."""

    number: int
    text: str = ""
    buttons: list[tuple[str, str]] = field(default_factory=list)
    image: str = ""
    origin: str = ""
    custom: str = ""
    channel: str = ""
    conditions: list[str] = field(default_factory=list)


def responses() -> dict[str, list[Variation]]:
    """By name; of a name in several files the last counts, as for Rasa. What cannot be read is left out."""
    blocks = Block.objects.filter(kind=Block.Kind.RESPONSE).select_related("file").order_by("file__path", "position")
    return {block.name: variations(block) for block in blocks}


def block_of(name: str) -> Block | None:
    found = Block.objects.filter(kind=Block.Kind.RESPONSE, name=name).select_related("file")
    return found.order_by("file__path", "position").last()


def variations(block: Block) -> list[Variation]:
    """Of a text alone Rasa makes a variation; what is none is left out."""
    try:
        _, _, node = part_of(block).nodes[0]
        found = node.data()
    except Refused:
        return []
    rows = found if isinstance(found, list) else []
    rows = [{"text": row} if isinstance(row, str) else row for row in rows]
    return [row for row in rows if isinstance(row, dict)]


def respond(
    name: str,
    slots: Mapping[str, Any],
    channel: str,
    arguments: Mapping[str, Any] | None = None,
    variation_id: str | None = None,
) -> Variation | None:
    """What Rasa would say: one that fits the channel and the slots, filled; None where there is none. Of a variation
    with this id that one."""
    block = block_of(name)
    if block is None:
        return None
    every = variations(block)
    named = [each for each in every if variation_id is not None and each.get("id") == variation_id]
    chosen = named[0] if named else choose(every, slots, channel)
    return filled(chosen, {**slots, **(arguments or {})}) if chosen is not None else None


def cards(block: Block) -> list[Card]:
    return [card(number, each) for number, each in enumerate(variations(block))]


def card(number: int, variation: Variation) -> Card:
    image = _text(variation.get("image"))
    custom = {key: variation[key] for key in ("custom", "attachment", "elements") if variation.get(key)}
    shown = custom.get("custom") if custom.keys() == {"custom"} else custom
    return Card(
        number,
        text=_text(variation.get("text")),
        buttons=[(_text(each.get("title")), _text(each.get("payload"))) for each in _buttons(variation)],
        image=image,
        origin=origin_of(image),
        custom=json.dumps(shown, indent=2, ensure_ascii=False, default=str)[:LONGEST] if shown else "",
        channel=_text(variation.get("channel")),
        conditions=_conditions(variation.get("condition")),
    )


def _buttons(variation: Variation) -> list[dict[str, Any]]:
    rows = [*_listed(variation.get("buttons")), *_listed(variation.get("quick_replies"))]
    return [row for row in rows if isinstance(row, dict)]


def _conditions(found: Any) -> list[str]:
    rows = [row for row in _listed(found) if isinstance(row, dict)]
    return [f"{_text(row.get('name'))} = {_text(row.get('value'))}" for row in rows]


def origin_of(image: str) -> str:
    found = ORIGIN.fullmatch(image)
    return found[1] if found else ""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return "" if value is None else str(value)
