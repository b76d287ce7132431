"""Rasa's word on the training data: a worker server is handed all of them with a configuration that learns nothing.

Rasa's HTTP API has nothing that only validates. A training with a tokenizer and the rules reads and checks everything
that a training reads, and refuses in Rasa's words; it learns nothing, so it takes about a second. What becomes of it,
a model, is thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext as _

from rasax.accounts.jobs import Job, runs
from rasax.accounts.models import User
from rasax.deployment import joining, received
from rasax.deployment.errors import Reason
from rasax.deployment.project_sources import OwnData, version_of_own_data
from rasax.deployment.training import KEPT, MAY, hand_over, in_line, joined, task_of, trouble
from rasax.deployment.worker_tasks import JUDGE, WorkerTask

RULES = "RulePolicy"
OF_THE_DATA = (Reason.BROKEN, Reason.REFUSED)  # with its words: 500 for what it cannot train from, 400 for bad YAML


def ask(by: User) -> WorkerTask:
    """Raises NoWorker, PermissionDenied."""
    return WorkerTask.objects.ask(JUDGE, by, source=OwnData.key)


def says(job: Job) -> str:
    task = WorkerTask.objects.select_related("server").filter(pk=job.pk).first()
    server = task.server.name if task and task.server else "–"
    if job.state == Job.State.DONE:
        if job.result.get("rules"):
            return _("Rasa reads all of the data, and its rules contradict nothing.")
        return _("Rasa reads all of the data. Without a RulePolicy in config.yml it looks at no rules.")
    if job.ended:
        return trouble(job)
    return _("%s judges the data.") % server if task and task.has_turn else in_line(server)


@runs(JUDGE, needs=MAY, says=says, kept=KEPT)
def judge(job: Job) -> None:
    task = task_of(job)
    job.step(0, of_version=version_of_own_data())
    version = task.server.version if task.server else ""
    judged: dict[str, bool] = {}

    def quick(own: joining.Data) -> joining.Data:
        config = learning_nothing(own)
        judged["rules"] = _is_of_rules(config["policies"][0])
        return config

    text = joined(job, lambda project: joining.training_data(project, version=version, config=quick))
    job.step(0, **judged)
    hand_over(task, lambda rasa, address: rasa.train(text, address, force=True))


def learning_nothing(own: joining.Data) -> joining.Data:
    """The RulePolicy is the project's own, for it says how strict it is; without one, what remembers stories."""
    kept = {key: own[key] for key in ("assistant_id", "recipe") if key in own}
    quick = {"language": "en", "pipeline": [{"name": "WhitespaceTokenizer"}], "policies": _policies(own)}
    return {**kept, **quick}


def _policies(own: joining.Data) -> list[Any]:
    policies = own.get("policies")
    if not isinstance(policies, list) or not policies:
        return [{"name": RULES}]  # as Rasa has it where a project names none
    named = [each for each in policies if isinstance(each, dict)]
    return [each for each in named if _is_of_rules(each)] or [{"name": "MemoizationPolicy"}]


def _is_of_rules(policy: joining.Data) -> bool:
    return str(policy.get("name", "")).rpartition(".")[2] == RULES


def take_in(job: Job, request: HttpRequest) -> None:
    """That a model comes is all there is to know."""
    with received.model(job, request):
        job.note(f"Rasa sent {job.done} bytes.")


@dataclass(frozen=True)
class Word:
    """What Rasa said the last time that it was asked."""

    job: Job

    @property
    def is_old(self) -> bool:
        return bool(self.job.result.get("of_version") != version_of_own_data())

    @property
    def refusal(self) -> str:
        """In Rasa's words; empty where it takes the data, or could not be asked."""
        told = self.job.result
        return str(told.get("words", "")) if told.get("reason") in OF_THE_DATA else ""

    @property
    def server(self) -> str:
        task = WorkerTask.objects.select_related("server").filter(pk=self.job.pk).first()
        return str(task.server) if task and task.server else "–"


def latest() -> Word | None:
    asked: models.QuerySet[Job] = Job.objects.filter(kind=JUDGE).exclude(state=Job.State.CANCELLED)
    job = asked.order_by("-queued_at").first()
    return Word(job) if job else None
