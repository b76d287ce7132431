from __future__ import annotations

from functools import cache

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from rasax.conversations.wording import moment, percent

register = template.Library()
register.filter("moment", moment)
register.filter("percent", percent)


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """An icon of the sprite, for decoration: the text beside it, or the button's label, says what it means."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("vendor/icons.svg"), name
    )


@register.filter(name="repr")
def exact(number: float) -> str:
    """All its digits, so that it names the same message again; localised it would not."""
    return repr(number)
