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
from rasax.training.formats.messages import BAD_ENTITY, EMPTY_EXAMPLE, NOT_WRITABLE

Entity = dict[str, Any]  # start, end, entity, value; role and group where they are given

ANNOTATION = re.compile(
    r"\[(?P<words>[^\]]+?)\]"
    r"(?:\((?P<name>[^:)]+?)(?::(?P<value>[^)]+))?\)|\{(?P<one>[^}]+?)\}|\[(?P<many>.*?)\])"
)
OBJECT = re.compile(r"\{[^}]+?\}")
BREAKS = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")  # where Rasa's reader would end the example
STRIPPED = "\n\r "
ATTRIBUTES = ("entity", "value", "role", "group")


@dataclass(frozen=True)
class Annotation:
    """`[words]…` in an example: where it is in its source, and what it says of its words."""

    start: int
    end: int
    words: str
    entities: tuple[Entity, ...]
    names: tuple[tuple[str, str, int, int], ...]  # attribute, name, and where in the source the name is


def found_in(source: str) -> Iterator[Annotation]:
    for found in ANNOTATION.finditer(source) if "[" in source else ():
        if found["name"] is not None:
            entity = {"entity": found["name"], "value": found["value"] or found["words"]}
            name = ("entity", found["name"], *found.span("name"))
            yield Annotation(found.start(), found.end(), found["words"], (entity,), (name,))
        else:
            yield _of_objects(found)


def _of_objects(found: re.Match[str]) -> Annotation:
    texts = [(found.start("one") - 1, "{" + found["one"] + "}")] if found["one"] else _objects(found)
    entities, names = [], []
    for at, text in texts:
        given = _given(text)
        if given:
            entities.append({"value": found["words"], **given})
            names += [(key, given[key], *_place(text, at, key)) for key in ATTRIBUTES if key in given]
    return Annotation(found.start(), found.end(), found["words"], tuple(entities), tuple(names))


def _objects(found: re.Match[str]) -> list[tuple[int, str]]:
    return [(found.start("many") + each.start(), each[0]) for each in OBJECT.finditer(found["many"] or "")]


def _given(text: str) -> Entity | None:
    try:
        given = json.loads(text)
    except ValueError:
        return None
    if not isinstance(given.get("entity"), str):
        return None
    return {key: str(given[key]) for key in ATTRIBUTES if given.get(key) is not None}


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
