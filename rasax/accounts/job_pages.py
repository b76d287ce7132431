"""What became of a job: its line, its progress, and what can be done about it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from rasax.accounts.jobs import Job
from rasax.accounts.leases import told_beside
from rasax.accounts.models import User

AT_ONCE = 200  # changes that a page may wait for
LATEST = 30


def jobs(request: HttpRequest) -> HttpResponse:
    mine = Job.objects.filter(by=_person(request)).select_related("by")
    return render(request, "accounts/jobs.html", {"jobs": mine[:LATEST]})


def job(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _shown(request, _found(request, pk))


@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    _found(request, pk).cancel()
    return _after(request, _found(request, pk))


@require_POST
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    job = _found(request, pk)
    undoing = job.undo(_person(request), at_once=job.result.get("changed", 0) <= AT_ONCE)
    if not undoing:
        messages.info(request, _("There is nothing to undo, or it was undone already."))
    return _after(request, undoing or _found(request, pk))


def file(request: HttpRequest, pk: UUID) -> HttpResponse | StreamingHttpResponse:
    """What a job made, for nobody but who asked for it; kept compressed, and sent so to whom understands it."""
    job = get_object_or_404(Job, pk=pk, by=_person(request))
    if not job.may_be_done_for(_person(request)):
        raise PermissionDenied
    if not job.file_name or not job.parts.exists():
        raise Http404(_("There is no such file any more. Start the export again."))
    compressed = "gzip" in request.headers.get("Accept-Encoding", "")
    content = job.content() if compressed else _decompressed(job.content())
    response = StreamingHttpResponse(content, content_type=job.result.get("type", "application/octet-stream"))
    response["Content-Disposition"] = content_disposition_header(True, job.file_name) or ""
    patch_vary_headers(response, ["Accept-Encoding"])
    if compressed:
        response["Content-Encoding"] = "gzip"
    return response


def _decompressed(parts: Iterator[bytes]) -> Iterator[bytes]:
    reader = zlib.decompressobj(wbits=31)
    for part in parts:
        yield reader.decompress(part)
    yield reader.flush()


def _found(request: HttpRequest, pk: UUID) -> Job:
    return get_object_or_404(Job.objects.visible_to(_person(request)).select_related("by"), pk=pk)


def _after(request: HttpRequest, job: Job) -> HttpResponse:
    return _shown(request, job) if "HX-Request" in request.headers else redirect("job", job.pk)


def _shown(request: HttpRequest, job: Job) -> HttpResponse:
    template = "accounts/_job.html" if "HX-Request" in request.headers else "accounts/job.html"
    response = render(request, template, {"job": job, "asked_for": told_beside(job)})
    patch_vary_headers(response, ["HX-Request"])
    return response


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)


urlpatterns = [
    path("", jobs, name="jobs"),
    path("<uuid:pk>/", job, name="job"),
    path("<uuid:pk>/cancel/", cancel, name="cancel_job"),
    path("<uuid:pk>/undo/", undo, name="undo_job"),
    path("<uuid:pk>/file", file, name="job_file"),
]
