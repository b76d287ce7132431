"""A text with its entities, between a form and the data: what <entity-marker> is given, and what it sends."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count

from rasax.training import entities as annotation
from rasax.training.files import Mention
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import BAD_ENTITY

Entities = Sequence[Mapping[str, Any]]
MOST_KNOWN = 200


@dataclass(frozen=True)
class Marker:
    """For templates/data/_marker.html. `known` are names of entities; the first nine have a number key."""

    text: str
    entities: Entities = ()
    known: Sequence[str] = field(default=())
    editable: bool = False

    @property
    def shown(self) -> list[dict[str, Any]]:
        """A value that says what the text says is none."""
        return [
            {name: value for name, value in each.items() if name != "value" or value != self._words(each)}
            for each in self.entities
        ]

    def _words(self, entity: Mapping[str, Any]) -> str:
        return self.text[entity["start"] : entity["end"]]

    @property
    def entities_json(self) -> str:
        return json.dumps(self.shown)

    @property
    def known_json(self) -> str:
        return json.dumps(list(self.known))

    @property
    def source(self) -> str:
        try:
            return annotation.written(self.text, self.entities)
        except Refused:
            return self.text


def known_entities(first: Sequence[str] = ()) -> list[str]:
    """Those named first, then the others: the most used come before."""
    found = Mention.objects.filter(kind=Mention.Kind.ENTITY).order_by().values_list("name")
    ranked = found.annotate(number=Count("pk")).order_by("-number", "name")[:MOST_KNOWN]
    return list(dict.fromkeys([*first, *(name for name, _ in ranked)]))


def read(sent: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """What a form with a marker sent. Raises Refused."""
    marked = sent.get("marked")
    if not marked:
        text, entities = annotation.read(str(sent.get("source", "")).strip())
        return text, list(entities)
    try:
        given = json.loads(marked)
        text, entities = given["text"], [_entity(each) for each in given["entities"]]
    except (ValueError, OverflowError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Refused(BAD_ENTITY) from error
    if not isinstance(text, str):
        raise Refused(BAD_ENTITY)
    return text, entities


def _entity(given: Mapping[str, Any]) -> dict[str, Any]:
    names = {name: str(given[name])[:255] for name in ("entity", "value", "role", "group") if given.get(name)}
    return {"start": int(given["start"]), "end": int(given["end"]), **names}
