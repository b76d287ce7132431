from __future__ import annotations

from collections.abc import Iterator

from django import template
from django.utils.translation import gettext

from rasax.training.changes import Change
from rasax.training.files import Example
from rasax.training.formats.errors import Refused
from rasax.training.telling import sentence
from rasax.training.wording import subject_in_words

register = template.Library()


@register.filter
def pieces(example: Example) -> Iterator[tuple[str, str]]:
    """The text in order, and of an entity's words what they are."""
    at = 0
    for each in sorted(example.entities, key=lambda entity: entity["start"]):
        start, end = each["start"], each["end"]
        if start < at:
            continue
        yield example.text[at:start], ""
        words = example.text[start:end]
        more = [str(each[name]) for name in ("role", "group") if each.get(name)]
        value = [f"= {each['value']}"] if each.get("value") not in (None, words) else []
        yield words, " · ".join([str(each["entity"]), *more, *value])
        at = end
    yield example.text[at:], ""


@register.filter
def translated(text: str) -> str:
    """What is kept in English."""
    return gettext(text) if text else ""


@register.filter
def subject(change: Change) -> str:
    return subject_in_words(change.verb, change.subject)


@register.filter
def in_words(error: Refused) -> str:
    return sentence(error)
