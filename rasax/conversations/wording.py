"""Times and shares as people read them; plain functions: template filters would cost more than the query."""

from __future__ import annotations

from datetime import UTC, datetime
from math import floor

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

MINUTE, HOUR, DAY = 60, 3600, 86_400
UNSURE = 0.5  # a confidence below this stands out


def percent(share: float) -> str:
    """Rounded down, so that only what is certain is 100 %."""
    within = max(-1e6, min(share, 1e6))  # a server may send any number
    return f"{floor(within * 100 + 1e-9)}\u202f%"


def moment(seconds: float) -> datetime:
    return timezone.localtime(datetime.fromtimestamp(seconds, tz=UTC))


def timestamp(seconds: float) -> str:
    return moment(seconds).isoformat(sep=" ", timespec="seconds")


def ago(seconds: float) -> str:
    """Short, for a column: "now", "5 min", "3 h", "2 d", then the date."""
    age = timezone.now().timestamp() - seconds
    if age < MINUTE:
        return _("now")
    if age < HOUR:
        return _("%d min") % (age // MINUTE)
    if age < DAY:
        return _("%d h") % (age // HOUR)
    if age < 7 * DAY:
        return _("%d d") % (age // DAY)
    then = moment(seconds)
    return date_format(then, "j M" if then.year == timezone.localtime().year else "M Y")
