"""One shape for everything that goes wrong, the one that Rasa's own HTTP API has."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import set_rollback

from events.monitoring import metrics

log = logging.getLogger(__name__)

MESSAGE_LENGTH = 1_000
REASONS = {404: "Not found"}  # with a space, as Rasa writes it; the others are one word


class Failure(serializers.Serializer[Any]):
    version = serializers.CharField(help_text="Of rasax")
    status = serializers.ChoiceField(choices=["failure"])
    reason = serializers.CharField(help_text="The HTTP status as a word")
    message = serializers.CharField(help_text="What happened, and what to do")
    details = serializers.DictField(child=serializers.JSONField(), help_text="By parameter or field: what is wrong")
    code = serializers.IntegerField(help_text="The HTTP status")


class Conflict(exceptions.APIException):
    status_code = 409
    default_detail = "Somebody else was faster; look again."


class TooLarge(exceptions.APIException):
    status_code = 413
    default_detail = "The body is larger than 2.5 MB."


class OfNoUse(exceptions.APIException):
    """The body has the shape that it should, and what it holds cannot be used."""

    status_code = 422
    default_detail = "What was sent is of no use."


def failure(code: int, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "version": settings.VERSION,
        "status": "failure",
        "reason": REASONS.get(code, HTTPStatus(code).phrase.replace(" ", "")),
        "message": message[:MESSAGE_LENGTH],
        "details": details or {},
        "code": code,
    }


def answer(error: Exception, context: dict[str, Any]) -> Response:
    """REST framework's EXCEPTION_HANDLER."""
    known = _known(error)
    if known is None:
        metrics.notice_error("request", error)
        log.error("an operation of the API failed", exc_info=error)
        known = exceptions.APIException("Something went wrong here; the log of the web process says what.")
    set_rollback()
    details = _details(known)
    message = _first(details) if details else str(known.detail)
    return Response(failure(known.status_code, message, details), known.status_code, headers=_headers(known))


def _known(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, exceptions.APIException):
        return error
    if isinstance(error, Http404 | ObjectDoesNotExist):
        gone = "" if isinstance(error, Http404) else "Somebody has just deleted it; look again."
        return exceptions.NotFound(gone or str(error) or None)
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, RequestDataTooBig):
        return TooLarge()
    if isinstance(error, SuspiciousOperation | DataError):
        return exceptions.ParseError("The request holds something that cannot be read or kept.")
    return None


def _details(error: exceptions.APIException) -> dict[str, Any]:
    if not isinstance(error, exceptions.ValidationError):
        return {}
    return error.detail if isinstance(error.detail, dict) else {"body": error.detail}


def _first(details: Any, path: str = "") -> str:
    """The first thing that is wrong, with the way to it."""
    pairs = details.items() if isinstance(details, dict) else enumerate(details) if isinstance(details, list) else ()
    for name, inner in pairs:
        if inner:
            is_text = isinstance(details, list) and not isinstance(inner, dict | list)
            return _first(inner, path if is_text else f"{path}.{name}".lstrip("."))
    return f"{path}: {details}"


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, int(wait)))
    return headers


@csrf_exempt
@login_not_required
def no_such_path(request: HttpRequest, **kwargs: object) -> JsonResponse:
    return JsonResponse(failure(404, "There is no such path; GET /api/schema lists those there are."), status=404)
