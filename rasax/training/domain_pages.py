"""The domain and the configuration: by what they hold, and each file as a whole."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from rasax.training.access import CHANGE_STORIES, by, can_view, can_view_stories, may, needs
from rasax.training.configuration import CONFIG, config_file
from rasax.training.differences import shown_diffs
from rasax.training.editing import problem_of, sent, words
from rasax.training.edits import Plan
from rasax.training.files import Block, TrainingFile
from rasax.training.formats.errors import Refused
from rasax.training.projects import Project
from rasax.training.telling import refused, told

OF_DOMAIN = ["intents", "entities", "actions", "e2e_actions", "slots", "forms", "responses"]
SHOWN = 1_000


@can_view_stories
@require_GET
def domain(request: HttpRequest) -> HttpResponse:
    kinds = ["slot", "form", "declared"]
    blocks = list(Block.objects.filter(kind__in=kinds).select_related("file").order_by("section", "name", "pk")[:SHOWN])
    context = {
        "groups": [(kind, [each for each in blocks if each.kind == kind]) for kind in ("slot", "form")],
        "declared": [each for each in blocks if each.kind == "declared"],
        "sessions": Block.objects.filter(kind="text", text__contains="session_config:").select_related("file"),
        "files": TrainingFile.objects.filter(blocks__section__in=OF_DOMAIN).distinct(),
        "may_change": request.user.has_perm(CHANGE_STORIES),
    }
    return render(request, "data/domain.html", context)


@can_view
@require_http_methods(["GET", "POST"])
def config(request: HttpRequest) -> HttpResponse:
    return _whole(request, config_file() or TrainingFile(path=CONFIG), "config")


@can_view_stories
@require_http_methods(["GET", "POST"])
def whole_file(request: HttpRequest, file_pk: int) -> HttpResponse:
    """A file of the domain as one text."""
    file = get_object_or_404(TrainingFile.objects.filter(blocks__section__in=OF_DOMAIN).distinct(), pk=file_pk)
    return _whole(request, file, "declared")


def _whole(request: HttpRequest, file: TrainingFile, kind: str) -> HttpResponse:
    needs(request, "change" if request.method == "POST" else "view", kind)
    text = file.text if file.pk else ""
    context: dict[str, Any] = {
        "file": file,
        "kind": "declared" if kind == "declared" else "config",
        "back": "data_domain" if kind == "declared" else "data_config",
        "text": text,
        "words": words(),
        "may_change": may(request, "change", kind) and _reaches(request, file),
    }
    if file.fault:
        context["problems"] = [problem_of(file.fault, text)]
    if request.method == "POST":
        return _post(request, file, context)
    return render(request, "data/whole_file.html", context)


def _reaches(request: HttpRequest, file: TrainingFile) -> bool:
    """A whole file may hold responses and examples beside, whose rights are others."""
    kinds = set(file.blocks.values_list("kind", flat=True)) if file.pk else set()
    return all(may(request, "change", kind) for kind in kinds - {"text"})


def _post(request: HttpRequest, file: TrainingFile, context: dict[str, Any]) -> HttpResponse:
    if not context["may_change"]:
        return render(request, "403.html", status=403)
    context["text"] = sent(request.POST.get("text", ""), context["text"])
    project = Project.objects.default()
    try:
        plan = project.plan({file.path: context["text"]})
    except Refused as error:
        refused(request, error)
        return render(request, "data/whole_file.html", context, status=400)
    fault = next((diff.fault for diff in plan.diffs if diff.fault), None)
    if fault:
        context["problems"] = [problem_of(fault, context["text"])]
        return render(request, "data/whole_file.html", context, status=400)
    return _ask_or_take(request, file, context, plan)


def _ask_or_take(request: HttpRequest, file: TrainingFile, context: dict[str, Any], plan: Plan) -> HttpResponse:
    if not plan.diffs:
        messages.info(request, _("Nothing had to be changed."))
        return redirect(request.get_full_path())
    if request.POST.get("confirmed") != "1":
        return render(
            request, "data/whole_file.html", context | {"diffs": shown_diffs(plan.diffs), "token": plan.token}
        )
    try:
        change = Project.objects.default().take(
            {file.path: context["text"]}, by(request), verb="changed a file", token=request.POST.get("token", "-")
        )
    except Refused as error:
        refused(request, error)
        return render(
            request,
            "data/whole_file.html",
            context | {"diffs": shown_diffs(plan.diffs), "token": plan.token},
            status=409,
        )
    told(request, change, _("“%s” is saved.") % file.path)
    return redirect(request.get_full_path())
