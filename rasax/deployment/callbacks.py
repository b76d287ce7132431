"""Where Rasa posts what it trained or found: an address with a secret that opens it once."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from rasax.accounts.api.errors import failure
from rasax.accounts.jobs import Job
from rasax.deployment import evaluating, judging, training
from rasax.deployment.worker_tasks import JUDGE, WorkerTask

TAKE_IN: dict[str, Callable[[Job, HttpRequest], None]] = {
    training.TRAIN: training.take_in,
    evaluating.EVALUATE: evaluating.take_in,
    JUDGE: judging.take_in,
}


@csrf_exempt
@login_not_required
@require_POST
def callback(request: HttpRequest, job: UUID, secret: str) -> HttpResponse:
    """204; 404 for a wrong secret; 410 for one that was used, is too old, or whose job has ended; 422 for an answer
    that is of no use. Nothing of the body is read before the secret is known."""
    try:
        task = WorkerTask.objects.claim(job, secret)
    except WorkerTask.DoesNotExist:
        return _no(404, "There is no such address.")
    if task is None:
        return _no(410, "This address was used, or is too old.")
    if not Job.objects.go_on(job, lambda job: TAKE_IN[job.kind](job, request)):
        return _no(410, "What this answers has ended.")
    state = Job.objects.values_list("state", flat=True).get(pk=job)
    if task.server:
        WorkerTask.objects.advance(task.server)
    return HttpResponse(status=204) if state == Job.State.DONE else _no(422, "This is of no use; the job says why.")


def _no(code: int, message: str) -> JsonResponse:
    return JsonResponse(failure(code, message), status=code)


urlpatterns = [path("callbacks/<uuid:job>/<str:secret>", callback, name="rasa_callback")]
