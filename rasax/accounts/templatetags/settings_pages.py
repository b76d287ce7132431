from __future__ import annotations

from typing import Any

from django import template
from django.contrib.auth.models import AnonymousUser
from django.utils.functional import Promise

from rasax.accounts.settings_pages import SettingsPage, areas_open_to

register = template.Library()
Areas = list[tuple[Promise, list[SettingsPage]]]


@register.simple_tag(takes_context=True)
def settings_areas(context: dict[str, Any]) -> Areas:
    """What stands in the settings' navigation; the page of a server error has no user."""
    return areas_open_to(context.get("user") or AnonymousUser())


@register.filter
def hold(areas: Areas, path: str) -> bool:
    """Whether one of these pages, or a page below it, is at this path."""
    return any(page.holds(path) for _, pages in areas for page in pages)


@register.filter
def holds(page: SettingsPage, path: str) -> bool:
    return page.holds(path)
