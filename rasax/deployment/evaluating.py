"""Evaluation: a worker server tests a pipeline or the model that it has loaded, and the result is kept."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from rasax.accounts.jobs import Failed, Job, runs
from rasax.deployment import answers, figures, joining, received
from rasax.deployment.errors import RasaError
from rasax.deployment.evaluations import Evaluation, Method
from rasax.deployment.figures import Outcome
from rasax.deployment.training import KEPT, MAY, hand_over, in_line, joined, task_of, trouble
from rasax.deployment.worker_tasks import GONE, WorkerTask, fail_as_rasa_says

EVALUATE = "deployment.evaluate"
FOLDS, USUAL_FOLDS = (2, 20), 5  # Rasa takes one fold for an error


def says(job: Job) -> str:
    task = WorkerTask.objects.select_related("server").filter(pk=job.pk).first()
    server = task.server.name if task and task.server else "–"
    if job.state == Job.State.DONE:
        return _("Evaluated.")
    if job.ended:
        return trouble(job)
    if job.total and not (task and task.heard_at):
        told = {"done": number_format(job.done), "total": number_format(job.total)}
        return _("%(done)s of %(total)s test stories.") % told
    return _("%s evaluates.") % server if task and task.has_turn else in_line(server)


@runs(EVALUATE, needs=MAY, says=says, kept=KEPT)
def evaluate(job: Job) -> None:
    task = task_of(job)
    if job.arguments["method"] == Method.STORIES:
        test_stories(task)
    else:
        test_intents(task)


def test_intents(task: WorkerTask) -> None:
    job, version = task.job, task.server.version if task.server else ""
    is_crossed = job.arguments["method"] == Method.CROSS_VALIDATION
    join = joining.training_data if is_crossed else joining.nlu_data
    text = joined(job, lambda project: join(project, version=version))
    folds = int(job.arguments["folds"]) if is_crossed else None
    hand_over(task, lambda rasa, address: rasa.test_intents(text, folds=folds, callback_url=address), counted=False)


def take_in(job: Job, request: HttpRequest) -> None:
    try:
        outcome = figures.of_intents(answers.intent_test(received.answer(job, request)))
    except RasaError as error:
        raise fail_as_rasa_says(job, error) from error
    _keep(job, outcome)


def test_stories(task: WorkerTask) -> None:
    """One by one: Rasa has no callback for it, and does not tell which of many stories failed."""
    job, version = task.job, task.server.version if task.server else ""
    stories = joined(job, lambda project: joining.test_stories(project, version=version))
    results = []
    try:
        with task.rasa() as rasa:
            for number, (name, text) in enumerate(stories):
                job.step(number, len(stories))
                results.append((name, job.beside(lambda text=text: rasa.test_stories(text, e2e=True))))  # type: ignore[misc]
    except RasaError as error:
        raise fail_as_rasa_says(job, error) from error
    job.step(len(stories), len(stories))
    _keep(job, figures.of_stories(results))


def _keep(job: Job, outcome: Outcome) -> None:
    task = WorkerTask.objects.select_related("server").get(pk=job.pk)
    server, method = task.server, job.arguments["method"]
    if server is None:
        raise Failed(GONE)
    model = "" if method == Method.CROSS_VALIDATION else server.model_file
    evaluation = Evaluation.objects.keep(
        outcome, job.by, method=method, folds=job.arguments.get("folds") if method == Method.CROSS_VALIDATION else None,
        source=job.arguments["source"], server=server.name, rasa_version=server.version, model_file=model,
    )  # fmt: skip
    job.note(f"Kept as evaluation {evaluation.pk}.")
    job.step(job.done, evaluation=evaluation.pk)
