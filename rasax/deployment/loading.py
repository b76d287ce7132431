"""Has a Rasa server load the model with its tag now, instead of when it next asks for it. That takes minutes: a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from rasax.accounts.jobs import Failed, Job, runs
from rasax.accounts.models import AuditEntry
from rasax.deployment.errors import RasaError
from rasax.deployment.models import Model, RasaServer
from rasax.deployment.polling import look
from rasax.deployment.training import trouble
from rasax.deployment.worker_tasks import GONE, NO_ADDRESS, fail_as_rasa_says

if TYPE_CHECKING:
    from rasax.accounts.models import User

LOAD = "deployment.load"
MAY = "accounts.change_environments"

NO_SERVICE_TOKEN = gettext_noop("The setting SERVICE_TOKEN is not set, so no Rasa server gets a model here.")
NOT_TAGGED = gettext_noop("No model has the tag of this environment. Activate one for it first.")
UNSUITABLE = gettext_noop("Its Rasa cannot load the model that has its tag. Activate one that suits its version.")
NOT_LOADED = gettext_noop(
    "Rasa took the request, and did not load the model; it may have none now. See in its log whether it reaches rasax "
    "at RASAX_URL, or at what its endpoints.yml says under models, and with which token."
)


@transaction.atomic
def ask_to_load(server: RasaServer, by: User | None) -> Job:
    """Raises PermissionDenied."""
    job = Job.objects.ask(LOAD, by, server=server.pk, name=server.name)
    AuditEntry.objects.note(by, "started", [job], kind=LOAD, server=server.name, tag=server.tag)
    return job


def says(job: Job) -> str:
    told: dict[str, Any] = {"server": job.arguments["name"], "model": job.result.get("model", "")}
    if job.state == Job.State.DONE:
        return _("%(server)s has loaded the model %(model)s.") % told
    return trouble(job) if job.ended else _("%(server)s loads the model with its tag.") % told


@runs(LOAD, needs=MAY, says=says)
def load(job: Job) -> None:
    server = RasaServer.objects.filter(pk=job.arguments["server"]).first()
    if server is None:
        raise Failed(GONE)
    model = _wanted(server)
    job.step(0, model=model.name)
    try:
        with server.rasa() as rasa:
            job.beside(lambda: rasa.put_model(url=_address(server.tag), token=settings.SERVICE_TOKEN))
    except RasaError as error:
        raise fail_as_rasa_says(job, error) from error
    _see(server, model, job)


def _wanted(server: RasaServer) -> Model:
    """Rasa lets go of the model that it has before it knows whether it gets another: so no word to it without one."""
    if not settings.RASAX_URL:
        raise Failed(NO_ADDRESS)
    if not settings.SERVICE_TOKEN:
        raise Failed(NO_SERVICE_TOKEN)
    model = Model.objects.tagged(server.tag)
    if model is None:
        raise Failed(NOT_TAGGED)
    if model.suits(server) is False:
        raise Failed(UNSUITABLE)
    return model


def _address(tag: str) -> str:
    return settings.RASAX_URL.rstrip("/") + reverse("model_server", args=["default", tag])


def _see(server: RasaServer, model: Model, job: Job) -> None:
    """Rasa answers 204 where it got nothing, too."""
    seen = job.beside(lambda: look(server))
    server.saw(seen)
    if isinstance(seen, RasaError):
        raise fail_as_rasa_says(job, seen)
    if not model.is_loaded_by(server):
        raise Failed(NOT_LOADED)
