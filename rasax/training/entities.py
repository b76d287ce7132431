"""Entities in an example: as Rasa writes them in the text, and as places in the plain text. Pure Python.

Source: Rasa's documentation of the training data format, "Entities". Places count code points.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import BAD_ENTITY, EMPTY_EXAMPLE, NOT_WRITABLE, UNPRINTABLE
from rasax.training.formats.nodes import HIDDEN

Entity = dict[str, Any]  # start, end, entity, value; role and group where they are given
Name = tuple[str, str, int, int]  # attribute, name, and where in the source the name is

OBJECT = re.compile(r"\{[^}]+\}")
BREAKS = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")  # where Rasa's reader would end the example
STRIPPED = "\n\r "
ATTRIBUTES = ("entity", "value", "role", "group")
KEPT_EMPTY = ("entity", "value")  # an empty role is none


@dataclass(frozen=True)
class Annotation:
    """`[words]…` in an example: where it is in its source, and what it says of its words."""

    start: int
    end: int
    words: str
    entities: tuple[Entity, ...]
    names: tuple[Name, ...]
    broken: tuple[str, ...] = ()  # objects that Rasa refuses


def found_in(source: str) -> Iterator[Annotation]:
    """From left to right. The words reach from a bracket to the next that closes one, whatever stands between."""
    start = source.find("[")
    while start >= 0:
        closed = source.find("]", start)
        if closed < 0:
            return
        found = _found(source, start, closed) if closed > start + 1 else None
        if found:
            yield found
        start = source.find("[", found.end if found else closed)


def _found(source: str, start: int, closed: int) -> Annotation | None:
    reading = _READING.get(source[closed + 1 : closed + 2])
    return reading(source, start, closed) if reading else None


def _with_name(source: str, start: int, closed: int) -> Annotation | None:
    """`[Rome](city)`, or `[Rome](city:the value)`."""
    begin, end = closed + 2, source.find(")", closed)
    name, colon, value = source[begin:end].partition(":")
    if end < 0 or not name or (colon and not value):
        return None
    words = source[start + 1 : closed]
    entity = {"entity": name, "value": value or words}
    return Annotation(start, end + 1, words, (entity,), (("entity", name, begin, begin + len(name)),))


def _with_object(source: str, start: int, closed: int) -> Annotation | None:
    """`[Rome]{"entity": "city"}`: the first brace ends it, even one in a string."""
    end = source.find("}", closed)
    return _of_objects(source, start, closed, end + 1) if end > closed + 2 else None


def _with_list(source: str, start: int, closed: int) -> Annotation | None:
    """`[Rome][{"entity": "city"}, {"entity": "team"}]`, in one line."""
    end = source.find("]", closed + 1)
    return None if end < 0 or "\n" in source[closed:end] else _of_objects(source, start, closed, end + 1)


_READING = {"(": _with_name, "{": _with_object, "[": _with_list}


def _of_objects(source: str, start: int, closed: int, end: int) -> Annotation:
    words, found, names, broken = source[start + 1 : closed], list[Entity](), list[Name](), list[str]()
    for each in OBJECT.finditer(source, closed + 1, end):
        given = _given(each[0])
        if given is None:
            broken.append(each[0])
            continue
        found.append({"value": words, **given})
        names += [(key, given[key], *_place(each[0], each.start(), key)) for key in ATTRIBUTES if key in given]
    return Annotation(start, end, words, tuple(found), tuple(names), tuple(broken))


def _given(text: str) -> Entity | None:
    """None where Rasa would refuse the whole file."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return None
    named = all(isinstance(given.get(key, ""), str) for key in ATTRIBUTES if key != "value")
    if not named or "entity" not in given or type(given.get("value", "")) not in (str, int, float):
        return None
    kept = (key for key in ATTRIBUTES if key in given and (given[key] != "" or key in KEPT_EMPTY))
    return {key: HIDDEN.sub("\ufffd", str(given[key])) for key in kept}


def broken(source: str) -> list[str]:
    """The braces after words that are no entity, for which Rasa refuses the whole file."""
    return [text for found in found_in(source) for text in found.broken]


def _place(text: str, at: int, key: str) -> tuple[int, int]:
    """Where the value of this key is, as it is written: with JSON's escapes, without its quotes."""
    found = re.search(rf'"{key}"\s*:\s*"((?:[^"\\]|\\.)*)"', text)
    return (at + found.start(1), at + found.end(1)) if found else (at, at)


def read(source: str) -> tuple[str, list[Entity]]:
    """The plain text of an example, and its entities."""
    if "[" not in source:
        return source, []
    parts, entities, at, length = list[str](), list[Entity](), 0, 0
    for each in found_in(source):
        parts += [source[at : each.start], each.words]
        start = length + each.start - at
        length, at = start + len(each.words), each.end
        entities += [{"start": start, "end": length, **entity} for entity in each.entities]
    return "".join([*parts, source[at:]]), entities


def written(text: str, entities: Sequence[Mapping[str, Any]] = ()) -> str:
    """How an example is written in a file. Raises Refused where Rasa would read something else."""
    text = BREAKS.sub(" ", text)
    plain = text.strip(STRIPPED)
    if not plain:
        raise Refused(EMPTY_EXAMPLE)
    hidden = HIDDEN.search(plain)
    if hidden:
        raise Refused(UNPRINTABLE, f"U+{ord(hidden[0]):04X}: {plain}")
    before = len(text) - len(text.lstrip(STRIPPED))
    placed = sorted((_placed(entity, plain, before) for entity in entities), key=itemgetter("start", "end"))
    source = _annotated(plain, placed)
    if read(source) != (plain, placed):
        raise Refused(NOT_WRITABLE, plain)
    return source


def _placed(entity: Mapping[str, Any], text: str, before: int) -> Entity:
    start, end, name = entity.get("start"), entity.get("end"), entity.get("entity")
    if not (isinstance(start, int) and isinstance(end, int) and before <= start < end <= len(text) + before):
        raise Refused(BAD_ENTITY, f"{name} {start}–{end}: {text}")
    start, end = start - before, end - before
    given = {key: str(entity[key]) for key in ATTRIBUTES if entity.get(key) not in (None, "")}
    if "entity" not in given:
        raise Refused(BAD_ENTITY, f"{start}–{end}: {text}")
    return {"start": start, "end": end, "value": text[start:end], **given}


def _annotated(text: str, entities: list[Entity]) -> str:
    parts, at = list[str](), 0
    for (start, end), group in groupby(entities, key=itemgetter("start", "end")):
        if start < at:
            raise Refused(BAD_ENTITY, f"{start}–{end}: {text}")
        words = text[start:end]
        parts += [text[at:start], f"[{words}]", _attributes(words, list(group))]
        at = end
    return "".join([*parts, text[at:]])


def _attributes(words: str, entities: list[Entity]) -> str:
    given = [{key: each[key] for key in ATTRIBUTES if key in each} for each in entities]
    for each in given:
        if each["value"] == words:
            del each["value"]
    if len(given) > 1:
        return f"[{', '.join(json.dumps(each, ensure_ascii=False) for each in given)}]"
    only = given[0]
    short = set(only) == {"entity"} and not set(only["entity"]) & set(":)")
    return f"({only['entity']})" if short else json.dumps(only, ensure_ascii=False)
