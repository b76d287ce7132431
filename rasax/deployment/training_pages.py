"""Training and evaluation: what was asked of the worker server, and what came of it."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from rasax.accounts.models import User
from rasax.deployment import evaluating, training
from rasax.deployment.comparing import Comparison
from rasax.deployment.evaluations import Evaluation
from rasax.deployment.figures import BINS
from rasax.deployment.models import RasaServer, UploadedProject, WorkerTask
from rasax.deployment.training_forms import EvaluateForm, TrainForm, UploadForm
from rasax.deployment.unpacking import Refused
from rasax.deployment.worker_tasks import NO_WORKER, NoWorker

LATEST, MOST_ERRORS, MOST_IN_MATRIX = 20, 500, 60
can_view = permission_required("accounts.view_models", raise_exception=True)
can_change = permission_required("accounts.change_models", raise_exception=True)


@can_view
def overview(request: HttpRequest) -> HttpResponse:
    return _overview(request)


def _overview(request: HttpRequest, **forms: Form) -> HttpResponse:
    tasks = WorkerTask.objects.select_related("job__by", "server").order_by("-job__queued_at")
    shown = {"train": TrainForm(), "evaluate": EvaluateForm(), "upload": UploadForm(), **forms}
    context = {
        "tasks": tasks[:LATEST],
        "evaluations": Evaluation.objects.select_related("by")[:LATEST],
        "worker": RasaServer.objects.worker(),
        "no_address": not settings.RASAX_URL,
        "has_project": bool(getattr(shown["train"].fields["source"], "choices", ())),
    }
    status = 400 if any(form.errors for form in forms.values()) else 200
    return render(request, "training/overview.html", context | shown, status=status)


@can_change
@require_POST
def train(request: HttpRequest) -> HttpResponse:
    form = TrainForm(request.POST)
    if not form.is_valid():
        return _overview(request, train=form)
    return _begun(request, training.TRAIN, form.cleaned_data)


@can_change
@require_POST
def evaluate(request: HttpRequest) -> HttpResponse:
    form = EvaluateForm(request.POST)
    if not form.is_valid():
        return _overview(request, evaluate=form)
    return _begun(request, evaluating.EVALUATE, form.arguments())


def _begun(request: HttpRequest, kind: str, arguments: dict[str, Any]) -> HttpResponse:
    try:
        task = WorkerTask.objects.ask(kind, _person(request), **arguments)
    except NoWorker:
        messages.error(request, _(NO_WORKER))
        return redirect("training")
    return redirect("worker_task", task.pk)


@can_change
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            kept = UploadedProject.objects.keep(file.name, file, _person(request))
        except Refused as refused:
            form.add_error("file", ": ".join(part for part in (refused.where, _(refused.message)) if part))
        else:
            messages.success(
                request, _("Read %(n)s YAML files of %(name)s.") % {"n": len(kept.files), "name": kept.name}
            )
            return redirect("training")
    return _overview(request, upload=form)


@can_view
def worker_task(request: HttpRequest, pk: UUID) -> HttpResponse:
    task = get_object_or_404(WorkerTask.objects.select_related("job__by", "server"), pk=pk)
    template = "training/_task.html" if "HX-Request" in request.headers else "training/task.html"
    response = render(request, template, {"task": task, "job": task.job})
    patch_vary_headers(response, ["HX-Request"])
    return response


@can_change
@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    get_object_or_404(WorkerTask.objects.select_related("job"), pk=pk).job.cancel()
    return redirect("worker_task", pk)


@can_view
def evaluation(request: HttpRequest, evaluation_pk: int) -> HttpResponse:
    found = get_object_or_404(Evaluation.objects.select_related("by"), pk=evaluation_pk)
    others = Evaluation.objects.filter(method=found.method).exclude(pk=found.pk)[:LATEST]
    figures = list(found.figures.all())
    context = {
        "evaluation": found,
        "others": others,
        "figures": figures,
        "errors": found.errors.all()[:MOST_ERRORS],
        "matrix": matrix(found),
        "bins": bins(found),
    }
    return render(request, "training/evaluation.html", context)


def matrix(evaluation: Evaluation) -> dict[str, Any]:
    """What was taken for what; of very many labels those that were taken for others most often."""
    pairs = list(evaluation.confusions.values_list("expected", "predicted", "n"))
    wrong: dict[str, int] = {}
    for expected, predicted, n in pairs:
        for label in (expected, predicted):
            wrong[label] = wrong.get(label, 0) + (n if expected != predicted else 0)
    labels = sorted(sorted(wrong, key=lambda label: (-wrong[label], label))[:MOST_IN_MATRIX])
    shown = [list(pair) for pair in pairs if pair[0] in labels and pair[1] in labels]
    return {"labels": labels, "cells": shown, "cut": len(wrong) > len(labels)}


def bins(evaluation: Evaluation) -> list[dict[str, Any]]:
    counted = zip(evaluation.right or [0] * BINS, evaluation.wrong or [0] * BINS, strict=True)
    return [
        {"from": n * 100 // BINS, "to": (n + 1) * 100 // BINS, "right": r, "wrong": w}
        for n, (r, w) in enumerate(counted)
    ]


@can_view
def compare(request: HttpRequest) -> HttpResponse:
    before, after = (_chosen(request.GET.get(name, "")) for name in ("before", "after"))
    return render(request, "training/compare.html", {"comparison": Comparison(before, after)})


def _chosen(pk: str) -> Evaluation:
    if not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        raise Http404(_("There is no such evaluation."))
    return get_object_or_404(Evaluation, pk=int(pk))


@can_change
@require_POST
def delete_evaluation(request: HttpRequest, evaluation_pk: int) -> HttpResponse:
    get_object_or_404(Evaluation, pk=evaluation_pk).remove(_person(request))
    return redirect("training")


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)


urlpatterns = [
    path("", overview, name="training"),
    path("train", train, name="train"),
    path("evaluate", evaluate, name="evaluate"),
    path("upload", upload, name="upload_project"),
    path("<uuid:pk>/", worker_task, name="worker_task"),
    path("<uuid:pk>/cancel", cancel, name="cancel_worker_task"),
    path("evaluations/<int:evaluation_pk>/", evaluation, name="evaluation"),
    path("evaluations/<int:evaluation_pk>/delete", delete_evaluation, name="delete_evaluation"),
    path("evaluations/compare", compare, name="compare_evaluations"),
]
