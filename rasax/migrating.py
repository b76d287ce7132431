"""The web process while the database has not the schema that it was built for: it answers, and says how far that is."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import structlog
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation

from events.schema.running import COMPLETED, PENDING, Status
from events.schema.versions import WrongSchema
from events.schema.waiting import DatabaseIsAway, wait_for_schema

FIRST_LOOK = 5.0  # seconds that a start may take for it; a database that does not answer is waited for while serving
RETRY_AFTER = 5  # seconds
TRY_AGAIN_LATER = 1013  # a WebSocket's close code

log = structlog.get_logger(__name__)


class Readiness:
    """What the process waits for; one that never began to wait is ready."""

    def __init__(self) -> None:
        self.status = Status(COMPLETED, 100.0)
        self.refusal = ""
        self.looked = threading.Event()
        self.serves = False

    @property
    def is_ready(self) -> bool:
        return self.status.status == COMPLETED

    def begin(self) -> None:
        """Ends the process where the schema is newer. In a thread: Django asks no database inside an event loop."""
        self.status = Status(PENDING)
        threading.Thread(target=self._wait, name="schema", daemon=True).start()
        self.looked.wait(FIRST_LOOK)
        self.serves = True
        if self.refusal:
            sys.exit(f"rasax cannot start: {self.refusal}")

    def _wait(self) -> None:
        try:
            self._wait_however_long()
        except WrongSchema as error:
            self._refuse(str(error))
        else:
            self._take(Status(COMPLETED, 100.0))
        finally:
            self.looked.set()
            connection.close()

    def _wait_however_long(self) -> None:
        while True:
            try:
                return wait_for_schema(told=self._take)
            except DatabaseIsAway as error:
                log.error("no page can be served", error=error)

    def _take(self, status: Status) -> None:
        self.status = status
        self.looked.set()

    def _refuse(self, why: str) -> None:
        self.refusal = why
        if self.serves:
            log.error("rasax stops", error=why)
            os.kill(os.getpid(), signal.SIGTERM)


readiness = Readiness()


class SchemaMiddleware:
    """Stands before everything that asks the database."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request) if readiness.is_ready else _not_yet(request)


def _not_yet(request: HttpRequest) -> HttpResponse:
    response: HttpResponse
    if request.path.startswith("/api/"):
        from rasax.api import not_migrated

        response = not_migrated(readiness.status)
    else:
        with translation.override(translation.get_language_from_request(request)):
            # Without the request: what templates learn of it asks the database for who is signed in.
            response = HttpResponse(render_to_string("503.html", {"migration": readiness.status}), status=503)
    response["Retry-After"] = str(RETRY_AFTER)
    response["Cache-Control"] = "no-store"
    return response


def only_when_ready(application: Any) -> Any:
    """For WebSockets, which no middleware of Django's sees."""

    async def gate(scope: Any, receive: Any, send: Any) -> None:
        if readiness.is_ready:
            await application(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})

    return gate
