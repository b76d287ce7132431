"""A story's steps as a page shows them: who does what, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rasax.training import stories
from rasax.training.declaring import part_of
from rasax.training.files import Block
from rasax.training.formats.errors import Refused

USER, BOT, STATE = "user", "bot", "state"
LONGEST = 200  # characters of a label


@dataclass(frozen=True)
class Step:
    """`kind` and `name` are what it mentions, where that is a name of the project: intent, action, slot, form."""

    lane: str
    label: str
    kind: str = ""
    name: str = ""
    detail: str = ""


Steps = list[list[Step]]  # each with its alternatives (`or`)


def steps_of(block: Block) -> Steps:
    """Empty where the block cannot be read."""
    try:
        found = [_alternatives(step) for step in stories.steps(part_of(block))]
    except Refused:
        return []
    return [step for step in found if step]


def _alternatives(step: Any) -> list[Step]:
    if not isinstance(step, dict):
        return []
    if isinstance(step.get("or"), list):
        return [each for one in step["or"] for each in _alternatives(one)]
    return list(_said(step))


def _said(step: dict[str, Any]) -> Iterator[Step]:
    if "intent" in step:
        yield _user(step, "intent", _text(step["intent"]))
    elif "user" in step:
        yield Step(USER, _quoted(step["user"]), detail=_entities(step))
    if "action" in step:
        name = _text(step["action"])
        yield Step(BOT, name, "action", name)
    elif "bot" in step:
        yield Step(BOT, _quoted(step["bot"]))
    if "checkpoint" in step:
        yield Step(STATE, f"⚑ {_text(step['checkpoint'])}")
    if "active_loop" in step:
        name = _text(step["active_loop"])
        yield Step(STATE, f"⟳ {name}", "form" if step["active_loop"] else "", name)
    if "slot_was_set" in step:
        yield from _slots(step["slot_was_set"])


def _user(step: dict[str, Any], kind: str, name: str) -> Step:
    said = [_quoted(step["user"])] if "user" in step else []
    return Step(USER, name, kind, name, " ".join([*said, _entities(step)]).strip())


def _entities(step: dict[str, Any]) -> str:
    found = step.get("entities")
    named = [each if isinstance(each, dict) else {str(each): None} for each in found] if isinstance(found, list) else []
    return ", ".join(_pair(*pair) for each in named for pair in list(each.items())[:1])


def _slots(found: Any) -> Iterator[Step]:
    rows = found if isinstance(found, list) else [found]
    for row in rows:
        for name, value in (row if isinstance(row, dict) else {_text(row): ...}).items():
            yield Step(STATE, _pair(str(name), value), "slot", str(name))


def _pair(name: str, value: Any) -> str:
    return name if value is ... or value is None else f"{name} = {_text(value)}"


def _text(value: Any) -> str:
    return ("–" if value is None else str(value))[:LONGEST]


def _quoted(value: Any) -> str:
    return f"“{_text(value).strip()}”"
