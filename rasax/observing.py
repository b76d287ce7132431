"""Each request is timed, counted and told in one line: by the pattern of its path, never by the path."""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Callable
from time import perf_counter

import structlog
from django.core.signals import got_request_exception
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from events.monitoring import metrics

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
SANE = re.compile(r"[\w-]{8,64}")
HEADER = "X-Request-ID"

log = structlog.get_logger("rasax.access")


class ObservingMiddleware:
    """Comes first. The id that nginx gave a request, or a new one, stands in every log line of it and in the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began, given = perf_counter(), request.headers.get(HEADER, "")
        request_id = given if SANE.fullmatch(given) else uuid.uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            response[HEADER] = request_id
            _tell(request, response.status_code, perf_counter() - began)
        return response


def _tell(request: HttpRequest, status: int, seconds: float) -> None:
    view = pattern_of(request)
    method = request.method if request.method in METHODS else "other"
    metrics.REQUEST.labels(view, method, str(status)).observe(seconds)
    log.info("request", method=method, path=view, status=status, ms=round(seconds * 1000, 1))


def pattern_of(request: HttpRequest) -> str:
    """As many as there are in the URL configuration, and two for all that is not in it."""
    if request.resolver_match:
        return f"/{request.resolver_match.route}"
    return "static files" if request.path.startswith("/static/") else "no such path"


@receiver(got_request_exception, dispatch_uid="rasax.observing")
def _notice_error(**kwargs: object) -> None:
    metrics.notice_error("request", sys.exc_info()[1])
