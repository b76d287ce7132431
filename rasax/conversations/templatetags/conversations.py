from __future__ import annotations

from datetime import timedelta
from functools import cache

from django import template
from django.template.defaultfilters import floatformat
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

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


@register.filter
def lasting(seconds: float) -> str:
    """0.5 s, 12 s, 3 minutes, 2 weeks."""
    if seconds < 60:
        return _("%(n)s s") % {"n": floatformat(seconds, "1" if seconds < 10 else "0")}
    now = timezone.now()
    return timesince(now - timedelta(seconds=seconds), now, depth=1)
