"""The files: listed with what is wrong with them, downloaded, and taken in after their differences were shown."""

from __future__ import annotations

from typing import TypeVar

from django.contrib import messages
from django.db.models import Count, Sum
from django.db.models.functions import Length
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from rasax.accounts.jobs import UNENDED, Job
from rasax.training import importing_jobs, uploads
from rasax.training.access import CHANGE_ALL, by, can_change_all, can_view
from rasax.training.differences import fault_words
from rasax.training.files import TrainingFile
from rasax.training.formats.errors import Refused
from rasax.training.projects import Project
from rasax.training.telling import refused, sentence, told

AnyResponse = TypeVar("AnyResponse", bound=HttpResponseBase)


@can_view
@require_GET
def files(request: HttpRequest) -> HttpResponse:
    sized = TrainingFile.objects.annotate(size=Sum(Length("blocks__text")), parts=Count("blocks"))
    rows = [(file, fault_words(file.fault) if file.fault else "") for file in sized]
    context = {
        "rows": rows,
        "faults": sum(bool(fault) for _, fault in rows),
        "may_change": request.user.has_perms(CHANGE_ALL),
    }
    return render(request, "data/files.html", context)


@can_view
@require_GET
def download(request: HttpRequest, file_pk: int) -> HttpResponse:
    file = get_object_or_404(TrainingFile, pk=file_pk)
    return _as_file(HttpResponse(file.text, content_type="text/yaml; charset=utf-8"), file.path.rpartition("/")[2])


@can_view
@require_GET
def download_all(request: HttpRequest) -> StreamingHttpResponse:
    packed = uploads.zipped(Project.objects.default().files())
    return _as_file(StreamingHttpResponse(packed, content_type="application/zip"), "rasa-project.zip")


def _as_file(response: AnyResponse, name: str) -> AnyResponse:
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@can_change_all
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """What came waits as a job, until somebody has seen what it would change."""
    try:
        found = uploads.read(request.FILES.getlist("files"))
    except Refused as error:
        refused(request, error)
        return redirect("data_files")
    job = importing_jobs.wait(found, by(request), replace=request.POST.get("replace") == "1")
    return redirect("data_import", job.pk)


def _mine(request: HttpRequest, job_pk: str, *states: str) -> Job:
    return get_object_or_404(importing_jobs.undecided(by(request)), pk=job_pk, state__in=states)


@can_change_all
@require_GET
def show_import(request: HttpRequest, job_pk: str) -> HttpResponse:
    job = _mine(request, job_pk, *UNENDED, Job.State.FAILED)
    plan = importing_jobs.planned(job) if job.state == Job.State.WAITING else None
    return render(request, "data/import.html", {"job": job, "plan": plan, "diffs": plan.diffs if plan else []})


@can_change_all
@require_POST
def take_import(request: HttpRequest, job_pk: str) -> HttpResponse:
    job = _mine(request, job_pk, Job.State.WAITING)
    if importing_jobs.is_large(job):
        importing_jobs.let_run(job, request.POST.get("token", ""))
        return redirect("job", job.pk)
    try:
        change = importing_jobs.take(job, request.POST.get("token", ""))
    except Refused as error:
        messages.error(request, sentence(error))
        return redirect("data_import", job.pk)
    Job.objects.filter(pk=job.pk).stop(Job.State.DONE)
    told(request, change, _("The files are taken in."))
    return redirect("data_files")


@can_change_all
@require_POST
def discard_import(request: HttpRequest, job_pk: str) -> HttpResponse:
    _mine(request, job_pk, *UNENDED).cancel()
    messages.success(request, _("Nothing was taken in."))
    return redirect("data_files")
