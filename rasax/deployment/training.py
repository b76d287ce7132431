"""Training: the project is joined, a worker server is asked, and the model that it sends is filed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import IO, Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from rasax.accounts.jobs import Failed, Job, runs
from rasax.deployment import joining, projects, received
from rasax.deployment.archives import ArchiveRefused
from rasax.deployment.errors import RasaError, in_words
from rasax.deployment.joining import Faulty
from rasax.deployment.projects import Project
from rasax.deployment.registry import Model, NameTaken
from rasax.deployment.unpacking import Refused
from rasax.deployment.worker_tasks import BROKE_OFF, WorkerTask, fail_as_rasa_says

TRAIN = "deployment.train"
MAY = "accounts.change_models"
KEPT = timedelta(days=180)


def says(job: Job) -> str:
    task = WorkerTask.objects.select_related("server").filter(pk=job.pk).first()
    server = task.server.name if task and task.server else "–"
    if job.state == Job.State.DONE:
        return str(_("Trained the model %s.") % job.result.get("model", ""))
    if job.ended:
        return trouble(job)
    if task and task.heard_at:
        return _("The model comes.")
    if task and task.posted_at:
        return _("%s trains.") % server
    return _("The training data are joined.") if task and task.has_turn else in_line(server)


def in_line(server: str) -> str:
    return _("In line: %s is busy.") % server


def trouble(job: Job) -> str:
    """Why it failed, as far as that is kept in parts; the rest is the job's message."""
    said = in_words(job.result["reason"], job.result.get("words", "")) if job.result.get("reason") else ""
    where = ": ".join(part for part in (job.result.get("where"), job.result.get("yaml")) if part)
    return " ".join(part for part in (said, where) if part)


@runs(TRAIN, needs=MAY, says=says, kept=KEPT)
def train(job: Job) -> None:
    task = task_of(job)
    version = task.server.version if task.server else ""
    text = joined(job, lambda project: joining.training_data(project, version=version))
    job.note(f"Joined {len(text)} characters of training data.")
    force = bool(job.arguments.get("force"))
    hand_over(task, lambda rasa, address: rasa.train(text, address, force=force))


def task_of(job: Job) -> WorkerTask:
    task = WorkerTask.objects.select_related("server").get(pk=job.pk)
    task.job = job
    if task.heard_at:  # whoever took the answer in died over it
        raise Failed(BROKE_OFF)
    return task


def joined(job: Job, join: Callable[[Project], Any]) -> Any:
    try:
        project = projects.project_of(job.arguments["source"])
        return job.beside(lambda: join(project))
    except (Refused, Faulty) as error:
        job.step(0, where=error.where, yaml=getattr(error, "words", ""))
        raise Failed(error.message) from error


def hand_over(task: WorkerTask, post: Callable[..., object], *, counted: bool = True) -> None:
    try:
        task.hand_over(post, counted=counted)
    except RasaError as error:
        raise fail_as_rasa_says(task.job, error) from error


def take_in(job: Job, request: HttpRequest) -> None:
    """Files the model that Rasa posts."""
    with received.model(job, request) as archive:
        job.note(f"Rasa sent {job.done} bytes.")
        name = _filed(archive, job)
    job.note(f"Filed as {name}.")
    job.step(job.done, model=name)


def _filed(archive: IO[bytes], job: Job) -> str:
    """Under a name of ours: Rasa tells none."""
    try:
        return Model.objects.keep(archive, f"{timezone.now():%Y%m%d-%H%M%S}-{job.pk.hex[:6]}", job.by, "trained").name
    except (ArchiveRefused, NameTaken) as error:
        raise Failed(str(error)) from error
