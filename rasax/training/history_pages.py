"""Who changed what in the training data, its differences, and the way back."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from rasax.training import undoing_jobs
from rasax.training.access import CHANGE_ALL, by, can_view, may_undo
from rasax.training.changes import Change
from rasax.training.differences import of_change
from rasax.training.formats.errors import Refused
from rasax.training.telling import refused, told

PAGE = 50


@can_view
@require_GET
def history(request: HttpRequest) -> HttpResponse:
    before = request.GET.get("before", "")
    changes = Change.objects.select_related("by").defer("edits")
    if before.isdecimal() and len(before) < 18:
        changes = changes.filter(pk__lt=int(before))
    rows = list(changes[: PAGE + 1])
    context = {"rows": rows[:PAGE], "older": rows[PAGE - 1].pk if len(rows) > PAGE else None, "before": before}
    return render(request, "data/history.html", context)


@can_view
@require_GET
def change(request: HttpRequest, change_pk: int) -> HttpResponse:
    found = get_object_or_404(Change.objects.select_related("by", "undone_by"), pk=change_pk)
    context = {"change": found, "diffs": of_change(found), "may_undo": may_undo(by(request), found)}
    return render(request, "data/change.html", context)


@require_POST
def undo(request: HttpRequest, change_pk: int) -> HttpResponse:
    if not any(map(request.user.has_perm, CHANGE_ALL)):
        raise PermissionDenied
    found = get_object_or_404(Change, pk=change_pk)
    if not may_undo(by(request), found):
        raise PermissionDenied
    if undoing_jobs.is_large(found):
        return redirect("job", undoing_jobs.ask(found, by(request)).pk)
    try:
        told(request, found.undo(by(request)), _("It is as it was before."))
    except Refused as error:
        refused(request, error)
    back = request.POST.get("back", "")
    is_ours = back.startswith("/") and url_has_allowed_host_and_scheme(back, None)
    return redirect(back) if is_ours else redirect("data_history")
