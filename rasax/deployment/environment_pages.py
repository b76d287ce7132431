"""Environments: the Rasa servers that rasax speaks with. In code they are servers (servers.py says why)."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from rasax.accounts.models import User
from rasax.deployment.errors import RasaError
from rasax.deployment.forms import ServerForm
from rasax.deployment.loading import ask_to_load
from rasax.deployment.models import RasaServer
from rasax.deployment.polling import look

SEE, CHANGE = "accounts.view_environments", "accounts.change_environments"
can_view_environments = permission_required(SEE, raise_exception=True)
can_change_environments = permission_required([SEE, CHANGE], raise_exception=True)


def _by(request: HttpRequest) -> User:
    return cast("User", request.user)


@can_view_environments
def environments(request: HttpRequest) -> HttpResponse:
    is_part = "HX-Request" in request.headers
    context = {
        "servers": RasaServer.objects.with_wanted_models(),
        "may_change": request.user.has_perm(CHANGE),
    }
    template = "settings/_environments.html" if is_part else "settings/environments.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@can_change_environments
@never_cache
def add_environment(request: HttpRequest) -> HttpResponse:
    form = ServerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        server = RasaServer.objects.add(_by(request), token=form.token_given or "", **form.said)
        return _look_and_tell(request, server)
    return render(request, "settings/environment.html", {"form": form})


@can_change_environments
@never_cache
def environment(request: HttpRequest, server_pk: int) -> HttpResponse:
    server = get_object_or_404(RasaServer, pk=server_pk)
    form = ServerForm(request.POST or None, instance=server)
    if request.method == "POST" and form.is_valid():
        server.refresh_from_db()  # the form has written into it
        server.change(_by(request), token=form.token_given, **form.said)
        return _look_and_tell(request, server)
    context = {"form": form, "server": server, "name": form.initial["name"]}
    return render(request, "settings/environment.html", context | {"service_token": bool(settings.SERVICE_TOKEN)})


@require_POST
@can_change_environments
def test_environment(request: HttpRequest, server_pk: int) -> HttpResponse:
    return _look_and_tell(request, get_object_or_404(RasaServer, pk=server_pk))


@require_POST
@can_change_environments
@never_cache
def try_environment(request: HttpRequest) -> HttpResponse:
    """Asks what was written into the form, and keeps nothing."""
    pk = request.POST.get("pk", "")
    server = RasaServer.objects.filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) < 18 else None
    form = ServerForm(request.POST, instance=server)
    context: dict[str, Any] = {"form": form, "server": server, "name": server and server.name}
    context["service_token"] = bool(settings.SERVICE_TOKEN)
    if form.is_valid():
        tried = form.tried()
        seen = look(tried)
        context |= {"seen": tried.told(seen), "answers": not isinstance(seen, RasaError)}
    is_part = "HX-Request" in request.headers
    return render(request, "settings/_tried.html" if is_part else "settings/environment.html", context)


def _look_and_tell(request: HttpRequest, server: RasaServer) -> HttpResponse:
    seen = look(server)
    server.saw(seen)
    level = messages.WARNING if isinstance(seen, RasaError) else messages.SUCCESS
    messages.add_message(request, level, f"{server}: {server.told(seen)}")
    return redirect("environments")


@require_POST
@can_change_environments
def load_environment(request: HttpRequest, server_pk: int) -> HttpResponse:
    return redirect("job", ask_to_load(get_object_or_404(RasaServer, pk=server_pk), _by(request)).pk)


@require_POST
@can_change_environments
def remove_environment(request: HttpRequest, server_pk: int) -> HttpResponse:
    server = get_object_or_404(RasaServer, pk=server_pk)
    if request.POST.get("confirmed") != "1":
        return _ask_to_remove(request, server)
    server.remove(_by(request))
    messages.success(request, _("The environment “%s” is removed.") % server)
    return redirect("environments")


def _ask_to_remove(request: HttpRequest, server: RasaServer) -> HttpResponse:
    context = {
        "question": _("Remove the environment “%s”?") % server,
        "explanation": _(
            "rasax forgets its address and its token. The Rasa server itself, its conversations and its models stay as"
            " they are."
        ),
        "verb": _("Remove the environment"),
        "fields": [],
        "back": "environments",
    }
    return render(request, "settings/confirm.html", context)


urlpatterns = [
    path("", environments, name="environments"),
    path("add/", add_environment, name="add_environment"),
    path("try/", try_environment, name="try_environment"),
    path("<int:server_pk>/", environment, name="environment"),
    path("<int:server_pk>/test/", test_environment, name="test_environment"),
    path("<int:server_pk>/load/", load_environment, name="load_environment"),
    path("<int:server_pk>/remove/", remove_environment, name="remove_environment"),
]
