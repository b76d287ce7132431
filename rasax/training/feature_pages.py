"""Entities, and the synonyms, regexes and lookup tables that help to find them; each is edited as its text."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from rasax.training import stories
from rasax.training.access import CHANGE, CHANGE_ALL, by, can_change, can_view
from rasax.training.changes import Change
from rasax.training.edits import Add
from rasax.training.files import Block, Mention
from rasax.training.formats import scalars
from rasax.training.formats.errors import Refused
from rasax.training.intent_pages import named
from rasax.training.places import place_for
from rasax.training.projects import Project
from rasax.training.telling import refused, sentence, told
from rasax.training.wording import CALLED

NAMED = (Mention.Kind.ENTITY, Mention.Kind.ROLE, Mention.Kind.GROUP)
KINDS = (Block.Kind.SYNONYM, Block.Kind.REGEX, Block.Kind.LOOKUP)
SHOWN = 500
LARGEST = 2**22  # characters of what is edited as one text


@can_view
@require_GET
def entities(request: HttpRequest) -> HttpResponse:
    words = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    blocks = Block.objects.filter(kind__in=KINDS, name__icontains=words).select_related("file").order_by("name", "pk")
    found = list(blocks[:SHOWN])
    context = {
        "names": [(kind, _named(kind, words)) for kind in NAMED],
        "groups": [(kind, [block for block in found if block.kind == kind]) for kind in KINDS],
        "is_cut": len(found) == SHOWN,
        "q": words,
        "may_change": request.user.has_perm(CHANGE),
        "may_rename": request.user.has_perms(CHANGE_ALL),
    }
    return render(request, "data/entities.html", context)


def _named(kind: str, words: str) -> list[dict[str, object]]:
    """Each name, whether it is declared, and how many blocks give examples of it and use it."""
    named = Mention.objects.filter(kind=kind, name__icontains=words).order_by("name")
    rows: dict[str, dict[str, object]] = {}
    for name, how, number in named.values_list("name", "how").annotate(number=Count("block", distinct=True)):
        rows.setdefault(name, {"name": name})[how] = number
    return list(rows.values())


@can_change
@require_POST
def add_feature(request: HttpRequest, kind: str) -> HttpResponse:
    if kind not in KINDS:
        raise Http404
    name, lines = named(request), request.POST.get("examples", "").replace("\x00", "")[:LARGEST]
    try:
        told(request, _added(request, kind, name, lines), _("“%s” is added.") % name)
    except Refused as error:
        refused(request, error)
    return redirect("data_entities")


def _added(request: HttpRequest, kind: str, name: str, lines: str) -> Change | None:
    path, after = place_for(kind, name)
    shown = "".join(f"    - {line.strip()}\n" for line in lines.splitlines() if line.strip())
    text = f"- {kind}: {scalars.written(name)}\n  examples: |\n{shown}"
    return Project.objects.default().write([Add(path, text, "nlu", after)], by(request), f"added {CALLED[kind]}", name)


@can_view
def feature(request: HttpRequest, block_pk: int) -> HttpResponse:
    block = get_object_or_404(Block.objects.select_related("file"), pk=block_pk, kind__in=KINDS)
    may_change = request.user.has_perm(CHANGE)
    context = {"feature": block, "text": block.text, "base": block.text, "may_change": may_change}
    if request.method == "POST" and may_change:
        return _save(request, block, context)
    return render(request, "data/feature.html", context)


def _save(request: HttpRequest, block: Block, context: dict[str, object]) -> HttpResponse:
    text, base = (request.POST.get(name, "").replace("\r\n", "\n") for name in ("text", "base"))
    try:
        told(request, stories.change_block(block, text, by(request), base or None), _("“%s” is changed.") % block.name)
    except Refused as error:
        first = block.first_line
        line = error.line - first + 1 if error.line >= first else 0
        context |= {"text": text, "base": base, "error": sentence(error), "line": line}
        return render(request, "data/feature.html", context, status=400)
    return redirect("data_entities")


@can_change
@require_POST
def remove_feature(request: HttpRequest, block_pk: int) -> HttpResponse:
    block = get_object_or_404(Block.objects.select_related("file"), pk=block_pk, kind__in=KINDS)
    return _try(request, lambda: stories.remove_block(block, by(request)), _("“%s” is removed.") % block.name)


def _try(request: HttpRequest, verb: Callable[[], Change | None], said: str) -> HttpResponse:
    try:
        told(request, verb(), said)
    except Refused as error:
        refused(request, error)
    return redirect("data_entities")
