"""The names in a block: which it declares, gives examples of, or uses, and where each is written.

Source: the training data format and the domain of Rasa 2.x and 3.x in its documentation, and what 3.6 makes of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from rasax.training import entities
from rasax.training.formats.nodes import Node

INTENT, ENTITY, ROLE, GROUP = "intent", "entity", "role", "group"
ACTION, RESPONSE, SLOT, FORM = "action", "response", "slot", "form"
DECLARED, TAUGHT, USED = "declared", "taught", "used"

UTTER = "utter_"
FORM_KEYS = {"required_slots", "ignored_intents"}
SLOT_IN_TEXT = re.compile(r"\{([A-Za-z0-9_\-.]+)\}")
PAYLOAD = re.compile(r"/([^{@\s]+)")


@dataclass(frozen=True, slots=True)
class Use:
    """The name is `node.text[start:end]`. Of a retrieval intent both the whole name and its first part are used."""

    kind: str
    name: str
    how: str
    node: Node
    start: int
    end: int


def _named(kind: str, how: str, node: Node | None, start: int = 0, end: int | None = None) -> Iterator[Use]:
    if node is None or not node.string:
        return
    stop = len(node.string) if end is None else end
    name = node.string[start:stop]
    if kind == ACTION and name.startswith(UTTER):
        kind = RESPONSE
    if name:
        yield Use(kind, name, how, node, start, stop)
    if kind in (INTENT, RESPONSE) and "/" in name:
        yield Use(kind, name.partition("/")[0], how, node, start, start + name.index("/"))


def _each(kind: str, how: str, node: Node | None) -> Iterator[Use]:
    """One name, or a list of them."""
    if node is not None:
        for item in node.sequence or [node]:
            yield from _named(kind, how, item)


def of(section: str, key: Node | None, node: Node) -> Iterator[Use]:
    """In an item of a section, or in a whole section."""
    if section in _OF_ITEMS:
        for item in [node] if key is None else node.sequence:
            yield from _OF_ITEMS[section](item)
    elif section in _OF_ENTRIES:
        yield from _entries(section, key, node)
    elif section in _OF_SECTIONS:
        yield from _OF_SECTIONS[section](node)


def _entries(section: str, key: Node | None, node: Node) -> Iterator[Use]:
    of_entry = _OF_ENTRIES[section]
    if key is not None and key.string == section:  # a whole section, written in one line or as a list
        for name, entry in node.mapping:
            yield from of_entry(name, entry)
        for item in node.sequence:
            yield from of_entry(item, item)
    elif key is not None:
        yield from of_entry(key, node)


def _nlu(item: Node) -> Iterator[Use]:
    yield from _named(INTENT, TAUGHT, item.get("intent"))


def annotated(node: Node, how: str, source: str, at: int = 0) -> Iterator[Use]:
    """The entities of an example that stands at this place of the node's text."""
    for each in entities.found_in(source):
        for attribute, name, start, end in each.names:
            if attribute != "value":
                yield Use(attribute, name, how, node, at + start, at + end)


def _intents(node: Node) -> Iterator[Use]:
    for item in node.sequence:
        if item.real.pairs is None:
            yield from _named(INTENT, DECLARED, item)
        for name, settings in item.mapping:
            yield from _named(INTENT, DECLARED, name)
            yield from _each(ENTITY, USED, _list_of(settings, "use_entities"))
            yield from _each(ENTITY, USED, _list_of(settings, "ignore_entities"))
            yield from _named(ACTION, USED, settings.get("triggers"))


def _list_of(settings: Node, name: str) -> Node | None:
    found = settings.get(name)
    return found if found is not None and found.sequence else None  # else it is true or false


def _entities(node: Node) -> Iterator[Use]:
    for item in node.sequence:
        if item.real.pairs is None:
            yield from _named(ENTITY, DECLARED, item)
        for name, settings in item.mapping:
            yield from _named(ENTITY, DECLARED, name)
            yield from _each(ROLE, DECLARED, settings.get("roles"))
            yield from _each(GROUP, DECLARED, settings.get("groups"))


def _actions(node: Node) -> Iterator[Use]:
    for item in node.sequence:
        for name in [key for key, _ in item.mapping] or [item]:
            yield from _named(ACTION, DECLARED, name)


def _slot(name: Node, entry: Node) -> Iterator[Use]:
    yield from _named(SLOT, DECLARED, name)
    yield from _mappings(entry.get("mappings"))


def _mappings(mappings: Node | None) -> Iterator[Use]:
    for mapping in mappings.sequence if mappings else ():
        yield from _named(ENTITY, USED, mapping.get("entity"))
        yield from _named(ROLE, USED, mapping.get("role"))
        yield from _named(GROUP, USED, mapping.get("group"))
        yield from _each(INTENT, USED, mapping.get("intent"))
        yield from _each(INTENT, USED, mapping.get("not_intent"))
        yield from _named(ACTION, USED, mapping.get("action"))
        conditions = mapping.get("conditions")
        for condition in conditions.sequence if conditions else ():
            yield from _loop(condition.get("active_loop"))
            yield from _named(SLOT, USED, condition.get("requested_slot"))


def _form(name: Node, entry: Node) -> Iterator[Use]:
    yield from _named(FORM, DECLARED, name)
    slots = entry.get("required_slots")
    yield from _each(INTENT, USED, entry.get("ignored_intents"))
    if slots is not None and slots.sequence:
        yield from _each(SLOT, USED, slots)
    for slot, mappings in slots.mapping if slots else entry.mapping:  # as 2.0 wrote them
        if slot.string not in FORM_KEYS:
            yield from _named(SLOT, USED, slot)
            yield from _mappings(mappings)


def _response(name: Node, entry: Node) -> Iterator[Use]:
    yield from _named(RESPONSE, DECLARED, name)
    for variant in entry.sequence:
        yield from _slots_in(variant.get("text"))
        for choices in (variant.get("buttons"), variant.get("quick_replies")):
            for choice in choices.sequence if choices else ():
                yield from _payload(choice.get("payload"))
        conditions = variant.get("condition")
        for condition in conditions.sequence if conditions else ():
            yield from _named(SLOT, USED, condition.get("name"))


def _slots_in(text: Node | None) -> Iterator[Use]:
    for found in SLOT_IN_TEXT.finditer((text.string or "") if text else ""):
        yield from _named(SLOT, USED, text, found.start(1), found.end(1))


def _payload(node: Node | None) -> Iterator[Use]:
    """`/affirm{"city": "Rome"}` says an intent."""
    found = PAYLOAD.match((node.string or "").lstrip()) if node else None
    if node is not None and node.string and found:
        shift = len(node.string) - len(node.string.lstrip())
        yield from _named(INTENT, USED, node, shift + found.start(1), shift + found.end(1))


def _told(item: Node) -> Iterator[Use]:
    for part in ("condition", "steps"):
        steps = item.get(part)
        for step in steps.sequence if steps else ():
            yield from _step(step)


def _step(step: Node) -> Iterator[Use]:
    yield from _intent_of(step.get("intent"))
    yield from _step_entities(step.get("entities"))
    yield from _said(step.get("user"))
    yield from _named(ACTION, USED, step.get("action"))
    yield from _set_slots(step.get("slot_was_set"))
    for key in ("active_loop", "form"):
        yield from _loop(step.get(key))
    choices = step.get("or")
    for choice in choices.sequence if choices else ():
        yield from _step(choice)


def _intent_of(node: Node | None) -> Iterator[Use]:
    """Rasa takes a slash before the name for a habit of old."""
    if node is not None and node.string:
        begin = len(node.string) - len(node.string.lstrip(" /"))
        yield from _named(INTENT, USED, node, begin, len(node.string.rstrip()))


def _said(node: Node | None) -> Iterator[Use]:
    if node is not None and node.string:
        yield from _payload(node) if node.string.lstrip().startswith("/") else annotated(node, USED, node.string)


def _step_entities(node: Node | None) -> Iterator[Use]:
    for item in node.sequence if node else ():
        if item.real.pairs is None:
            yield from _named(ENTITY, USED, item)
        for key, value in item.mapping:
            if key.string in (ROLE, GROUP):
                yield from _named(key.string, USED, value)
            else:
                yield from _named(ENTITY, USED, key)


def _set_slots(node: Node | None) -> Iterator[Use]:
    for item in (node.sequence or [node]) if node else ():
        if item.real.pairs is None:
            yield from _named(SLOT, USED, item)
        for key, value in item.mapping:
            yield from _named(SLOT, USED, key)
            if key.string == "requested_slot":
                yield from _loop(value, SLOT)


def _loop(node: Node | None, kind: str = FORM) -> Iterator[Use]:
    if node is not None and node.real.text is not None and node.data() is not None:
        yield from _named(kind, USED, node)


def _components(node: Node) -> Iterator[Use]:
    """What config.yml names of the data."""
    for component in node.sequence:
        yield from _named(INTENT, USED, component.get("retrieval_intent"))
        for key in ("core_fallback_action_name", "fallback_action_name"):
            yield from _named(ACTION, USED, component.get(key))


_OF_ITEMS: dict[str, Callable[[Node], Iterable[Use]]] = {"nlu": _nlu, "stories": _told, "rules": _told}
_OF_ENTRIES: dict[str, Callable[[Node, Node], Iterable[Use]]] = {
    "slots": _slot,
    "forms": _form,
    "responses": _response,
}
_OF_SECTIONS: dict[str, Callable[[Node], Iterable[Use]]] = {
    "intents": _intents,
    "entities": _entities,
    "actions": _actions,
    "pipeline": _components,
    "policies": _components,
}
