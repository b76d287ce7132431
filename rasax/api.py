"""The HTTP API, under /api."""

from __future__ import annotations

from django.urls import path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from events.models import Heartbeat


@api_view(["GET"])
@permission_classes([AllowAny])
def health(request: Request) -> Response:
    """200 while an event service committed or was idle recently, else 503; nothing that a stranger may not know."""
    beating = Heartbeat.objects.alive().values_list("queue_depth", "lag_seconds")
    depths = [depth for depth, _ in beating if depth is not None]
    body = {
        "status": "ok" if beating else "no event service has worked lately",
        "event_services": len(beating),
        "queue_depth": max(depths, default=None),
        "lag_seconds": max((lag for _, lag in beating if lag is not None), default=None),
    }
    return Response(body, status=200 if beating else 503)


urlpatterns = [path("health", health, name="health")]
