"""What a page says after a change, or instead of one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from rasax.training.changes import Change
from rasax.training.formats.errors import Refused

UNDO = "undo-"  # templates/_messages.html makes a button of it


def told(request: HttpRequest, change: Change | None, text: str) -> None:
    """With a button that takes the change back, where there is one."""
    if change is None:
        messages.info(request, _("Nothing had to be changed."))
    else:
        messages.success(request, text, extra_tags=f"{UNDO}{change.pk}")


def refused(request: HttpRequest, error: Refused) -> None:
    messages.error(request, sentence(error))


def sentence(error: Refused) -> str:
    """In the reader's language, with the place and the words that it is about."""
    where = f"{error.path}:{error.line}" if error.line else error.path
    return " ".join(part for part in (f"{where}:" if where else "", _(error.message), error.words) if part)
