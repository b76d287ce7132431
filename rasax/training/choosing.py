"""Which variation of a response a bot says, and what it says with it: as Rasa 3.6 decides.

The rule was learned from Rasa's documentation and tried against Rasa itself (tests/inside_rasa/test_nlg.py).
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

Variation = dict[str, Any]

FILLED = ("text", "image", "custom", "buttons", "attachment", "quick_replies")
PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^\n{}]+)\}|[{}]")
NAMED = re.compile(r"\{[^\n{}]+\}")


def eligible(variations: Sequence[Variation], slots: Mapping[str, Any], channel: str) -> list[Variation]:
    """Those of which one is said: for this channel before those for any, and of each with a condition before those
    without. A variation for another channel is never said, nor one whose list of conditions is empty."""
    met = [each for each in variations if each.get("condition") and _holds(each["condition"], slots)]
    free = [each for each in variations if each.get("condition") is None]
    groups = [
        [each for each in some if each.get("channel") == name] for name in (channel, None) for some in (met, free)
    ]
    return next((group for group in groups if group), [])


def choose(variations: Sequence[Variation], slots: Mapping[str, Any], channel: str) -> Variation | None:
    """One of them at random, as it is written."""
    fitting = eligible(variations, slots, channel)
    return random.choice(fitting) if fitting else None


def _holds(conditions: Any, slots: Mapping[str, Any]) -> bool:
    """All of them: texts are the same whatever their case."""
    if not isinstance(conditions, list):
        return False
    return all(
        isinstance(each, dict) and _same(slots.get(each.get("name", "")), each.get("value")) for each in conditions
    )


def _same(slot: Any, wanted: Any) -> bool:
    if isinstance(slot, str) and isinstance(wanted, str):
        return slot.casefold() == wanted.casefold()
    return bool(slot == wanted)


def filled(variation: Variation, values: Mapping[str, Any]) -> Variation:
    """With each `{slot}` in its texts, buttons, image and custom payload replaced."""
    if not values:
        return variation
    return {key: _filled(value, values) if key in FILLED else value for key, value in variation.items()}


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    return {key: _filled(item, values) for key, item in value.items()} if isinstance(value, dict) else value


def fill(text: str, values: Mapping[str, Any]) -> str:
    """`{name}` becomes its value, `{{` and `}}` become single braces. A text stays as it is where it names what is not
    known, has a brace that belongs to nothing, or has `{{name}}` beside `{name}`. Nothing but the value is reached."""
    found = list(PLACEHOLDER.finditer(text))
    names = [match[1] for match in found if match[1]]
    if any(match[0] in {"{", "}"} for match in found) or any(name not in values for name in names):
        return text
    if names and len(NAMED.findall(text)) > len(names):
        return text
    return PLACEHOLDER.sub(lambda match: str(values[match[1]]) if match[1] else match[0][0], text)
