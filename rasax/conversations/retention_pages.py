"""How long conversations are kept, and what is kept of one person."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from events.models import Conversation, Facet, Forgotten, key_of
from rasax.accounts.models import User
from rasax.accounts.settings_pages import can_change_settings, can_view_settings
from rasax.conversations.forgetting import Retention
from rasax.conversations.models import Correction, Flag, Note

LONGEST = 36_500  # days
COUNTED = 100_000
RECENT = 20


@can_view_settings
def retention(request: HttpRequest) -> HttpResponse:
    kept = Retention.objects.current()
    person = request.GET.get("person", "").replace("\x00", "").strip()
    context = {
        "kept": kept,
        "days": kept.days,
        "longest": LONGEST,
        "due": _count_due(kept.days) if kept.days else 0,
        "counted": COUNTED,
        "person": person,
        "found": _kept_of(person) if person else None,
        "forgotten": Forgotten.objects.filter(key=key_of(person)).first() if person else None,
        "deletions": Forgotten.objects.all()[:RECENT],
        "may_change": request.user.has_perm("accounts.change_settings"),
        "may_delete": request.user.has_perm("events.delete_conversation"),
    }
    return render(request, "settings/retention.html", context)


def _count_due(days: int) -> int:
    return Retention.objects.due(days).order_by()[: COUNTED + 1].count()


def _kept_of(person: str) -> dict[str, Any] | None:
    conversation = Conversation.objects.filter(key=key_of(person)).first()
    if conversation is None:
        return None
    marks = conversation.facets.filter(kind=Facet.Kind.TAG)
    return {
        "conversation": conversation,
        "tags": [facet.value for facet in marks.order_by("value")[:20]],
        "n_notes": Note.objects.filter(conversation=conversation).count(),
        "n_flags": Flag.objects.filter(conversation=conversation).count(),
        "n_corrections": Correction.objects.filter(conversation=conversation).count(),
    }


@require_POST
@can_change_settings
def change_retention(request: HttpRequest) -> HttpResponse:
    written = request.POST.get("days", "").strip()
    if written and not (written.isdecimal() and 0 < int(written[:9]) <= LONGEST):
        messages.error(
            request, _("Write a number of days from 1 to %d, or nothing to keep conversations for ever.") % LONGEST
        )
        return redirect("retention")
    days = int(written) if written else None
    older = _count_due(days) if days else 0
    if older and request.POST.get("confirmed") != "1":
        return _ask(request, written, older)
    Retention.objects.set(days, cast("User", request.user))
    messages.success(request, _("The retention is changed."))
    return redirect("retention")


def _ask(request: HttpRequest, days: str, older: int) -> HttpResponse:
    context = {
        "question": ngettext("Delete what is older than %d day?", "Delete what is older than %d days?", int(days))
        % int(days),
        "explanation": ngettext(
            "%d conversation is older now and goes at the next run, with all that is known of it. Nothing brings it"
            " back.",
            "%d conversations are older now and go at the next run, with all that is known of them. Nothing brings"
            " them back.",
            older,
        )
        % older,
        "verb": _("Keep to it"),
        "fields": [("days", days)],
        "back": "retention",
    }
    return render(request, "settings/confirm.html", context)
