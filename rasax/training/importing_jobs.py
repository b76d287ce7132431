"""Uploaded files that wait for a yes. Where there is much in them, a worker works out what they would change, and takes
them in."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rasax.accounts.jobs import PAGES, UNENDED, Failed, Job, JobFile, JobQuerySet, Waits, runs
from rasax.accounts.leases import renewed
from rasax.training import uploads
from rasax.training.changes import Change
from rasax.training.differences import ShownPlan, shown_plan
from rasax.training.formats.errors import Refused
from rasax.training.importing import Content, read_ahead
from rasax.training.progress import told_to
from rasax.training.projects import Project

if TYPE_CHECKING:
    from rasax.accounts.models import User

IMPORT = "training.import"
PARTS = 3  # files read, stored, indexed
LARGE = 400_000  # bytes of YAML; below it a page does not take a second


def _says(job: Job) -> str:
    number = int(job.arguments.get("files", 0))
    if is_decided(job):
        return str(ngettext("%s file of training data:", "%s files of training data:", number) % number)
    told = ngettext("What would %s file change?", "What would %s files change?", number)
    return str(told % number)


def _leads_to(job: Job) -> str:
    return reverse("data_import", args=[job.pk]) if job.state == Job.State.WAITING else ""


PAGES[IMPORT] = _leads_to


def wait(files: uploads.Files, by: User, replace: bool) -> Job:
    """Until its uploader says yes. Whoever uploads again means the new files alone."""
    undecided(by).filter(state__in=UNENDED).stop(Job.State.CANCELLED)
    size = sum(map(len, files.values()))
    begin = Job.objects.ask if size > LARGE else Job.objects.hold
    with transaction.atomic():
        job = begin(IMPORT, by, files=len(files), size=size, replace=replace)
        for number, part in enumerate(uploads.zipped(files)):
            JobFile.objects.create(job=job, number=number, content=part)
    return job


def undecided(by: User) -> JobQuerySet:
    return Job.objects.filter(kind=IMPORT, by=by).exclude(arguments__has_key="token")


def is_decided(job: Job) -> bool:
    return "token" in job.arguments


def _files(job: Job) -> uploads.Files:
    return uploads.unpacked(io.BytesIO(b"".join(job.content())))


def planned(job: Job) -> ShownPlan:
    if "plan" in job.result:
        return ShownPlan.of(job.result["plan"])
    plan = Project.objects.default().plan(_files(job), replace=bool(job.arguments["replace"]))
    return shown_plan(plan)


def is_large(job: Job) -> bool:
    return bool(job.arguments["size"] > LARGE)


def take(job: Job, token: str) -> Change | None:
    """Raises Refused."""
    return _take(job, _files(job), token)


def _take(job: Job, files: Content, token: str) -> Change | None:
    project = Project.objects.default()
    return project.take(files, job.by, replace=bool(job.arguments["replace"]), token=token)


def let_run(job: Job, token: str) -> None:
    Job.objects.filter(pk=job.pk).update(arguments={**job.arguments, "token": token}, done=0, total=None)
    Job.objects.wake(job.pk)


@runs(IMPORT, needs="accounts.change_nlu_data", says=_says)
def run(job: Job) -> None:
    """Twice: before the yes, and after it."""
    files = _files(job)
    size = sum(map(len, files.values()))
    total = size * PARTS if is_decided(job) else size
    job.step(0, total)
    read = read_ahead(files, Project.objects.default().files(), lambda done: job.step(done, total))
    if not is_decided(job):
        _plan(job, read)
        raise Waits
    try:
        with renewed(job), told_to(job, PARTS - 1, size), transaction.atomic():
            change = _take(job, read, job.arguments["token"])
            JobFile.objects.filter(job=job).delete()
            job.result.pop("plan", None)
            job.step(total, total, change=change.pk if change else None)
    except Refused as refused:
        raise Failed(_(refused.message)) from refused


def _plan(job: Job, read: Content) -> None:
    with renewed(job):
        plan = Project.objects.default().plan(read, replace=bool(job.arguments["replace"]))
        kept = shown_plan(plan).kept()
    job.step(job.done, job.total, plan=kept)
