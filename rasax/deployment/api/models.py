"""Models, as Rasa X had them: listed, uploaded, downloaded, tagged, deleted."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig, ValidationError
from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts.api.errors import Conflict, OfNoUse, TooLarge
from rasax.accounts.api.fields import Strict
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.accounts.api.paging import HEADERS, Paged, paged
from rasax.deployment.archives import ArchiveRefused
from rasax.deployment.models import Model, RasaServer
from rasax.deployment.registry import MODEL_TOO_LARGE, NAME, TAG, NameTaken, StillTagged, name_of
from rasax.deployment.serving import file_of
from rasax.deployment.uploading import take_models

SEE, CHANGE = ("accounts.view_models",), ("accounts.view_models", "accounts.change_models")
ARCHIVE = {"application/gzip": OpenApiTypes.BINARY}


class ModelItem(serializers.Serializer[Model]):
    model = serializers.CharField(source="name")
    hash = serializers.CharField(source="digest", help_text="SHA-256 of the archive")
    trained_at = serializers.FloatField(allow_null=True, help_text="Seconds since 1970")
    version = serializers.CharField(source="rasa_version", help_text="Of the Rasa that trained it")
    tags = serializers.ListField(child=serializers.CharField())
    is_compatible = serializers.BooleanField(
        help_text="false where the production server is known to be unable to load it"
    )
    size = serializers.IntegerField(help_text="Bytes")


@extend_schema_field({"type": "string", "format": "binary", "minLength": 1})
class Archive(serializers.FileField):
    pass


class ModelToUpload(Strict):
    model = Archive(help_text="A .tar.gz that Rasa trained. The file's name, without .tar.gz, is the model's")


class ModelParser(MultiPartParser):
    """To this machine's disk, and within the limit."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            take_models(parser_context["request"]._request)
        except RequestDataTooBig as error:
            raise TooLarge(MODEL_TOO_LARGE) from error
        return super().parse(stream, media_type, parser_context)


class Models(Endpoint):
    parser_classes = [ModelParser]

    @operation(ModelItem(many=True), needs=SEE, query=Paged, headers=HEADERS[:1])
    def get(self, request: Request, project: str, query: dict[str, Any]) -> Response:
        """The models, newest first."""
        known(project)
        rows = Model.objects.prefetch_related("tags")[query["offset"] : query["offset"] + query["limit"]]
        return paged(request, items(list(rows)), total=Model.objects.count())

    @operation(ModelItem, needs=CHANGE, body=ModelToUpload, status=201, errors=(409, 422))
    def post(self, request: Request, project: str, body: dict[str, Any]) -> Response:
        """Upload a model."""
        known(project)
        name = _valid_name(body["model"].name)
        try:
            with body["model"] as archive:
                model = Model.objects.keep(archive, name, person(request))
        except NameTaken as taken:
            raise Conflict(str(taken)) from taken
        except ArchiveRefused as refused:
            raise OfNoUse(str(refused)) from refused
        return Response(items([model])[0], status=201)


class OneModel(Endpoint):
    @operation(ARCHIVE, needs=SEE)
    def get(self, request: Request, project: str, model: str) -> FileResponse:
        """The archive of a model."""
        return file_of(find(project, model))

    @operation(None, needs=CHANGE, status=204, errors=(409,))
    def delete(self, request: Request, project: str, model: str) -> Response:
        """Delete a model, which has no tag any more."""
        try:
            find(project, model).remove(person(request))
        except StillTagged as refused:
            raise Conflict(str(refused)) from refused
        return Response(status=204)


class TagOfModel(Endpoint):
    @operation(None, needs=CHANGE, status=204)
    def put(self, request: Request, project: str, model: str, model_tag: str) -> Response:
        """Put a tag on a model; another model that has it loses it."""
        found = find(project, model)
        try:
            TAG(model_tag)
        except ValidationError as error:
            raise serializers.ValidationError({"model_tag": error.messages}) from error
        found.put_tag(model_tag, person(request))
        return Response(status=204)

    @operation(None, needs=CHANGE, status=204)
    def delete(self, request: Request, project: str, model: str, model_tag: str) -> Response:
        """Take a tag off a model."""
        if not find(project, model).take_tag(model_tag, person(request)):
            raise Http404
        return Response(status=204)


def known(project: str) -> None:
    if project != "default":
        raise Http404("There is one project: default.")


def find(project: str, model: str) -> Model:
    known(project)
    return get_object_or_404(Model, name=name_of(model))


def items(models: list[Model]) -> list[dict[str, Any]]:
    production = RasaServer.objects.used_for("production").first() or RasaServer()
    return [
        {
            "model": model.name,
            "hash": model.digest,
            "trained_at": model.trained_at.timestamp() if model.trained_at else None,
            "version": model.rasa_version,
            "tags": [tag.name for tag in model.tags.all()],
            "is_compatible": model.suits(production) is not False,
            "size": model.size,
        }
        for model in models
    ]


def _valid_name(file_name: str) -> str:
    name = name_of(file_name)
    try:
        NAME(name)
    except ValidationError as error:
        raise OfNoUse(f"The file is called {name!r}. {error.messages[0]}") from error
    return name
