"""The intents: listed with what is wrong about them, added, renamed, merged, removed."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from rasax.training import intents, renaming_jobs
from rasax.training.access import CHANGE, by, can_change, can_change_all, can_view
from rasax.training.balance import weighed
from rasax.training.changes import Change
from rasax.training.differences import shown_diffs
from rasax.training.files import NAME_LENGTH, TrainingFile
from rasax.training.formats.errors import Refused
from rasax.training.telling import refused, sentence, told


def named(request: HttpRequest, field: str = "name") -> str:
    sent = request.POST if request.method == "POST" else request.GET
    return sent.get(field, "").replace("\x00", "").strip()[:NAME_LENGTH]


def to_intent(name: str) -> HttpResponse:
    response = redirect("data_intent")
    response["Location"] += f"?{urlencode({'name': name})}"
    return response


@can_view
@require_GET
def all_intents(request: HttpRequest) -> HttpResponse:
    if not TrainingFile.objects.exists():
        return redirect("data_files")
    rows, words = weighed(), request.GET.get("q", "").strip().casefold()
    context = {
        "rows": [each for each in rows if words in each.row.name.casefold()],
        "total": len(rows),
        "examples": sum(each.row.examples for each in rows),
        "repeated": any(each.duplicates or each.conflicts for each in rows),
        "q": request.GET.get("q", ""),
        "may_change": request.user.has_perm(CHANGE),
    }
    return render(request, "data/intents.html", context)


@can_change
@require_POST
def add_intent(request: HttpRequest) -> HttpResponse:
    name = named(request)
    try:
        change = intents.add_intent(name, by(request))
    except Refused as error:
        refused(request, error)
        return redirect("data_intents")
    told(request, change, _("The intent “%s” is there. Give it examples.") % name)
    return to_intent(name)


@can_change_all
def rename_intent(request: HttpRequest) -> HttpResponse:
    """First what would change, in every file; then, by POST, the change."""
    name, new, merges = named(request), named(request, "new"), _merges(request)
    context = {"name": name, "new": new, "merge": merges, "intents": [row.name for row in intents.project_intents()]}
    if not new:
        return render(request, "data/rename_intent.html", context)
    if request.method == "POST" and renaming_jobs.is_large("intent", name, new):
        return redirect("job", renaming_jobs.ask("intent", name, new, by(request), merges).pk)
    if request.method == "POST":
        renamed = _("“%(old)s” is “%(new)s” now, everywhere.") % {"old": name, "new": new}
        return _done(request, lambda: intents.rename_intent(name, new, by(request), merges), renamed, new)
    try:
        context["diffs"] = shown_diffs(intents.preview_rename(name, new, merges))
    except Refused as error:
        context["error"] = sentence(error)
    return render(request, "data/rename_intent.html", context, status=400 if "error" in context else 200)


def _merges(request: HttpRequest) -> bool:
    return (request.POST if request.method == "POST" else request.GET).get("merge") == "1"


def _done(request: HttpRequest, verb: Callable[[], Change | None], said: str, leads_to: str) -> HttpResponse:
    try:
        told(request, verb(), said)
    except Refused as error:
        refused(request, error)
    return to_intent(leads_to)


@can_change
def remove_intent(request: HttpRequest) -> HttpResponse:
    name = named(request)
    if request.POST.get("confirmed") != "1":
        return render(request, "data/remove_intent.html", {"name": name})
    try:
        told(request, intents.remove_intent(name, by(request)), _("The intent “%s” and its examples are gone.") % name)
    except Refused as error:
        messages.error(request, sentence(error))
    return redirect("data_intents")
