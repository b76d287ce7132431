"""Rasa's word on the warnings page: what it said, and the button that asks it."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from rasax.accounts.models import User
from rasax.deployment import judging
from rasax.deployment.models import RasaServer
from rasax.deployment.training import MAY
from rasax.deployment.worker_tasks import NO_WORKER, NoWorker

SEE = ("accounts.view_nlu_data", "accounts.view_stories")  # Rasa names both
can_see = permission_required(SEE, raise_exception=True)
can_ask = permission_required([*SEE, MAY], raise_exception=True)


def shown(user: User | AnonymousUser) -> dict[str, Any]:
    """Nothing to who may not see all that Rasa could name."""
    if not user.has_perms(SEE):
        return {}
    return {
        "word": judging.latest(),
        "worker": RasaServer.objects.worker(),
        "no_address": not settings.RASAX_URL,
        "may_ask": user.has_perm(MAY),
        "may_see_tasks": user.has_perm("accounts.view_models"),
    }


@can_see
@require_GET
def word(request: HttpRequest) -> HttpResponse:
    """A part of the warnings page, which is fetched again when something happens."""
    return render(request, "training/_word.html", shown(request.user))


@can_ask
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Once, while Rasa is at it."""
    before = judging.latest()
    try:
        if before is None or before.job.ended:
            judging.ask(cast("User", request.user))
    except NoWorker:
        messages.error(request, _(NO_WORKER))
    return redirect("data_warnings")


urlpatterns = [
    path("rasa/", word, name="rasas_word"),
    path("rasa/ask/", ask, name="ask_rasa"),
]
