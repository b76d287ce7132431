"""Uploaded files that wait for a yes, and are taken in by a worker where there is much in them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rasax.accounts.jobs import Failed, Job, JobFile, runs
from rasax.training import uploads
from rasax.training.changes import Change
from rasax.training.edits import Plan
from rasax.training.formats.errors import Refused
from rasax.training.projects import Project

if TYPE_CHECKING:
    from rasax.accounts.models import User

IMPORT = "training.import"
LARGE = 400_000  # bytes of YAML; below it a page does not take a second


def _says(job: Job) -> str:
    number = int(job.arguments.get("files", 0))
    said = ngettext("%s file of training data:", "%s files of training data:", number)
    return str(said % number)


def wait(files: uploads.Files, by: User, replace: bool) -> Job:
    """Whoever uploads again means the new files alone."""
    Job.objects.filter(kind=IMPORT, by=by, state=Job.State.WAITING).stop(Job.State.CANCELLED)
    arguments = {"files": len(files), "size": sum(map(len, files.values())), "replace": replace}
    job = Job.objects.hold(IMPORT, by, **arguments)
    for number, part in enumerate(uploads.zipped(files)):
        JobFile.objects.create(job=job, number=number, content=part)
    return job


def _files(job: Job) -> uploads.Files:
    return uploads.unpacked(io.BytesIO(b"".join(job.content())))


def planned(job: Job) -> Plan:
    return Project.objects.default().plan(_files(job), replace=bool(job.arguments["replace"]))


def is_large(job: Job) -> bool:
    return bool(job.arguments["size"] > LARGE)


def take(job: Job, token: str) -> Change | None:
    """Raises Refused."""
    project = Project.objects.default()
    return project.take(_files(job), job.by, replace=bool(job.arguments["replace"]), token=token)


def let_run(job: Job, token: str) -> None:
    Job.objects.filter(pk=job.pk).update(arguments={**job.arguments, "token": token})
    Job.objects.wake(job.pk)


@runs(IMPORT, needs="accounts.change_nlu_data", says=_says)
def run(job: Job) -> None:
    job.step(0, None)
    try:
        change = take(job, job.arguments.get("token", ""))
    except Refused as refused:
        raise Failed(_(refused.message)) from refused
    JobFile.objects.filter(job=job).delete()
    job.step(1, 1, change=change.pk if change else None)
