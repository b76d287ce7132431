"""The form of the inbox where it means all that match, and how many these are."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from rasax.accounts.job_pages import AT_ONCE
from rasax.accounts.jobs import Job
from rasax.annotation.bulk import ACTIONS, DECIDE
from rasax.annotation.filters import InboxFilters
from rasax.annotation.finding import Finding
from rasax.annotation.pages import back_to_list, can_see
from rasax.annotation.selection import Selection
from rasax.conversations.marking import SeeOther
from rasax.conversations.reading import reader
from rasax.conversations.selection import Unclear
from rasax.conversations.views import MOST_COUNTED, number_shown, wants_fragment


@can_see
@require_GET
def total(request: HttpRequest) -> JsonResponse:
    """How many match, up to a thousand."""
    filters = InboxFilters.read(request.GET)
    number = Finding(filters, request.user.pk or 0).count(MOST_COUNTED)
    shown = number_shown(number)
    every = ngettext("Select the %s that matches", "Select all %s that match", number) % shown
    return JsonResponse({"count": number, "shown": shown, "every": every})


def decide_on_all(request: HttpRequest) -> HttpResponse:
    action = request.POST.get("action", "")
    try:
        if action not in ACTIONS:
            raise Unclear(_("There is no such change; choose one that the list offers."))
        selection = Selection.read(request)
    except Unclear as unclear:
        return _refused(request, str(unclear))
    number = selection.count(AT_ONCE + 1)
    if not number:
        return _refused(request, _("No text matches any more."))
    at_once = number <= AT_ONCE
    return _shown(request, Job.objects.ask(DECIDE, reader(request), at_once, action=action, **selection.arguments))


def _shown(request: HttpRequest, job: Job) -> HttpResponse:
    """What became of it: beside the list, or above it, or on its own page while it runs."""
    if wants_fragment(request):
        return render(request, "accounts/_job.html", {"job": job})
    if not job.ended:
        return SeeOther(reverse("job", args=[job.pk]))
    return SeeOther(back_to_list(request, job.line))


def _refused(request: HttpRequest, said: str) -> HttpResponse:
    if wants_fragment(request):
        return render(request, "conversations/_refused.html", {"said": said})
    messages.error(request, said)
    return SeeOther(back_to_list(request))
