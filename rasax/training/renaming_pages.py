"""A name of any kind but an intent's, changed everywhere: first what would change, then the change."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rasax.training import names, renaming_jobs
from rasax.training.access import by, can_change_all
from rasax.training.differences import shown_diffs
from rasax.training.files import Block
from rasax.training.formats.errors import Refused
from rasax.training.intent_pages import named
from rasax.training.telling import refused, sentence, told

TITLES = {
    "entity": gettext_lazy("Rename an entity"),
    "role": gettext_lazy("Rename a role"),
    "group": gettext_lazy("Rename a group"),
    "slot": gettext_lazy("Rename a slot"),
    "response": gettext_lazy("Rename a response"),
    "action": gettext_lazy("Rename an action"),
    "form": gettext_lazy("Rename a form"),
}
LISTS = {"response": "data_responses", "slot": "data_domain", "form": "data_domain", "action": "data_domain"}


@can_change_all
def rename(request: HttpRequest, kind: str) -> HttpResponse:
    if kind not in names.RENAMED:
        raise Http404
    name, new, back = named(request), named(request, "new"), LISTS.get(kind, "data_entities")
    if request.method == "POST":
        return _rename(request, kind, back)
    context = {"kind": kind, "title": TITLES[kind], "name": name, "new": new, "back": back}
    try:
        context["diffs"] = shown_diffs(names.preview_rename(kind, name, new)) if new else []
    except Refused as error:
        context["error"] = sentence(error)
    return render(request, "data/rename.html", context, status=400 if "error" in context else 200)


def _rename(request: HttpRequest, kind: str, back: str) -> HttpResponse:
    name, new = named(request), named(request, "new")
    if renaming_jobs.is_large(kind, name, new):
        return redirect("job", renaming_jobs.ask(kind, name, new, by(request)).pk)
    try:
        change = names.rename(kind, name, new, by(request))
    except Refused as error:
        refused(request, error)
        return redirect(back)
    told(request, change, _("“%(old)s” is “%(new)s” now, everywhere.") % {"old": name, "new": new})
    block = Block.objects.filter(kind=kind, name=new).first()
    return redirect("data_block", block.pk) if block else redirect(back)
