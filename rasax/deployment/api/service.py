"""Who asks with `?token=`: a Rasa server, by the SERVICE_TOKEN that it was given."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.crypto import constant_time_compare
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.request import Request

from rasax.accounts.api.fields import Strict, Text
from rasax.accounts.api.operations import Reading
from rasax.accounts.api.throttles import PerMinute


class ServiceQuery(Strict):
    token = Text(max_length=500, required=False, help_text="The SERVICE_TOKEN; people need none here")


def is_service(request: Request) -> bool:
    given = request.query_params.get("token", "")
    return bool(settings.SERVICE_TOKEN) and constant_time_compare(given, settings.SERVICE_TOKEN)


class ServiceThrottle(PerMinute):
    """Rasa servers ask as often as they were told to."""

    def allow_request(self, request: Request, view: Any) -> bool:
        return is_service(request) or super().allow_request(request, view)


class ForServices(Reading):
    """For Rasa servers, and for people who have the permission."""

    throttle_classes = [ServiceThrottle]

    def admit(self, request: Request, permission: str) -> None:
        if is_service(request):
            return
        if not request.user.is_authenticated:
            raise NotAuthenticated("The token is wrong: it must be the SERVICE_TOKEN of rasax.")
        if not request.user.has_perm(permission):
            raise PermissionDenied
