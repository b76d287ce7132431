"""The models, and one of them: uploaded, downloaded, tagged, activated, deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import RequestDataTooBig
from django.core.paginator import Paginator
from django.forms import Form
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from rasax.accounts.models import User
from rasax.deployment.archives import ArchiveRefused
from rasax.deployment.forms import TagForm, UploadForm
from rasax.deployment.models import Model, RasaServer
from rasax.deployment.registry import MODEL_TOO_LARGE, NameTaken, StillTagged
from rasax.deployment.serving import file_of
from rasax.deployment.uploading import take_models

PAGE = 50
SEE, CHANGE = "accounts.view_models", "accounts.change_models"
can_view_models = permission_required(SEE, raise_exception=True)
can_change_models = permission_required([SEE, CHANGE], raise_exception=True)


def _by(request: HttpRequest) -> User:
    return cast("User", request.user)


@can_view_models
def models(request: HttpRequest) -> HttpResponse:
    is_part = "HX-Request" in request.headers
    return _list(request, UploadForm(), "deployment/_models.html" if is_part else "deployment/models.html")


def _list(request: HttpRequest, form: UploadForm, template: str, status: int = 200) -> HttpResponse:
    rows = Model.objects.select_related("by").prefetch_related("tags")
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "servers": RasaServer.objects.serving().with_wanted_models(),
        "form": form,
        "limit": settings.MODEL_SIZE_LIMIT,
        "may_change": request.user.has_perm(CHANGE),
    }
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


@csrf_exempt  # it would read the whole body before it is known who sends it
@require_POST
@can_change_models
def upload_model(request: HttpRequest) -> HttpResponse:
    try:
        take_models(request)
    except RequestDataTooBig:
        return _refuse(request, UploadForm(), _(MODEL_TOO_LARGE), 413)
    return _take_in(request)


@csrf_protect
def _take_in(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _refuse(request, form, _errors(form))
    try:
        with form.cleaned_data["archive"] as archive:
            model = Model.objects.keep(archive, form.cleaned_data["name"], _by(request))
    except (NameTaken, ArchiveRefused) as refused:
        form.add_error("name" if isinstance(refused, NameTaken) else "archive", _(str(refused)))
        return _refuse(request, form, _(str(refused)))
    messages.success(request, _("The model “%s” is here.") % model)
    return _lead(request, reverse("model", args=[model.pk]))


def _refuse(request: HttpRequest, form: UploadForm, why: str, status: int = 400) -> HttpResponse:
    """A script that shows progress is told in JSON."""
    if "HX-Request" in request.headers:
        return JsonResponse({"error": why}, status=status)
    if not form.is_bound:
        messages.error(request, why)
    return _list(request, form, "deployment/models.html", status)


def _errors(form: Form) -> str:
    return " ".join(str(text) for errors in form.errors.values() for text in errors)


def _lead(request: HttpRequest, address: str) -> HttpResponse:
    return JsonResponse({"address": address}) if "HX-Request" in request.headers else redirect(address)


@can_view_models
def model(request: HttpRequest, model_pk: int) -> HttpResponse:
    found = get_object_or_404(Model.objects.select_related("by").prefetch_related("tags"), pk=model_pk)
    servers = RasaServer.objects.serving().with_wanted_models()
    context = {
        "model": found,
        "tags": list(found.tags.all()),
        "servers": [(server, found.is_loaded_by(server), found.suits(server)) for server in servers],
        "known_tags": sorted({server.tag for server in servers}),
        "may_change": request.user.has_perm(CHANGE),
    }
    return render(request, "deployment/model.html", context)


@can_view_models
def download_model(request: HttpRequest, model_pk: int) -> FileResponse:
    return file_of(get_object_or_404(Model, pk=model_pk))


def _does(request: HttpRequest, model_pk: int, verb: Callable[[Model], str]) -> HttpResponse:
    messages.success(request, verb(get_object_or_404(Model, pk=model_pk)))
    return redirect("model", model_pk)


@require_POST
@can_change_models
def tag_model(request: HttpRequest, model_pk: int) -> HttpResponse:
    form = TagForm(request.POST)
    if not form.is_valid():
        messages.error(request, _errors(form))
        return redirect("model", model_pk)
    return _does(request, model_pk, lambda model: _tag(model, form.cleaned_data["tag"], request))


def _tag(model: Model, name: str, request: HttpRequest) -> str:
    model.put_tag(name, _by(request))
    return _("“%(model)s” has the tag “%(tag)s” now.") % {"model": model, "tag": name}


@require_POST
@can_change_models
def untag_model(request: HttpRequest, model_pk: int) -> HttpResponse:
    name = request.POST.get("tag", "")
    return _does(request, model_pk, lambda model: _untag(model, name, request))


def _untag(model: Model, name: str, request: HttpRequest) -> str:
    model.take_tag(name, _by(request))
    return _("“%(model)s” has the tag “%(tag)s” no longer.") % {"model": model, "tag": name}


@require_POST
@can_change_models
def activate_model(request: HttpRequest, model_pk: int) -> HttpResponse:
    """For a server, by its tag."""
    asked = request.POST.get("server", "")
    server = get_object_or_404(
        RasaServer.objects.serving(), pk=int(asked) if asked.isdecimal() and len(asked) < 18 else 0
    )
    model = get_object_or_404(Model, pk=model_pk)
    if model.suits(server) is False and request.POST.get("confirmed") != "1":
        return _ask_to_activate(request, model, server)
    model.put_tag(server.tag, _by(request))
    text = _("“%(server)s” gets “%(model)s” when it next asks for the tag “%(tag)s”.")
    messages.success(request, text % {"server": server, "model": model, "tag": server.tag})
    return redirect("model", model_pk)


def _ask_to_activate(request: HttpRequest, model: Model, server: RasaServer) -> HttpResponse:
    text = _("It was trained with Rasa %(model)s, and “%(server)s” runs Rasa %(version)s, which cannot load it.")
    said = {"model": model.rasa_version, "server": server, "version": server.version}
    context = {
        "question": _("Activate a model that this server cannot load?"),
        "explanation": text % said,
        "verb": _("Activate it all the same"),
        "fields": [("server", server.pk)],
        "back": "models",
    }
    return render(request, "settings/confirm.html", context)


@require_POST
@can_change_models
def delete_model(request: HttpRequest, model_pk: int) -> HttpResponse:
    model = get_object_or_404(Model, pk=model_pk)
    if request.POST.get("confirmed") != "1":
        return _ask_to_delete(request, model)
    try:
        model.remove(_by(request))
    except StillTagged as refused:
        messages.error(request, _(str(refused)))
        return redirect("model", model_pk)
    messages.success(request, _("The model “%s” is deleted.") % model)
    return redirect("models")


def _ask_to_delete(request: HttpRequest, model: Model) -> HttpResponse:
    context = {
        "question": _("Delete the model “%s”?") % model,
        "explanation": _("Its archive is gone then. A Rasa server that has it loaded keeps it until it is restarted."),
        "verb": _("Delete the model"),
        "fields": [],
        "back": "models",
    }
    return render(request, "settings/confirm.html", context)


urlpatterns = [
    path("", models, name="models"),
    path("upload/", upload_model, name="upload_model"),
    path("<int:model_pk>/", model, name="model"),
    path("<int:model_pk>/file", download_model, name="download_model"),
    path("<int:model_pk>/tags/", tag_model, name="tag_model"),
    path("<int:model_pk>/tags/remove/", untag_model, name="untag_model"),
    path("<int:model_pk>/activate/", activate_model, name="activate_model"),
    path("<int:model_pk>/delete/", delete_model, name="delete_model"),
]
