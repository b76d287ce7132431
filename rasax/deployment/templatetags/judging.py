from __future__ import annotations

from typing import Any

from django import template

from rasax.deployment.judging_pages import shown

register = template.Library()


@register.inclusion_tag("training/_words.html", takes_context=True)
def rasas_word(context: dict[str, Any]) -> dict[str, Any]:
    """For a page of the training data, which knows of no Rasa server."""
    return {**shown(context["request"].user), "csrf_token": context.get("csrf_token")}
