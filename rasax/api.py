"""The HTTP API, under /api: its paths, its document, and what is told to everybody."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.db import connection
from django.http import JsonResponse
from django.urls import include, path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from events.models import Heartbeat
from events.schema.running import Status, read_status
from rasax.accounts.api.errors import failure, no_such_path
from rasax.accounts.api.operations import Endpoint, operation
from rasax.accounts.models import SigningKey
from rasax.deployment.models import RasaServer

MIGRATIONS_KEPT = 10  # seconds; a load balancer asks often, and looking takes 30 ms


class Migration(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["completed", "pending", "running", "failed"])
    progress_in_percent = serializers.FloatField(help_text="Of the migration that runs, or of the last one")


class ServerHealth(serializers.Serializer[Any]):
    version = serializers.CharField()
    minimum_compatible_version = serializers.CharField()
    status = serializers.ChoiceField(choices=[200, 503], help_text="200 where it answered within two minutes")


class HealthState(serializers.Serializer[Any]):
    production = ServerHealth(allow_null=True, help_text="The environment; null: there is none")
    worker = ServerHealth(allow_null=True)
    status = serializers.CharField()
    event_services = serializers.IntegerField(help_text="How many worked lately")
    queue_depth = serializers.IntegerField(allow_null=True)
    lag_seconds = serializers.FloatField(allow_null=True)
    database_migration = Migration()


class Health(Endpoint):
    authentication_classes = []
    throttle_classes = []

    @operation(HealthState, needs=None, others={503: HealthState})
    def get(self, request: Request) -> Response:
        """Whether an event service committed or was idle recently: 200, else 503; and how the Rasa servers are.

        It says nothing that a stranger may not know.
        """
        beating = Heartbeat.objects.alive().values_list("queue_depth", "lag_seconds")
        depths = [depth for depth, _ in beating if depth is not None]
        body = {
            **{name: server and _health(server) for name, server in _servers().items()},
            "status": "ok" if beating else "no event service has worked lately",
            "event_services": len(beating),
            "queue_depth": max(depths, default=None),
            "lag_seconds": max((lag for _, lag in beating if lag is not None), default=None),
            "database_migration": cache.get_or_set("database_migration", _migration, MIGRATIONS_KEPT),
        }
        return Response(body, status=200 if beating else 503)


def _servers() -> dict[str, RasaServer | None]:
    """One for each use that Rasa X knew: of several the first by name."""
    found = {server.use: server for server in reversed(RasaServer.objects.filter(use__in=["production", "worker"]))}
    return {use: found.get(use) for use in ("production", "worker")}


def _health(server: RasaServer) -> dict[str, Any]:
    state = {"version": server.version, "minimum_compatible_version": server.minimum_compatible_version}
    return state | {"status": 200 if server.is_up else 503}


def _migration() -> dict[str, Any]:
    return _told(read_status(connection))


def _told(status: Status) -> dict[str, Any]:
    return {"status": status.status, "progress_in_percent": status.progress_in_percent}


def not_migrated(status: Status) -> JsonResponse:
    """What all below /api answers while the database is migrated, `health` included: nothing else can be asked."""
    body = failure(503, "The database is being migrated; try again later.")
    return JsonResponse(body | {"database_migration": _told(status)}, status=503)


class PublicKey(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="PEM")
    alg = serializers.ChoiceField(choices=["RS256"])


class RasaVersions(serializers.Serializer[Any]):
    production = serializers.CharField(allow_null=True)
    worker = serializers.CharField(allow_null=True)


class Versions(serializers.Serializer[Any]):
    rasa = RasaVersions(help_text="null: not known yet")
    enterprise = serializers.BooleanField()
    keys = PublicKey(many=True, help_text="That verify our JWTs, the one that signs first")

    def get_fields(self) -> dict[str, Any]:
        return {"rasa-x": serializers.CharField(help_text="The version of rasax"), **super().get_fields()}


class Version(Endpoint):
    authentication_classes = []

    @operation(Versions, needs=None)
    def get(self, request: Request) -> Response:
        """Versions, and the keys by which Rasa's channel `rasa` trusts our JWTs."""
        SigningKey.objects.current()  # a server that starts first may ask before anybody signed in
        keys = [{"key": key.public, "alg": "RS256"} for key in SigningKey.objects.verifying()]
        versions = {use: server.version or None if server else None for use, server in _servers().items()}
        return Response({"rasa": versions, "rasa-x": settings.VERSION, "enterprise": False, "keys": keys})


class Schema(SpectacularAPIView):
    renderer_classes = Endpoint.renderer_classes


urlpatterns = [
    path("health", Health.as_view(), name="health"),
    path("version", Version.as_view()),
    path("schema", extend_schema(exclude=True)(Schema).as_view(), name="schema"),
    path(
        "docs",
        login_required(SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="api_docs.html")),
        name="api_docs",
    ),
    path("", include("rasax.accounts.api.urls")),
    path("", include("rasax.annotation.api.urls")),
    path("", include("rasax.chat.api.urls")),
    path("", include("rasax.conversations.api.urls")),
    path("", include("rasax.deployment.api.urls")),
    path("", include("rasax.deployment.callbacks")),
    path("", include("rasax.training.api.urls")),
    path("<anything:rest>", no_such_path),
]
