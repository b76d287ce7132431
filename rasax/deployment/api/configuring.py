"""What `rasa x --production --config-endpoint` asks for: endpoints.yml and credentials.yml of the production server."""

from __future__ import annotations

import io
from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from ruamel.yaml import YAML

from rasax.accounts.api.operations import operation
from rasax.deployment.api.service import ForServices, ServiceQuery
from rasax.deployment.models import RasaServer

PULLS_EVERY = 10  # seconds


class Config(serializers.Serializer[Any]):
    endpoints = serializers.CharField(help_text="YAML: where the model comes from")
    credentials = serializers.CharField(help_text="YAML: the channels rasa and rest")


class Configuration(ForServices):
    @operation(Config, needs=None, query=ServiceQuery, errors=(401, 403))
    def get(self, request: Request, query: dict[str, Any]) -> Response:
        """How a production server is connected with rasax, at the address at which it asked."""
        self.admit(request, "accounts.change_environments")
        address = request.build_absolute_uri("/api")
        server = RasaServer.objects.used_for("production").first() or RasaServer()
        models = {
            "url": f"{address}/projects/default/models/tags/{server.tag}",
            "token": settings.SERVICE_TOKEN,
            "wait_time_between_pulls": PULLS_EVERY,
        }
        credentials = {"rasa": {"url": address}, "rest": None}
        return Response({"endpoints": _yaml({"models": models}), "credentials": _yaml(credentials)})


def _yaml(data: dict[str, Any]) -> str:
    written = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(data, written)
    return written.getvalue()
