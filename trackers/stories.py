"""Conversations as stories, in the YAML that Rasa 3 reads: where it is right, byte for byte what Rasa 3.6 writes.

Python 3.8 and later; needs ruamel.yaml, 0.17 or later, when a story is written.
"""

from __future__ import annotations

import json
import re
from io import StringIO
from itertools import groupby
from typing import TYPE_CHECKING, Any

from trackers.applied import LISTEN, SESSION_START
from trackers.tracker import DialogueStateTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Event = dict[str, Any]
    Step = dict[str, Any]

UNSAID_ACTIONS = LISTEN, SESSION_START, "action_unlikely_intent", "..."
ANNOTATION = re.compile(r"\[([^\]]+?)\](?:\([^:)]+?(?::[^)]+)?\)|\{[^}]+?\}|\[.*?\])")
# Rasa writes these characters as they are, into files that it cannot read or reads as something else.
UNREADABLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]|^\t", re.MULTILINE)
WIDTH = 4096  # Rasa's: longer lines are folded


def story(name: str, events: Iterable[Event], test: bool = False) -> str:
    """One story of all events; `test` adds what users wrote, their entities annotated in it."""
    return stories({name: events}, test)


def stories(named: dict[str, Iterable[Event]], test: bool = False) -> str:
    """Several stories, by name, in one file."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    entries = [{"story": name, "steps": _steps(events, test)} for name, events in named.items()]
    return _yaml({"version": DoubleQuotedScalarString("3.1"), **({"stories": entries} if entries else {})})


def _yaml(data: Any) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        def ignore_aliases(self, _: Any) -> bool:
            return True  # a value that two events share is written twice

        def represent_text(self, text: str) -> Any:
            return self.represent_scalar("tag:yaml.org,2002:str", text, '"' if UNREADABLE.search(text) else None)

    Representer.add_representer(str, Representer.represent_text)
    Representer.add_representer(type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null"))
    yaml, text = YAML(), StringIO()
    yaml.Representer = Representer
    yaml.width = WIDTH
    yaml.dump(data, text)
    return text.getvalue()


def _steps(events: Iterable[Event], test: bool) -> list[Step]:
    found = []
    for user, event in _with_users(events):
        step = user.step(test) if user else _STEPS.get(_text(event.get("event")), _no_step)(event)
        if step:
            found.append(step)
    return found


def _with_users(events: Iterable[Event]) -> Iterable[tuple[_User | None, Event]]:
    """Each event, and what became of it if it is a user's message: later events add entities and a featurization."""
    rows: list[tuple[_User | None, Event]] = []
    users: dict[int, _User] = {}
    tracker = DialogueStateTracker("")
    for event in events:
        tracker.update(event)
        user = None
        if event.get("event") == "user":
            user = users[id(event)] = _User(event)
        elif event.get("event") in ("entities", "user_featurization") and tracker.latest_action_name == LISTEN:
            said = users.get(id(tracker.latest_user_uttered))
            if said:
                said.add(event)
        rows.append((user, event))
    return rows


class _User:
    def __init__(self, event: Event) -> None:
        parse_data = _mapping(event.get("parse_data"))
        intent = _mapping(parse_data.get("intent"))
        self.text = _text(event.get("text"))
        self.intent = intent.get("name") and (intent.get("full_retrieval_intent_name") or intent["name"])
        self.entities = _entities(parse_data)
        self.by_text = bool(self.text) and not intent.get("name")

    def add(self, event: Event) -> None:
        if event["event"] == "user_featurization":
            self.by_text = bool(event.get("use_text_for_featurization"))
        else:
            self.entities += [entity for entity in _entities(event) if entity not in self.entities]

    def step(self, test: bool) -> Step:
        from ruamel.yaml.scalarstring import LiteralScalarString

        step: Step = {}
        if self.intent and not self.by_text:
            step["intent"] = self.intent
        if self.entities and not test:
            step["entities"] = [_entity_step(entity) for entity in self.entities]
        if self.text and (test or self.by_text):
            text = annotated(self.text, self.entities)
            step["user"] = text if UNREADABLE.search(text) else LiteralScalarString(text)
        return step


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _entities(fields: dict[str, Any]) -> list[dict[str, Any]]:
    entities = fields.get("entities")
    named = entities if isinstance(entities, list) else []
    return [entity for entity in named if isinstance(entity, dict) and isinstance(entity.get("entity"), str)]


def _entity_step(entity: dict[str, Any]) -> Any:
    # Rasa's writer loses roles and groups, on which its reader and its policies set store, so they are written here.
    if "value" not in entity:
        return entity["entity"]
    roles = {key: entity[key] for key in ("role", "group") if entity.get(key) is not None}
    return {entity["entity"]: entity["value"], **roles}


def _action_step(event: Event) -> Step:
    name, text = event.get("name"), event.get("action_text")
    if name in UNSAID_ACTIONS:
        return {}
    if name:
        return {"action": name}
    return {"bot": text} if text else {}


def _slot_step(event: Event) -> Step:
    name = event.get("name")
    return {"slot_was_set": [{name: event.get("value")}]} if isinstance(name, str) else {}


def _loop_step(event: Event) -> Step:
    return {"active_loop": event.get("name")}


def _no_step(_: Event) -> Step:
    return {}


_STEPS: dict[str, Callable[[Event], Step]] = {
    "action": _action_step,
    "slot": _slot_step,
    "active_loop": _loop_step,
    "form": _loop_step,
}


def annotated(text: str, entities: list[dict[str, Any]]) -> str:
    """The text with its entities in it: `to [Berlin](city)`. Positions count code points.

    What looks like such an annotation is taken out of the text first, as Rasa does: it would be read as one.
    Rasa raises for entities that overlap, or writes words twice; here the first and longest keeps its place.
    """
    plain = ANNOTATION.sub(lambda match: match.group(1), text)
    if plain.startswith("/"):
        return plain  # `/greet{"name": "Ann"}` holds its entities itself
    parts, end = [], 0
    placed = sorted((entity for entity in entities if _is_placed(entity)), key=lambda entity: entity["start"])
    for start, group in groupby(placed, key=lambda entity: entity["start"]):
        if start >= end:
            parts.append(plain[end:start])
            end, part = _annotation(plain, list(group))
            parts.append(part)
    return "".join([*parts, plain[end:]])


def _is_placed(entity: dict[str, Any]) -> bool:
    start, end = entity.get("start"), entity.get("end")
    return isinstance(start, int) and isinstance(end, int) and 0 <= start <= end


def _annotation(text: str, entities: list[dict[str, Any]]) -> tuple[int, str]:
    """Where the annotation ends, and the words and entities that begin in one place."""
    end = max(entity["end"] for entity in entities)
    same = [entity for entity in entities if entity["end"] == end]
    words = text[same[0]["start"] : end]
    if len(same) == 1:
        return end, f"[{words}]{_attributes(words, same[0])}"
    listed = ", ".join(_attributes(words, entity, short=False) for entity in same)
    return end, f"[{words}][{listed}]"


def _attributes(words: str, entity: dict[str, Any], short: bool = True) -> str:
    value = entity.get("value")
    value = None if value and value == words else value
    named = {key: entity.get(key) for key in ("entity", "role", "group")}
    given = {key: given for key, given in {**named, "value": value}.items() if given is not None}
    return f"({entity['entity']})" if short and len(given) == 1 else json.dumps(given)
