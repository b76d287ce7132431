"""The domain as one, and the configuration that the assistant is trained with."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts.api.fields import Strict, Text
from rasax.accounts.api.operations import BoundedJSONParser, Endpoint, operation, person
from rasax.training.api.asking import YAML_PARSERS, failure_of, known, of_yaml, wants_yaml
from rasax.training.configuration import CONFIG, config_file
from rasax.training.formats.errors import Refused
from rasax.training.formats.respelling import written
from rasax.training.projects import Project
from rasax.training.rewriting import changed_domain, domain

SEE = ("accounts.view_stories", "accounts.view_responses")
CHANGE = (*SEE, "accounts.change_stories", "accounts.change_responses", "accounts.change_nlu_data")
SETTINGS_SEE = ("accounts.view_nlu_data",)
SETTINGS_CHANGE = (*SETTINGS_SEE, "accounts.change_nlu_data")


class Domain(Strict):
    """As JSON, or as Rasa's YAML, whose version is passed over."""

    intents = serializers.ListField(required=False, help_text="Names, or a name with its options")
    entities = serializers.ListField(required=False)
    actions = serializers.ListField(required=False)
    e2e_actions = serializers.ListField(required=False)
    slots = serializers.DictField(required=False)
    forms = serializers.DictField(required=False)
    responses = serializers.DictField(required=False)
    session_config = serializers.DictField(required=False)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):
            data = of_yaml(data)
            data = {key: value for key, value in data.items() if key != "version"} if isinstance(data, dict) else data
        return super().to_internal_value(data)


class WholeDomain(Endpoint):
    parser_classes = [BoundedJSONParser, *YAML_PARSERS]

    @operation({"application/json": Domain, "application/yaml": OpenApiTypes.STR}, needs=SEE, errors=(422,))
    def get(self, request: Request) -> Response | HttpResponse:
        """The domain: what all its files say together. As YAML where the header Accept names that alone."""
        try:
            if wants_yaml(request):
                return HttpResponse(written(domain()), content_type="application/yaml; charset=utf-8")
            return Response(domain())
        except Refused as refused:
            raise failure_of(refused) from refused

    @extend_schema(request={"application/json": Domain})  # the same as YAML is told in words
    @operation(Domain, needs=CHANGE, body=Domain, errors=(409, 422))
    def put(self, request: Request, body: dict[str, Any]) -> Response:
        """Say the domain anew, as JSON or YAML: only what differs is written, and what is left out stays."""
        project = Project.objects.default()
        try:
            with project.held():
                edits = changed_domain(body)
                if edits:
                    project.write(edits, person(request), "changed a file", "domain")
                return Response(domain())
        except Refused as refused:
            raise failure_of(refused) from refused


class Settings(Strict):
    nlu_config = Text(max_length=None, trim_whitespace=False, help_text="config.yml: YAML", allow_blank=True)


class ProjectSettings(Endpoint):
    @operation(Settings, needs=SETTINGS_SEE)
    def get(self, request: Request, project: str) -> Response:
        """How the assistant is trained: the text of config.yml."""
        known(project)
        file = config_file()
        return Response({"nlu_config": file.text if file else ""})

    @operation(Settings, needs=SETTINGS_CHANGE, body=Settings, errors=(409, 422))
    def put(self, request: Request, project: str, body: dict[str, Any]) -> Response:
        """Say config.yml anew."""
        known(project)
        file, text = config_file(), body["nlu_config"]
        path, kept = file.path if file else CONFIG, Project.objects.default()
        try:
            fault = next((diff.fault for diff in kept.plan({path: text}).diffs if diff.fault), None)
            if fault:
                raise Refused(fault["message"], fault.get("words", ""), path, fault.get("line", 0))
            kept.take({path: text}, person(request), verb="changed a file")
        except Refused as refused:
            raise failure_of(refused) from refused
        return Response({"nlu_config": text})
