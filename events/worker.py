"""Hosts the event service inside `celery -A rasax worker`.

The loop is ours and not a Celery consumer: Celery's would delete messages that are not tasks, and an exception in a
callback of its ConsumerStep ends the worker (docs/decisions/).
"""

from __future__ import annotations

import threading
from typing import Any

import structlog
from celery import bootsteps
from celery.exceptions import WorkerTerminate
from celery.worker import state
from django.conf import settings

from events.brokers.base import BrokerMisconfigured
from events.schema.step import SchemaStep

EXIT_FAILURE = 1

log = structlog.get_logger(__name__)


class EventServiceStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """Starts, supervises and stops the service in a thread of its own. When it fails, the worker ends with it."""

    requires = {SchemaStep}

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        self.stopping = threading.Event()
        self.thread: threading.Thread | None = None
        super().__init__(parent, **kwargs)

    def include_if(self, parent: Any) -> bool:
        """False where `manage.py consume_events` runs beside the worker, and scales by itself."""
        return bool(settings.EVENT_SERVICE_IN_WORKER)

    def start(self, parent: Any) -> None:
        from events.configured import event_service

        try:
            service = event_service(self.stopping)
        except BrokerMisconfigured as error:
            log.error("the event service cannot start", error=error)
            parent.exitcode = EXIT_FAILURE  # Celery takes none from WorkerTerminate
            raise WorkerTerminate(EXIT_FAILURE) from error
        parent.event_service = service  # its probes ask it (events/monitoring/step.py)
        self.thread = threading.Thread(target=self._run, args=(parent, service), name="event-service", daemon=True)
        self.thread.start()

    def _run(self, parent: Any, service: Any) -> None:
        try:
            service.run()
        except Exception:
            log.error("the event service failed; the worker stops", exc_info=True)
            parent.exitcode = state.should_terminate = EXIT_FAILURE

    def stop(self, parent: Any) -> None:
        self.stopping.set()
        if self.thread:
            self.thread.join(timeout=30)

    terminate = stop
