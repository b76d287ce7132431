"""A Celery worker's probes, at MONITORING_PORT: it answers from its start, also while it waits for the schema."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import structlog
from celery import bootsteps, current_app
from celery.exceptions import WorkerTerminate
from django.conf import settings

from events.monitoring.probes import OK, Answer, Probe, database, ready
from events.monitoring.server import MonitoringServer

EXIT_FAILURE = 1
PING_SECONDS = 2.0

log = structlog.get_logger(__name__)


class MonitoringStep(bootsteps.StartStopStep):  # type: ignore[misc]
    requires = {"celery.worker.components:Pool"}

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        self.server: MonitoringServer | None = None
        self.parent = parent
        super().__init__(parent, **kwargs)

    def include_if(self, parent: Any) -> bool:
        return bool(settings.MONITORING_PORT)

    def start(self, parent: Any) -> None:
        self.probe = Probe(database=database, celery=self._consumes)
        try:
            self.server = MonitoringServer(self._ready, settings.MONITORING_HOST, settings.MONITORING_PORT)
        except OSError as error:
            log.error("MONITORING_PORT cannot be used", port=settings.MONITORING_PORT, error=error)
            parent.exitcode = EXIT_FAILURE  # Celery takes none from WorkerTerminate
            raise WorkerTerminate(EXIT_FAILURE) from error
        self.server.__enter__()

    def _ready(self) -> Answer:
        """The event service that this worker hosts speaks for itself: it is what talks to its broker."""
        _, body = self.probe.ask()
        service = getattr(self.parent, "event_service", None)
        if service is None:
            return ready(body["checks"])
        return ready({**body["checks"], **service.checks()}, **service.told())

    def _consumes(self) -> str:
        """It answers over its broker, from the loop that takes jobs. A connection alone would say little: workers were
        seen that had one and took nothing."""
        if settings.CELERY_BROKER_URL.startswith("filesystem://"):
            return OK  # each answer would leave a file behind
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=PING_SECONDS)
            answers = current_app.control.ping([self.parent.hostname], timeout=PING_SECONDS, connection=connection)
        return OK if answers else "takes no jobs"

    def stop(self, parent: Any) -> None:
        if self.server:
            server, self.server = self.server, None
            with suppress(OSError):
                server.__exit__()

    terminate = stop
