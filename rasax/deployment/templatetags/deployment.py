from __future__ import annotations

from django import template
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

register = template.Library()

KINDS: dict[str, str | Promise] = {
    "intent": _("Intent"),
    "entity": _("Entity"),
    "response": _("Response"),
    "action": _("Action"),
    "": "",
}
MEASURES: dict[str, str | Promise] = {"accuracy": _("Accuracy"), "precision": _("Precision"), "f1": "F1"}


@register.filter
def percent(value: float) -> str:
    return f"{number_format(value * 100, 1)} %"


@register.filter
def kind(key: str) -> str | Promise:
    return KINDS.get(key, key)


@register.filter
def measure(key: str) -> str | Promise:
    return MEASURES.get(key, key)
