"""How conversations arrive: the event services, and messages that were no events."""

from __future__ import annotations

import base64
from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from events.models import Heartbeat, RejectedMessage
from events.querysets import STALE_AFTER
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.accounts.api.paging import AT_LEAST, HEADERS, Numbered, newest_first
from rasax.accounts.models import AuditEntry

SEE, CHANGE = ("accounts.view_settings",), ("accounts.view_settings", "accounts.change_settings")
BODY = 100_000  # bytes of a body that are shown
SERVICES = 100


class Service(serializers.ModelSerializer[Heartbeat]):
    alive = serializers.SerializerMethodField(help_text="Committed or idle within 20 seconds")
    events_per_second = serializers.SerializerMethodField(help_text="Stored since it started")
    queue_depth = serializers.IntegerField(allow_null=True)

    class Meta:
        model = Heartbeat
        fields = [
            "name", "broker", "alive", "started_at", "beat_at", "last_delivery_at", "last_commit_at", "canary_at",
            "queue_depth", "lag_seconds", "n_stored", "n_repeated", "n_rejected", "events_per_second",
        ]  # fmt: skip

    def get_alive(self, service: Heartbeat) -> bool:
        return service.beat_at >= timezone.now() - STALE_AFTER

    def get_events_per_second(self, service: Heartbeat) -> float:
        seconds = (service.beat_at - service.started_at).total_seconds()
        return round(service.n_stored / max(seconds, 1.0), 3)


class EventServiceHealth(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["ok", "failing"])
    services = Service(many=True)
    queue_depth = serializers.IntegerField(allow_null=True, help_text="The longest queue")
    lag_seconds = serializers.FloatField(allow_null=True, help_text="From an event to its commit, at worst")
    rejected_messages = serializers.IntegerField()


class EventService(Endpoint):
    @operation(EventServiceHealth, needs=SEE)
    def get(self, request: Request) -> Response:
        """How the event services are doing."""
        services = Service(Heartbeat.objects.all()[:SERVICES], many=True).data
        alive = [service for service in services if service["alive"]]
        health = {
            "status": "ok" if alive else "failing",
            "services": services,
            "queue_depth": _worst(alive, "queue_depth"),
            "lag_seconds": _worst(alive, "lag_seconds"),
            "rejected_messages": RejectedMessage.objects.count(),
        }
        return Response(health)


def _worst(services: list[dict[str, Any]], name: str) -> Any:
    return max((service[name] for service in services if service[name] is not None), default=None)


class Rejected(serializers.ModelSerializer[RejectedMessage]):
    body = serializers.CharField(help_text=f"At most its first {BODY} bytes")
    encoding = serializers.ChoiceField(choices=["text", "base64"], help_text="base64 where the body is no UTF-8 text")

    class Meta:
        model = RejectedMessage
        fields = ["id", "received_at", "error", "environment", "source", "encoding", "body"]


def _rejected(message: RejectedMessage) -> dict[str, Any]:
    encoding, body = _body(bytes(message.body)[:BODY])
    columns = {name: getattr(message, name) for name in ("id", "received_at", "error", "environment", "source")}
    return {**columns, "encoding": encoding, "body": body}


def _body(raw: bytes) -> tuple[str, str]:
    try:
        return "text", raw.decode()
    except UnicodeDecodeError:
        return "base64", base64.b64encode(raw).decode()


class Outcome(serializers.Serializer[Any]):
    stored = serializers.IntegerField()
    repeated = serializers.IntegerField(help_text="Were there already")
    rejected = serializers.IntegerField(help_text="Are rejected again")


class RejectedMessages(Endpoint):
    @operation(Rejected(many=True), needs=SEE, query=Numbered, headers=(*HEADERS, AT_LEAST))
    def get(self, request: Request, query: dict[str, Any]) -> Response:
        """Messages that were no events, newest first."""
        return newest_first(request, RejectedMessage.objects.all(), query, _rejected)


class OneRejectedMessage(Endpoint):
    @operation(Rejected, needs=SEE)
    def get(self, request: Request, pk: int) -> Response:
        """A message that was no event."""
        return Response(_rejected(get_object_or_404(RejectedMessage, pk=pk)))

    @operation(None, needs=CHANGE, status=204)
    @transaction.atomic
    def delete(self, request: Request, pk: int) -> Response:
        """Delete a message that was no event."""
        message = get_object_or_404(RejectedMessage.objects.select_for_update(), pk=pk)
        AuditEntry.objects.note(person(request), "deleted", [message])
        message.delete()
        return Response(status=204)


class ReplayRejectedMessage(Endpoint):
    @operation(Outcome, needs=CHANGE)
    @transaction.atomic
    def post(self, request: Request, pk: int) -> Response:
        """Try a message again."""
        message = get_object_or_404(RejectedMessage, pk=pk)
        AuditEntry.objects.note(person(request), "replayed", [message])
        outcome = RejectedMessage.objects.filter(pk=pk).replay()
        numbers = {"stored": outcome.stored, "repeated": outcome.repeated, "rejected": outcome.rejected}
        return Response(numbers)
