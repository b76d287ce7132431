"""The form that changes the conversations which are selected in the list."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from rasax.accounts.job_pages import AT_ONCE
from rasax.accounts.jobs import Job, may_ask
from rasax.accounts.models import User
from rasax.conversations.changing import CHANGE, CHANGES, FORGET
from rasax.conversations.filters import Filters
from rasax.conversations.marking import SeeOther, tag_called
from rasax.conversations.models import Review
from rasax.conversations.reading import reader
from rasax.conversations.selection import LARGEST_ID, Selection, Unclear
from rasax.conversations.views import can_read, wants_fragment


@require_POST
@can_read
def bulk(request: HttpRequest) -> HttpResponse:
    action = request.POST.get("action", "")
    try:
        if action not in {*CHANGES, "forget"}:
            raise Unclear(_("There is no such change; choose one that the list offers."))
        selection = Selection.read(request)
    except Unclear as unclear:
        return refused(request, str(unclear))
    return _change(request, action, selection)


def _change(request: HttpRequest, action: str, selection: Selection) -> HttpResponse:
    kind, person = FORGET if action == "forget" else CHANGE, reader(request)
    if not may_ask(person, kind):
        raise PermissionDenied
    number = selection.count(AT_ONCE + 1)
    if not number:
        return nothing_selected(request)
    value = _value(request, action)
    if value is None:
        return _go_back(request, _("Say which tag, status or person, and try again."))
    at_once = number <= AT_ONCE
    job = Job.objects.ask(kind, person, at_once=at_once, action=action, value=value, **selection.arguments)
    return shown(request, job)


def _value(request: HttpRequest, action: str) -> str | None:
    """What the change needs, checked; None if it makes no sense."""
    value = request.POST.get("value", "").replace("\x00", "").strip()
    match action:
        case "tag":
            tag = tag_called(request, value)
            return str(tag) if tag else None
        case "untag":
            return value or None
        case "status":
            return value if value in Review.Status.values else None
        case "assign":
            known = value.isdecimal() and User.objects.filter(pk=value[:LARGEST_ID], is_active=True).exists()
            return value if known or not value else None
    return ""


def shown(request: HttpRequest, job: Job) -> HttpResponse:
    """What became of it: beside the list, or above it, or on its own page while it runs."""
    if wants_fragment(request):
        return render(request, "accounts/_job.html", {"job": job})
    if not job.ended:
        return SeeOther(reverse("job", args=[job.pk]))
    messages.success(request, job.line)
    return SeeOther(_list(request))


def nothing_selected(request: HttpRequest) -> HttpResponse:
    return _go_back(request, _("Select the conversations first."))


def _go_back(request: HttpRequest, said: str) -> HttpResponse:
    if wants_fragment(request):
        return render(request, "conversations/_refused.html", {"said": said})
    messages.error(request, said)
    return SeeOther(_list(request))


def refused(request: HttpRequest, said: str) -> HttpResponse:
    template = "conversations/_refused.html" if wants_fragment(request) else "conversations/refused.html"
    return render(request, template, {"said": said, "back": _list(request)}, status=400)


def _list(request: HttpRequest) -> str:
    return f"{reverse('conversations')}?{Filters.read(request.GET).query}".rstrip("?")
