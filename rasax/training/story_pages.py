"""Stories, rules and tests: listed, searched, and as a picture of what comes before and after a name."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from rasax.training import graphs
from rasax.training.access import CHANGE_STORIES, can_view_stories
from rasax.training.files import NAME_LENGTH, Block, Mention
from rasax.training.steps import Step, steps_of

PAGE = 50
SHOWN = 8  # steps of a story in the list
COUNTED = 10_000
MOST_READ = 200  # stories for the picture around a name
STORIES = ["story", "rule", "test"]


def _asked(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\x00", "").strip()[:NAME_LENGTH]


@can_view_stories
@require_GET
def listed(request: HttpRequest, kind: str) -> HttpResponse:
    asked = {name: _asked(request, name) for name in ("q", "intent", "action")}
    found = found_stories(kind, asked)
    page, older = _page(found, request.GET.get("after", ""))
    rows = [(block, *_shortened(block)) for block in page]
    context = {
        "kind": kind,
        "rows": rows,
        "total": found.order_by()[: COUNTED + 1].count(),
        "counted": COUNTED,
        "after": older,
        "is_first": not request.GET.get("after"),
        "may_change": request.user.has_perm(CHANGE_STORIES),
        **asked,
    }
    return render(request, "data/stories.html", context)


def found_stories(kind: str, asked: dict[str, str]) -> QuerySet[Block]:
    found = Block.objects.filter(kind=kind)
    if asked["q"]:
        found = found.filter(Q(name__icontains=asked["q"]) | Q(text__icontains=asked["q"]))
    for mentioned in ("intent", "action"):
        if asked[mentioned]:
            kinds = [mentioned] if mentioned == "intent" else ["action", "response", "form"]
            naming = Mention.objects.filter(kind__in=kinds, name=asked[mentioned])
            found = found.filter(pk__in=naming.values("block"))
    return found


def _page(found: QuerySet[Block], after: str) -> tuple[list[Block], str]:
    """In the order of the files, from a place on: each page costs the same."""
    place = re.fullmatch(r"([0-9]{1,18})-(-?[0-9]{1,18})", after)
    if place:
        file, position = int(place[1]), int(place[2])
        found = found.filter(Q(file_id__gt=file) | Q(file_id=file, position__gt=position))
    rows = list(found.select_related("file").order_by("file_id", "position")[: PAGE + 1])
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return rows[:PAGE], f"{last.file_id}-{last.position}" if last else ""


def _shortened(block: Block) -> tuple[list[Step], int]:
    """Its first steps, and how many more there are."""
    steps = [alternatives[0] for alternatives in steps_of(block)]
    return steps[:SHOWN], max(len(steps) - SHOWN, 0)


@can_view_stories
@require_GET
def graph(request: HttpRequest) -> HttpResponse:
    name = _asked(request, "name")
    context: dict[str, Any] = {"name": name, "names": _names()}
    if name:
        naming = Mention.objects.filter(name=name, how=Mention.How.USED)
        blocks = Block.objects.filter(kind__in=STORIES, pk__in=naming.values("block")).select_related("file")
        found = list(blocks.order_by("file_id", "position")[: MOST_READ + 1])
        before, after = graphs.around(name, [steps_of(block) for block in found[:MOST_READ]])
        context |= {"picture": graphs.of_name(before, after), "before": before, "after": after, "stories": found[:20]}
        context |= {"trees": [("before", graphs.walked(before)), ("after", graphs.walked(after))]}
        context |= {"n_stories": min(len(found), MOST_READ), "is_cut": len(found) > MOST_READ}
    return render(request, "data/graph.html", context)


def _names() -> list[str]:
    kinds = ["intent", "action", "response", "form", "slot"]
    used = Mention.objects.filter(kind__in=kinds, how=Mention.How.USED, block__kind__in=STORIES)
    return list(used.order_by("name").values_list("name", flat=True).distinct()[:1000])
